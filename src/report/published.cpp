#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/report.h"

#include "base/json.h"
#include "report/assets.h"

namespace bitgauge {
namespace {

constexpr std::string_view kFolder = "published/";
constexpr std::string_view kExtension = ".json";
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

PublishedRow row_of(const Json& json, const std::string& table_source) {
    PublishedRow row;
    row.provider = json.at("provider").get<std::string>();
    row.label = json.at("label").get<std::string>();
    row.size_gib = json.value("size_gib", kNan);
    row.ppl = json.value("ppl", kNan);
    row.kld_mean_nats = json.value("kld_mean_nats", kNan);
    row.kld_p999_nats = json.value("kld_p99_9_nats", kNan);
    row.kld_max_nats = json.value("kld_max_nats", kNan);
    row.same_top = json.value("same_top_share", kNan);
    row.source = json.value("source", table_source);
    row.remark = json.value("remark", "");
    row.efficiency_score = row.excess_over_front_ln = kNan;
    return row;
}

// Scores over the rows that state both size and mean KLD.
void set_merits(std::vector<PublishedRow>& rows) {
    std::vector<SizeAndKld> points;
    std::vector<PublishedRow*> scored;
    for (PublishedRow& row : rows) {
        if (std::isnan(row.size_gib) || std::isnan(row.kld_mean_nats)) continue;
        points.push_back({row.size_gib, row.kld_mean_nats});
        scored.push_back(&row);
    }
    if (points.empty()) return;
    const auto scores = efficiency_scores(points);
    const auto excess = excess_over_front(points, points);
    const auto front = on_pareto_front(points);
    for (size_t i = 0; i < scored.size(); ++i) {
        scored[i]->efficiency_score = scores[i];
        scored[i]->excess_over_front_ln = excess[i];
        scored[i]->on_front = front[i];
    }
}

PublishedTable table_of(const Json& json, const std::string& model) {
    PublishedTable table;
    table.model = model;
    table.id = json.at("id").get<std::string>();
    table.title = json.at("title").get<std::string>();
    table.author = json.at("author").get<std::string>();
    table.date = json.at("date").get<std::string>();
    table.source = json.at("source").get<std::string>();
    table.protocol = json.at("protocol").get<std::string>();
    table.original = json.at("original").get<std::string>();
    table.notes = json.value("notes", "");
    for (const Json& row : json.at("rows")) table.rows.push_back(row_of(row, table.source));
    set_merits(table.rows);
    return table;
}

[[noreturn]] void fail_unknown(std::string_view name) {
    throw Error(ErrorKind::kInput, fmt::format("there is no published table \"{}\"", name),
                fmt::format("the known ones are {}", fmt::join(published_names(), ", ")));
}

}  // namespace

std::vector<std::string> published_names() {
    std::vector<std::string> names = asset_names(kFolder);
    for (std::string& name : names) {
        name = name.substr(kFolder.size(), name.size() - kFolder.size() - kExtension.size());
    }
    return names;
}

std::vector<PublishedTable> published_tables(std::string_view name) {
    const std::string file = fmt::format("{}{}{}", kFolder, name, kExtension);
    if (asset_names(file) != std::vector<std::string>{file}) fail_unknown(name);
    const Json json = Json::parse(asset(file));
    const std::string model = json.at("model").get<std::string>();
    std::vector<PublishedTable> tables;
    for (const Json& table : json.at("tables")) tables.push_back(table_of(table, model));
    return tables;
}

}  // namespace bitgauge
