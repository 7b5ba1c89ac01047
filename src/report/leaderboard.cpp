#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/report.h"

#include "base/units.h"
#include "report/names.h"

namespace bitgauge {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

bool has_kld(const MeasureRecord& record) {
    return std::isfinite(record.kld_nats.mean.value);
}

SizeAndKld point_of(const MeasureRecord& record) {
    return {static_cast<double>(record.model.size_bytes) / kGiB, record.kld_nats.mean.value};
}

void require_one_baseline(std::span<const MeasureRecord> records) {
    const std::string& first = records.front().baseline.key;
    for (const MeasureRecord& record : records) {
        if (record.baseline.key == first) continue;
        throw Error(
            ErrorKind::kInput,
            fmt::format("{} was measured against baseline {}, {} against {}",
                        records.front().model.file, first, record.model.file, record.baseline.key),
            "compare the files of one baseline at a time: --baseline KEY");
    }
}

std::vector<LeaderboardRow> sorted_rows(std::span<const MeasureRecord> records) {
    std::vector<LeaderboardRow> rows;
    for (const MeasureRecord& record : records) rows.emplace_back().record = record;
    std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
        if (has_kld(a.record) != has_kld(b.record)) return has_kld(a.record);
        return has_kld(a.record) && a.record.kld_nats.mean.value < b.record.kld_nats.mean.value;
    });
    return rows;
}

double tokens_of(const ClusterSeries& series, size_t cluster) {
    return cluster < series.tokens.size() ? series.tokens[cluster] : 0;
}

// The clusters every file was measured on, each file's sum brought to the same count: files may
// have been stopped early or have left out positions that were not finite.
struct SharedClusters {
    std::vector<double> counts;
    std::vector<std::vector<double>> kld_sums;  // one per file
};

SharedClusters shared_clusters(std::span<const LeaderboardRow> rows) {
    SharedClusters shared{{}, std::vector<std::vector<double>>(rows.size())};
    const size_t clusters = rows.front().record.clusters.tokens.size();
    for (size_t i = 0; i < clusters; ++i) {
        double least = std::numeric_limits<double>::infinity(), most = 0;
        for (const LeaderboardRow& row : rows) {
            least = std::min(least, tokens_of(row.record.clusters, i));
            most = std::max(most, tokens_of(row.record.clusters, i));
        }
        if (least <= 0) continue;
        shared.counts.push_back(most);
        for (size_t f = 0; f < rows.size(); ++f) {
            const ClusterSeries& series = rows[f].record.clusters;
            shared.kld_sums[f].push_back(series.kld_sum[i] * (most / series.tokens[i]));
        }
    }
    return shared;
}

// Without shared documents nothing can be paired.
std::vector<DecidedPair> decided_of(const SharedClusters& shared, double alpha) {
    if (shared.counts.empty()) return {};
    return decided_pairs(shared.kld_sums, shared.counts, alpha);
}

// Where nothing was paired, the order of means is all there is.
std::vector<int> ranks_of(const SharedClusters& shared, std::span<const DecidedPair> decided) {
    std::vector<int> ranks(shared.kld_sums.size(), 1);
    if (shared.counts.empty()) std::iota(ranks.begin(), ranks.end(), 1);
    for (const DecidedPair& pair : decided) ++ranks[pair.higher];
    return ranks;
}

// A difference below the floor decides nothing, however certain it is.
std::vector<int> with_floor(const std::vector<int>& ranks, std::span<const LeaderboardRow> rows,
                            double floor_nats) {
    std::vector<int> result = ranks;
    for (size_t i = 0; i < ranks.size(); ++i) {
        for (size_t better = 0; better < i; ++better) {
            const double difference =
                rows[i].record.kld_nats.mean.value - rows[better].record.kld_nats.mean.value;
            if (difference < floor_nats) result[i] = std::min(result[i], ranks[better]);
        }
    }
    return result;
}

void set_behind(std::span<LeaderboardRow> rows, std::span<const DecidedPair> decided,
                double floor_nats) {
    for (const DecidedPair& pair : decided) {
        const double difference = rows[pair.higher].record.kld_nats.mean.value -
                                  rows[pair.lower].record.kld_nats.mean.value;
        if (difference >= floor_nats) rows[pair.higher].behind.push_back(pair.lower);
    }
    for (LeaderboardRow& row : rows) std::ranges::sort(row.behind);
}

