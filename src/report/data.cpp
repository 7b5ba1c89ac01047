// CSV and JSON: for other programs.

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "bitgauge/report.h"

#include "base/json.h"
#include "base/units.h"
#include "report/columns.h"
#include "report/escape.h"
#include "report/task_columns.h"
#include "store/record_json.h"

namespace bitgauge {
namespace {

constexpr const char* kRight = "right_share";
constexpr const char* kSame = "same_text_";

// The fields of one line, by column name.
class CsvLine {
  public:
    void text(const std::string& name, const std::string& value) {
        names_.push_back(name);
        values_[name] = csv_field(printable(value));
    }
    void number(const std::string& name, double value) {
        text(name, std::isnan(value) ? "" : fmt::format("{}", value));
    }
    void count(const std::string& name, uint64_t value) { text(name, fmt::format("{}", value)); }
    void estimate(const std::string& name, const Estimate& value) {
        number(name, value.value);
        number(name + "_low", value.low);
        number(name + "_high", value.high);
    }

    const std::vector<std::string>& names() const { return names_; }

    // In the order of `columns`; empty where this line has no such field.
    std::string line(const std::vector<std::string>& columns) const {
        std::vector<std::string> fields;
        for (const std::string& column : columns) {
            const auto found = values_.find(column);
            fields.push_back(found == values_.end() ? "" : found->second);
        }
        return fmt::format("{}\n", fmt::join(fields, ","));
    }

