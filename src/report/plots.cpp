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

// A layer without data draws nothing, and Vega complains about its empty axes.
void drop_empty_layers(Json& spec) {
    if (!spec.contains("layer")) return;
    Json layers = Json::array();
    for (Json& layer : spec["layer"]) {
        const bool own = layer.contains("data");  // else that of all layers
        if (own && spec["datasets"][layer["data"]["name"].get<std::string>()].empty()) continue;
        layers.push_back(std::move(layer));
    }
    spec["layer"] = std::move(layers);
}

}  // namespace

Plot plot_with(const char* spec, const char* title, const char* caption, Json datasets) {
    Plot plot{title, caption, Json::parse(asset(spec))};
    plot.spec["datasets"] = std::move(datasets);
    drop_empty_layers(plot.spec);
    return plot;
}

namespace {

// "low" and "high"; absent where there is no interval.
void add_interval(Json& point, const Estimate& estimate) {
    if (!estimate.has_interval()) return;
    point["low"] = on_log_axis(estimate.low);
    point["high"] = on_log_axis(estimate.high);
}

template <class Wanted>
Json those(const Json& points, Wanted&& wanted) {
    Json result = Json::array();
    for (const Json& point : points) {
        if (wanted(point)) result.push_back(point);
    }
    return result;
}

Json with_interval(const Json& points) {
    return those(points, [](const Json& point) { return point.contains("low"); });
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
            {"score", format_fixed(row.efficiency_score, 3)}};
}

Json corner_of(double size_gib, double kld_nats) {
    return {{"size_gib", size_gib}, {"kld_nats", on_log_axis(kld_nats)}};
}

// Where a point lies in the plot: both coordinates in [0, 1].
struct Place {
    double x, y;
};

std::vector<double> scaled(std::vector<double> values) {
    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    const double low = *least, range = *most - *least;
    for (double& value : values) value = range > 0 ? (value - low) / range : 0.5;
    return values;
}

std::vector<Place> places_of(const Json& files) {
    std::vector<double> xs, ys;
    for (const Json& file : files) {
        xs.push_back(file["size_gib"].get<double>());
        ys.push_back(std::log(file["kld_nats"].get<double>()));
    }
    xs = scaled(std::move(xs));
    ys = scaled(std::move(ys));
    std::vector<Place> places;
    for (size_t i = 0; i < xs.size(); ++i) places.push_back({xs[i], ys[i]});
    return places;
}

// Labels stand right above their point, or left below it where another point is in the way.
std::vector<bool> crowded(const Json& files) {
    constexpr double kLabelWidth = 0.09, kLabelHeight = 0.06;
    const std::vector<Place> places = places_of(files);
    std::vector<bool> result;
    result.reserve(places.size());
    for (const Place& place : places) {
        result.push_back(std::any_of(places.begin(), places.end(), [&](const Place& other) {
            const double right = other.x - place.x, up = other.y - place.y;
            return right > 0 && right < kLabelWidth && up > -kLabelHeight / 2 && up < kLabelHeight;
        }));
    }
    return result;
}

Json size_data(Json files, Json front) {
    Json right = Json::array(), left = Json::array();
    const std::vector<bool> to_the_left = crowded(files);
    for (size_t i = 0; i < files.size(); ++i) (to_the_left[i] ? left : right).push_back(files[i]);
    Json intervals = with_interval(files);
    return {{"files", std::move(files)},
            {"intervals", std::move(intervals)},
            {"labels_right", std::move(right)},
            {"labels_left", std::move(left)},
            {"front", std::move(front)}};
}

Plot size_plot(Json files, Json front) {
    const bool has_intervals = !with_interval(files).empty();
    Plot plot =
        plot_with("page/kld_size.vl.json", "Divergence against size",
                  has_intervals ? "Lower and further left is better. Bars are 95 % intervals; "
                                  "the dashed line is the front: the best known divergence at "
                                  "each size."
                                : "Lower and further left is better. The dashed line is the "
                                  "front: the best known divergence at each size. The source "
                                  "prints no uncertainty.",
                  size_data(std::move(files), std::move(front)));
    plot.wide = true;
    return plot;
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

Plot strata_plot(const Leaderboard& board) {
    constexpr size_t kRowHeight = 32;
    Json strata = points_of(board, add_strata), intervals = with_interval(strata);
    Plot plot = plot_with("page/strata.vl.json", "Divergence by kind of text",
                          "Dots are means, bars their 95 % intervals over documents.",
                          {{"strata", std::move(strata)}, {"intervals", std::move(intervals)}});
    plot.spec["height"] = kRowHeight * board.rows.size();
    plot.wide = true;
    return plot;
}

bool has_several_strata(const Leaderboard& board) {
    return board.rows.front().record.strata.size() > 1;
}

}  // namespace

std::vector<Plot> plots_of(const Leaderboard& board) {
    std::vector<Plot> plots;
    if (board.rows.front().rank > 0) plots.push_back(size_plot(board));
    if (has_several_strata(board)) {
        plots.push_back(strata_plot(board));
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