void set_ranks(Leaderboard& board, std::span<LeaderboardRow> rows) {
    const SharedClusters shared = shared_clusters(rows);
    board.shared_clusters = shared.counts.size();
    const auto decided = decided_of(shared, board.alpha);
    set_behind(rows, decided, board.noise_floor_nats);
    const auto ranks = with_floor(ranks_of(shared, decided), rows, board.noise_floor_nats);
    for (size_t i = 0; i < rows.size(); ++i) {
        rows[i].rank = ranks[i];
        rows[i].shares_rank = std::count(ranks.begin(), ranks.end(), ranks[i]) > 1;
    }
}

// The corners of the reference's hull are what has no excess over it.
std::vector<SizeAndKld> corners_of(std::span<const SizeAndKld> reference) {
    const auto excess = excess_over_front(reference, reference);
    std::map<double, double> corners;  // size -> KLD
    for (size_t i = 0; i < reference.size(); ++i) {
        if (excess[i] < 1e-12) corners.emplace(reference[i].size_gib, reference[i].kld_nats);
    }
    std::vector<SizeAndKld> result;
    result.reserve(corners.size());
    for (const auto& [size, kld] : corners) result.push_back({size, kld});
    return result;
}

void set_merits(Leaderboard& board, std::span<LeaderboardRow> rows,
                std::span<const SizeAndKld> reference_front) {
    std::vector<SizeAndKld> points;
    for (const LeaderboardRow& row : rows) points.push_back(point_of(row.record));
    const auto reference =
        reference_front.empty() ? std::span<const SizeAndKld>(points) : reference_front;
    const auto scores = efficiency_scores(points);
    const auto unbeaten = on_pareto_front(points);
    const auto excess = excess_over_front(points, reference);
    for (size_t i = 0; i < rows.size(); ++i) {
        rows[i].efficiency_score = scores[i];
        rows[i].on_front = unbeaten[i];
        rows[i].excess_over_front_ln = excess[i];
    }
    board.front = corners_of(reference);
}

void set_names(std::vector<LeaderboardRow>& rows) {
    std::vector<ModelIdentity> models;
    models.reserve(rows.size());
    for (const LeaderboardRow& row : rows) models.push_back(row.record.model);
    const std::vector<std::string> names = short_names(models);
    for (size_t i = 0; i < rows.size(); ++i) rows[i].name = names[i];
}

}  // namespace

Leaderboard build_leaderboard(std::span<const MeasureRecord> records,
                              const LeaderboardOptions& options) {
    assert(!records.empty());
    require_one_baseline(records);
    Leaderboard board;
    board.alpha = options.alpha;
    board.reference_name = options.reference_front.empty() ? "these files" : options.reference_name;
    board.rows = sorted_rows(records);
    for (LeaderboardRow& row : board.rows) {
        board.noise_floor_nats = std::max(board.noise_floor_nats, row.record.noise_floor_nats);
        row.efficiency_score = row.excess_over_front_ln = kNan;
    }
    set_names(board.rows);

    const auto finite = std::count_if(board.rows.begin(), board.rows.end(),
                                      [](const auto& row) { return has_kld(row.record); });
    const auto ranked = std::span(board.rows).first(static_cast<size_t>(finite));
    if (ranked.empty()) return board;
    set_ranks(board, ranked);
    set_merits(board, ranked, options.reference_front);
    return board;
}

std::vector<Leaderboard> build_leaderboards(std::span<const MeasureRecord> records,
                                            const LeaderboardOptions& options) {
    std::vector<std::string> order;
    std::map<std::string, std::vector<MeasureRecord>> groups;
    for (const MeasureRecord& record : records) {
        auto& group = groups[record.baseline.key];
        if (group.empty()) order.push_back(record.baseline.key);
        group.push_back(record);
    }
    std::vector<Leaderboard> boards;
    boards.reserve(order.size());
    for (const std::string& key : order) boards.push_back(build_leaderboard(groups[key], options));
    return boards;
}

}  // namespace bitgauge
