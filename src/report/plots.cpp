#include "report/plots.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/units.h"
#include "report/assets.h"
#include "report/columns.h"
#include "report/escape.h"
#include "report/numbers.h"

namespace bitgauge {
namespace {

// The logarithmic axes begin here: zero and below have no place on them.
constexpr double kSmallestKld = 1e-9;

double on_log_axis(double kld_nats) {
    return std::max(kld_nats, kSmallestKld);
}

Plot plot_with(const char* spec, const char* title, const char* caption, Json datasets) {
    Plot plot{title, caption, Json::parse(asset(spec))};
    plot.spec["datasets"] = std::move(datasets);
    return plot;
}

// "low" and "high"; null where there is no interval, which the plots leave out.
void add_interval(Json& point, const Estimate& estimate) {
    point["low"] = estimate.has_interval() ? Json(on_log_axis(estimate.low)) : Json(nullptr);
    point["high"] = estimate.has_interval() ? Json(on_log_axis(estimate.high)) : Json(nullptr);
}

std::string publisher_or_unknown(const std::string& publisher) {
    return publisher.empty() ? "unknown publisher" : printable(publisher);
}

// The name without the publisher, which shape and colour show.
std::string label_of(const LeaderboardRow& row) {
    const std::string prefix = printable(row.record.model.publisher) + " ";
    return row.name.starts_with(prefix) ? row.name.substr(prefix.size()) : row.name;
}

Json point_of(const LeaderboardRow& row) {
    const MeasureRecord& record = row.record;
    Json point = {{"name", row.name},
                  {"label", label_of(row)},
                  {"publisher", publisher_or_unknown(record.model.publisher)},
                  {"size_gib", static_cast<double>(record.model.size_bytes) / kGiB},
                  {"kld_nats", on_log_axis(record.kld_nats.mean.value)},
                  {"kld_text", format_estimate(record.kld_nats.mean)},
                  {"rank", fmt::format("{}{}", row.rank, row.shares_rank ? "=" : "")},
                  {"times_front", format_fixed(std::exp(row.excess_over_front_ln), 2)},
                  {"score", format_fixed(row.efficiency_score, 3)}};
    add_interval(point, record.kld_nats.mean);
    return point;
}

Json point_of(const PublishedRow& row) {
    return {{"name", name_of(row)},
            {"label", row.label},
            {"publisher", row.provider},
            {"size_gib", row.size_gib},
            {"kld_nats", on_log_axis(row.kld_mean_nats)},
            {"kld_text", format_number(row.kld_mean_nats)},
            {"rank", "n/a"},
            {"times_front", format_fixed(std::exp(row.excess_over_front_ln), 2)},
            {"score", format_fixed(row.efficiency_score, 3)},
            {"low", nullptr},
            {"high", nullptr}};
}

Json corner_of(double size_gib, double kld_nats) {
    return {{"size_gib", size_gib}, {"kld_nats", on_log_axis(kld_nats)}};
}

Plot size_plot(Json files, Json front) {
    return plot_with(
        "page/kld_size.vl.json", "Divergence against size",
        "Lower and further left is better. Bars are 95 % intervals; the dashed line is "
        "the front: the best known divergence at each size.",
        {{"files", std::move(files)}, {"front", std::move(front)}});
}

Plot size_plot(const Leaderboard& board) {
    Json files = Json::array(), front = Json::array();
    for (const LeaderboardRow& row : board.rows) {
        if (row.rank > 0) files.push_back(point_of(row));
    }
    for (const SizeAndKld& corner : board.front) {
        front.push_back(corner_of(corner.size_gib, corner.kld_nats));
    }
    return size_plot(std::move(files), std::move(front));
}

void add_strata(Json& points, const LeaderboardRow& row) {
    for (const StratumSummary& stratum : row.record.strata) {
        if (!std::isfinite(stratum.kld_nats.value)) continue;
        Json point = {{"name", row.name},
                      {"stratum", printable(stratum.name)},
                      {"kld_nats", on_log_axis(stratum.kld_nats.value)},
                      {"kld_text", format_estimate(stratum.kld_nats)},
                      {"same_top", format_estimate(stratum.same_top, 100)},
                      {"scored_tokens", stratum.scored_tokens}};
        add_interval(point, stratum.kld_nats);
        points.push_back(std::move(point));
    }
}

void add_positions(Json& points, const LeaderboardRow& row) {
    for (const PositionBucket& bucket : row.record.by_position) {
        if (bucket.scored_tokens == 0 || !std::isfinite(bucket.kld_nats)) continue;
        points.push_back({{"name", row.name},
                          {"position", (bucket.first + bucket.last) / 2.0},
                          {"span", fmt::format("{} to {}", bucket.first, bucket.last)},
                          {"kld_nats", on_log_axis(bucket.kld_nats)},
                          {"scored_tokens", bucket.scored_tokens}});
    }
}

// Counts become shares per decade, so that buckets of any width draw the same curve.
void add_histogram(Json& points, const LeaderboardRow& row) {
    const LogHistogram& histogram = row.record.histogram;
    double total = 0;
    for (const uint64_t count : histogram.counts) total += static_cast<double>(count);
    for (size_t i = 0; i < histogram.counts.size() && total > 0; ++i) {
        const double left = histogram.log10_edges[i], right = histogram.log10_edges[i + 1];
        if (!std::isfinite(left) || !std::isfinite(right)) continue;
        const double share = static_cast<double>(histogram.counts[i]) / total;
        points.push_back({{"name", row.name},
                          {"kld_nats", std::pow(10, (left + right) / 2)},
                          {"share", 100 * share / (right - left)}});
    }
}

Json points_of(const Leaderboard& board, void (*add)(Json&, const LeaderboardRow&)) {
    Json points = Json::array();
    for (const LeaderboardRow& row : board.rows) add(points, row);
    return points;
}

bool has_several_strata(const Leaderboard& board) {
    return board.rows.front().record.strata.size() > 1;
}

}  // namespace

std::vector<Plot> plots_of(const Leaderboard& board) {
    std::vector<Plot> plots = {size_plot(board)};
    if (has_several_strata(board)) {
        plots.push_back(plot_with("page/strata.vl.json", "Divergence by kind of text",
                                  "Dots are means, bars their 95 % intervals over documents.",
                                  {{"strata", points_of(board, add_strata)}}));
    }
    if (Json points = points_of(board, add_positions); !points.empty()) {
        plots.push_back(plot_with("page/position.vl.json", "Divergence by position",
                                  "Does the damage grow with the context? Select files in the "
                                  "legend.",
                                  {{"positions", std::move(points)}}));
    }
    if (Json points = points_of(board, add_histogram); !points.empty()) {
        plots.push_back(plot_with("page/distribution.vl.json", "Distribution of the divergence",
                                  "How many positions diverge how much; the leftmost point also "
                                  "holds everything below. Select files in the legend.",
                                  {{"histogram", std::move(points)}}));
    }
    return plots;
}

std::vector<Plot> plots_of(const PublishedTable& table) {
    Json files = Json::array();
    std::vector<SizeAndKld> front;
    for (const PublishedRow& row : table.rows) {
        if (std::isnan(row.excess_over_front_ln)) continue;
        files.push_back(point_of(row));
        if (row.excess_over_front_ln < 1e-12) front.push_back({row.size_gib, row.kld_mean_nats});
    }
    if (files.empty()) return {};
    Json corners = Json::array();
    for (const SizeAndKld& corner : front) {
        corners.push_back(corner_of(corner.size_gib, corner.kld_nats));
    }
    return {size_plot(std::move(files), std::move(corners))};
}

}  // namespace bitgauge