  private:
    std::vector<std::string> names_;
    std::map<std::string, std::string> values_;
};

void add_file(CsvLine& line, const LeaderboardRow& row) {
    const ModelIdentity& model = row.record.model;
    line.text("name", row.name);
    line.text("file", model.file);
    line.text("publisher", model.publisher);
    line.text("label", model.label);
    line.text("content_hash", model.content_hash);
    line.count("size_bytes", model.size_bytes);
    line.number("size_gib", static_cast<double>(model.size_bytes) / kGiB);
    line.number("size_gb", static_cast<double>(model.size_bytes) / kGB);
    line.number("bits_per_weight", model.bits_per_weight);
}

void add_figures(CsvLine& line, const MeasureRecord& record) {
    line.estimate("kld_mean_nats", record.kld_nats.mean);
    line.estimate("kld_median_nats", record.kld_nats.median);
    line.estimate("kld_p90_nats", record.kld_nats.p90);
    line.estimate("kld_p95_nats", record.kld_nats.p95);
    line.estimate("kld_p99_nats", record.kld_nats.p99);
    line.estimate("kld_p99_9_nats", record.kld_nats.p999);
    line.number("kld_max_nats", record.kld_nats.maximum);
    line.estimate("ppl", record.ppl);
    line.number("ppl_original", record.ppl_original);
    line.estimate("ppl_ratio", record.ppl_ratio);
    line.estimate("same_top_share", record.same_top);
    line.estimate("mean_delta_p", record.mean_delta_p);
    line.estimate("rms_delta_p", record.rms_delta_p);
}

void add_provenance(CsvLine& line, const MeasureRecord& record) {
    line.count("scored_positions", record.scored_positions);
    line.count("nonfinite_positions", record.nonfinite_positions);
    line.text("complete", record.complete ? "true" : "false");
    line.number("noise_floor_nats", record.noise_floor_nats);
    line.text("original", record.baseline.original.file);
    line.text("protocol", record.protocol.name);
    line.count("window_tokens", record.protocol.window_tokens);
    line.text("baseline_key", record.baseline.key);
    line.text("record_key", record.key);
    line.text("source", fmt::format("bitgauge {}", record.build.bitgauge));
}

CsvLine line_of(const LeaderboardRow& row) {
    CsvLine line;
    line.text("origin", "measured");
    line.text("rank", row.rank > 0 ? fmt::format("{}", row.rank) : "");
    line.text("shares_rank", row.shares_rank ? "true" : "false");
    add_file(line, row);
    add_figures(line, row.record);
    line.estimate(kRight, row.right);
    line.estimate("same_text_share", row.same_text);
    line.number("same_text_median_tokens", row.median_same_tokens);
    line.number("efficiency_score", row.efficiency_score);
    line.number("excess_over_front_ln", row.excess_over_front_ln);
    line.text("on_front", row.on_front ? "true" : "false");
    add_provenance(line, row.record);
    return line;
}

CsvLine line_of(const PublishedTable& table, const PublishedRow& row) {
    CsvLine line;
    line.text("origin", "published");
    line.text("name", name_of(row));
    line.text("publisher", row.provider);
    line.text("label", row.label);
    line.number("size_gib", row.size_gib);
    line.number("kld_mean_nats", row.kld_mean_nats);
    line.number("kld_p99_9_nats", row.kld_p999_nats);
    line.number("kld_max_nats", row.kld_max_nats);
    line.number("ppl", row.ppl);
    line.number("same_top_share", row.same_top);
    line.number("efficiency_score", row.efficiency_score);
    line.number("excess_over_front_ln", row.excess_over_front_ln);
    line.text("original", table.original);
    line.text("protocol", table.protocol);
    line.text("source", row.source);
    return line;
}

Json number_or_null(double value) {
    return std::isfinite(value) ? Json(value) : Json(nullptr);
}

Json estimate_or_null(const Estimate& e) {
    if (!std::isfinite(e.value)) return nullptr;
    return to_json(e);
}

Json front_json(const Leaderboard& board) {
    Json corners = Json::array();
    for (const SizeAndKld& corner : board.front) {
        corners.push_back({{"size_gib", corner.size_gib}, {"kld_nats", corner.kld_nats}});
    }
    return {{"of", board.reference_name}, {"corners", std::move(corners)}};
}

Json board_json(const Leaderboard& board) {
    Json rows = Json::array();
    for (const LeaderboardRow& row : board.rows) {
        rows.push_back({{"rank", row.rank > 0 ? Json(row.rank) : Json(nullptr)},
                        {"shares_rank", row.shares_rank},
                        {"name", row.name},
                        {"record_key", row.record.key},
                        {"kld_mean_nats", number_or_null(row.record.kld_nats.mean.value)},
                        {"size_bytes", row.record.model.size_bytes},
                        {"efficiency_score", number_or_null(row.efficiency_score)},
                        {"excess_over_front_ln", number_or_null(row.excess_over_front_ln)},
                        {"on_front", row.on_front},
                        {kRight, estimate_or_null(row.right)},
                        {"same_text_share", estimate_or_null(row.same_text)},
                        {"same_text_median_tokens", number_or_null(row.median_same_tokens)}});
    }
    return {{"baseline_key", board.rows.front().record.baseline.key},
            {"shared_clusters", board.shared_clusters},
            {"family_wise_error", board.alpha},
            {"noise_floor_nats", board.noise_floor_nats},
            {"front", front_json(board)},
            {"answers_of", board.answers_of},
            {"continuations_of", board.drift_of},
            {"same_text_to_token", board.drift_token},
            {"rows", std::move(rows)}};
}

Json published_json(const PublishedTable& table) {
    Json rows = Json::array();
    for (const PublishedRow& row : table.rows) {
        rows.push_back({{"provider", row.provider},
                        {"label", row.label},
                        {"size_gib", number_or_null(row.size_gib)},
                        {"ppl", number_or_null(row.ppl)},
                        {"kld_mean_nats", number_or_null(row.kld_mean_nats)},
                        {"kld_p99_9_nats", number_or_null(row.kld_p999_nats)},
                        {"kld_max_nats", number_or_null(row.kld_max_nats)},
                        {"same_top_share", number_or_null(row.same_top)},
                        {"efficiency_score", number_or_null(row.efficiency_score)},
                        {"excess_over_front_ln", number_or_null(row.excess_over_front_ln)},
                        {"source", row.source},
                        {"remark", row.remark}});
    }
    return {{"model", table.model},       {"title", table.title},   {"author", table.author},
            {"date", table.date},         {"source", table.source}, {"protocol", table.protocol},
            {"original", table.original}, {"notes", table.notes},   {"rows", std::move(rows)}};
}

std::vector<std::string> columns_of(const Report& report) {
    std::vector<std::string> names = line_of(LeaderboardRow{}).names();
    const bool answered = std::ranges::any_of(
        report.leaderboards, [](const Leaderboard& board) { return !board.answers_of.empty(); });
    const bool drifted = std::ranges::any_of(
        report.leaderboards, [](const Leaderboard& board) { return !board.drift_of.empty(); });
    std::erase_if(names, [&](const auto& name) {
        return (!answered && name.starts_with(kRight)) || (!drifted && name.starts_with(kSame));
    });
    return names;
}

}  // namespace

std::string csv(const Report& report) {
    const std::vector<std::string> columns = columns_of(report);
    std::string text = fmt::format("{}\n", fmt::join(columns, ","));
    for (const Leaderboard& board : report.leaderboards) {
        for (const LeaderboardRow& row : board.rows) text += line_of(row).line(columns);
    }
    for (const PublishedTable& table : report.published) {
        for (const PublishedRow& row : table.rows) text += line_of(table, row).line(columns);
    }
    return text;
}

std::string json(const Report& report) {
    Json boards = Json::array(), records = Json::array(), tasks = Json::array(),
         published = Json::array();
    for (const Leaderboard& board : report.leaderboards) {
        boards.push_back(board_json(board));
        for (const LeaderboardRow& row : board.rows) records.push_back(to_json(row.record));
    }
    for (const TaskReport& table : report.tasks) tasks.push_back(document_of(table));
    for (const PublishedTable& table : report.published) published.push_back(published_json(table));
    const Json document = {{"schema", "bitgauge.report/1"},
                           {"leaderboards", std::move(boards)},
                           {"records", std::move(records)},
                           {"tasks", std::move(tasks)},
                           {"published", std::move(published)}};
    return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace bitgauge
