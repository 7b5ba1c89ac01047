// What a leaderboard says of continuations.

#include <algorithm>

#include <fmt/format.h>

#include "bitgauge/accuracy.h"
#include "bitgauge/error.h"
#include "bitgauge/report.h"

#include "base/units.h"

namespace bitgauge {
namespace {

constexpr uint32_t kToken = 32;  // far enough for drift to show, near enough for some to remain

// A damaged text may hold what no run writes.
void require_fitting(const DriftRecord& record) {
    const DriftSeries& s = record.beginnings;
    const size_t n = s.same_tokens.size();
    const bool whole =
        s.stratum.size() == n && s.cluster.size() == n && n > 0 &&
        std::ranges::all_of(s.cluster, [&](uint32_t cluster) { return cluster < record.clusters; });
    if (whole) return;
    throw Error(ErrorKind::kInput,
                fmt::format("the continuations of '{}' are damaged: their parts do not fit "
                            "together",
                            record.model.file),
                "write them again: bitgauge drift");
}

bool compare_with_each_other(const DriftRecord& a, const DriftRecord& b) {
    return a.beginnings_key == b.beginnings_key && a.tokens == b.tokens && a.parallel == b.parallel;
}

bool is_of(const LeaderboardRow& row, const DriftRecord& record) {
    return row.record.baseline.key == record.baseline_key && !record.model.content_hash.empty() &&
           row.record.model.content_hash == record.model.content_hash;
}

bool is_of(const Leaderboard& board, const DriftRecord& record) {
    return std::ranges::any_of(board.rows,
                               [&](const LeaderboardRow& row) { return is_of(row, record); });
}

// Null without any.
const DriftRecord* newest_of(const Leaderboard& board, std::span<const DriftRecord> drifts) {
    const DriftRecord* newest = nullptr;
    for (const DriftRecord& record : drifts) {
        if (!is_of(board, record)) continue;
        if (newest == nullptr || newest->created_utc <= record.created_utc) newest = &record;
    }
    return newest;
}

void describe_drift(Leaderboard& board, const DriftRecord& record) {
    board.drift_token = std::min(kToken, record.tokens);
    board.drift_tokens = record.tokens;
    board.drift_of = fmt::format("greedy continuations of {} of {} tokens, {} tokens each",
                                 counted(record.beginnings.same_tokens.size(), "beginning"),
                                 record.prompt_tokens, record.tokens);
    const auto clusters = std::span(record.beginnings.cluster);
    const size_t n = std::min(record.floor_same_tokens.size(), clusters.size());
    board.drift_floor = share_reaching(std::span(record.floor_same_tokens).first(n),
                                       board.drift_token, clusters.first(n), record.clusters);
}

void set_drift(Leaderboard& board, const DriftRecord& record) {
    for (LeaderboardRow& row : board.rows) {
        if (!is_of(row, record)) continue;
        require_fitting(record);
        row.same_text = share_reaching(record.beginnings.same_tokens, board.drift_token,
                                       record.beginnings.cluster, record.clusters);
        row.median_same_tokens = median_of(record.beginnings.same_tokens);
    }
}

}  // namespace

void add_drifts(std::vector<Leaderboard>& boards, std::span<const DriftRecord> drifts) {
    for (Leaderboard& board : boards) {
        const DriftRecord* newest = newest_of(board, drifts);
        if (newest == nullptr) continue;
        require_fitting(*newest);
        describe_drift(board, *newest);
        for (const DriftRecord& record : drifts) {  // oldest first, so the newest stays
            if (compare_with_each_other(record, *newest)) set_drift(board, record);
        }
    }
}

}  // namespace bitgauge
