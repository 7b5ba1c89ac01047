#include "report/columns.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/units.h"
#include "report/escape.h"
#include "report/numbers.h"

namespace bitgauge {
namespace {

// "3", "3=" where the rank is shared, "–" without one.
std::string rank_text(const LeaderboardRow& row) {
    if (row.rank == 0) return "–";
    return fmt::format("{}{}", row.rank, row.shares_rank ? "=" : "");
}

// "1.23", "* 1.00" for a file that no other beats.
std::string times_front(double excess_ln, bool on_front) {
    return (on_front ? "* " : "") + format_fixed(std::exp(excess_ln), 2);
}

double gib(const LeaderboardRow& row) {
    return static_cast<double>(row.record.model.size_bytes) / kGiB;
}

double gb(const LeaderboardRow& row) {
    return static_cast<double>(row.record.model.size_bytes) / kGB;
}

// Counted from 1, as tokens are; of files that half the time never leave, more than were written.
std::string first_different(const LeaderboardRow& row) {
    return format_fixed(row.median_same_tokens + 1, 0);
}

struct BoardColumn {
    GridColumn head;
    bool main;  // also in tables that are not wide
    std::string (*cell)(const LeaderboardRow&);
    bool (*has_value)(const LeaderboardRow&) = nullptr;  // left out where no row has one
};

using Row = LeaderboardRow;

// Names are cut by grid_of(), not here.
std::vector<BoardColumn> file_columns() {
    return {
        {{"rank", "", false, "1 + the number of files that are better beyond doubt"},
         true,
         [](const Row& r) { return rank_text(r); }},
        {{"file", "", true, "what tells the file apart from the others"},
         true,
         [](const Row& r) { return r.name; }},
        {{"publisher", "", true, "who made the file"},
         false,
         [](const Row& r) { return r.record.model.publisher; }},
        {{"type", "", true, "the file type it claims"},
         false,
         [](const Row& r) { return r.record.model.label; }},
        {{"size", "GiB", false, "2^30 bytes, all shards"},
         true,
         [](const Row& r) { return format_size(gib(r)); }},
        {{"size", "GB", false, "10^9 bytes, all shards"},
         false,
         [](const Row& r) { return format_size(gb(r)); }},
        {{"bits", "/weight", false, "8 x bytes of tensor data over parameters"},
         true,
         [](const Row& r) { return format_fixed(r.record.model.bits_per_weight, 2); }},
    };
}

std::vector<BoardColumn> fidelity_columns() {
    return {
        {{"KLD mean", "nats", false, "mean divergence from the original; lower is better"},
         true,
         [](const Row& r) { return format_estimate(r.record.kld_nats.mean); }},
        {{"median", "nats", false, "half of the positions diverge less"},
         false,
         [](const Row& r) { return format_estimate(r.record.kld_nats.median); }},
        {{"90 %", "nats", false, "90 % of the positions diverge less"},
         false,
         [](const Row& r) { return format_estimate(r.record.kld_nats.p90); }},
        {{"95 %", "nats", false, "95 % of the positions diverge less"},
         false,
         [](const Row& r) { return format_estimate(r.record.kld_nats.p95); }},
        {{"99 %", "nats", false, "99 % of the positions diverge less"},
         false,
         [](const Row& r) { return format_estimate(r.record.kld_nats.p99); }},
        {{"99.9 %", "nats", false, "99.9 % of the positions diverge less"},
         true,
         [](const Row& r) { return format_estimate(r.record.kld_nats.p999); }},
        {{"max", "nats", false, "the worst position; grows with the text, no interval"},
         false,
         [](const Row& r) { return format_number(r.record.kld_nats.maximum); }},
        {{"PPL", "", false, "perplexity; compare only within this table"},
         false,
         [](const Row& r) { return format_estimate(r.record.ppl); }},
        {{"PPL", "/ original", false, "ratio of perplexities, paired; 1 is the original"},
         true,
         [](const Row& r) { return format_estimate(r.record.ppl_ratio); }},
        {{"same top", "%", false,
          "positions with the original's most probable token; higher is better"},
         true,
         [](const Row& r) { return format_estimate(r.record.same_top, 100); }},
        {{"mean Δp", "%", false, "change of the true token's probability; 0 is the original"},
         false,
         [](const Row& r) { return format_estimate(r.record.mean_delta_p, 100); }},
        {{"RMS Δp", "%", false, "root mean square change of the true token's probability"},
         false,
         [](const Row& r) { return format_estimate(r.record.rms_delta_p, 100); }},
        {{"right", "%", false, "questions answered rightly; higher is better"},
         false,
         [](const Row& r) { return format_estimate(r.right, 100); },
         [](const Row& r) { return !std::isnan(r.right.value); }},
    };
}

std::vector<BoardColumn> drift_columns(const Leaderboard& board) {
    return {
        {{fmt::format("same to {}", board.drift_token), "%", false,
          "continuations that are the original's word for word to this token; higher is better"},
         false,
         [](const Row& r) { return format_share(r.same_text); },
         [](const Row& r) { return !std::isnan(r.same_text.value); }},
        {{"first different", "token", false,
          "half of the continuations leave the original's earlier; higher is better"},
         false,
         [](const Row& r) { return first_different(r); },
         [](const Row& r) { return !std::isnan(r.median_same_tokens); }},
    };
}

std::vector<BoardColumn> merit_columns() {
    return {
        {{"score", "", false,
          "published efficiency score: distance from the smallest size and KLD of this table, both "
          "scaled to [0, 1]; lower is better"},
         true,
         [](const Row& r) { return format_fixed(r.efficiency_score, 3); }},
        {{"× front", "", false,
          "KLD over that of the front at this size; 1 is the front, lower is "
          "better; * marks files that no other beats"},
         true,
         [](const Row& r) { return times_front(r.excess_over_front_ln, r.on_front); }},
        {{"not finite", "positions", false,
          "positions with NaN or infinity, left out of every mean"},
         false,
         [](const Row& r) { return format_count(r.record.nonfinite_positions); }},
        {{"floor", "nats", false, "differences of mean KLD below it mean nothing"},
         false,
         [](const Row& r) { return format_number(r.record.noise_floor_nats); }},
    };
}

// Every column of a leaderboard.
std::vector<BoardColumn> columns_of(const Leaderboard& board) {
    std::vector<BoardColumn> columns = file_columns();
    for (BoardColumn& column : fidelity_columns()) columns.push_back(std::move(column));
    for (BoardColumn& column : drift_columns(board)) columns.push_back(std::move(column));
    for (BoardColumn& column : merit_columns()) columns.push_back(std::move(column));
    return columns;
}

struct PublishedColumn {
    GridColumn head;
    double (*value)(const PublishedRow&);  // a column without any value is left out
    std::string (*cell)(const PublishedRow&);
};

using Published = PublishedRow;

const std::vector<PublishedColumn>& published_columns() {
    static const std::vector<PublishedColumn> columns = {
        {{"provider", "", true, "who made the file"},
         [](const Published&) { return 0.0; },
         [](const Published& r) { return r.provider; }},
        {{"label", "", true, "as the source names it"},
         [](const Published&) { return 0.0; },
         [](const Published& r) { return r.label; }},
        {{"size", "GiB", false, "2^30 bytes"},
         [](const Published& r) { return r.size_gib; },
         [](const Published& r) { return format_fixed(r.size_gib, 2); }},
        {{"KLD mean", "nats", false, "mean divergence from the original; lower is better"},
         [](const Published& r) { return r.kld_mean_nats; },
         [](const Published& r) { return format_number(r.kld_mean_nats); }},
        {{"99.9 %", "nats", false, "99.9 % of the positions diverge less"},
         [](const Published& r) { return r.kld_p999_nats; },
         [](const Published& r) { return format_number(r.kld_p999_nats); }},
        {{"max", "nats", false, "the worst position"},
         [](const Published& r) { return r.kld_max_nats; },
         [](const Published& r) { return format_number(r.kld_max_nats); }},
        {{"PPL", "", false, "perplexity; compare only within this table"},
         [](const Published& r) { return r.ppl; },
         [](const Published& r) { return format_fixed(r.ppl, 4); }},
        {{"same top", "%", false, "positions with the original's most probable token"},
         [](const Published& r) { return r.same_top; },
         [](const Published& r) { return format_fixed(100 * r.same_top, 2); }},
        {{"score", "", false,
          "published efficiency score over the rows of this table; lower is better"},
         [](const Published& r) { return r.efficiency_score; },
         [](const Published& r) { return format_fixed(r.efficiency_score, 3); }},
        {{"× front", "", false, "KLD over that of this table's front at this size; 1 is the front"},
         [](const Published& r) { return r.excess_over_front_ln; },
         [](const Published& r) { return times_front(r.excess_over_front_ln, r.on_front); }},
    };
    return columns;
}

bool has_values(const PublishedTable& table, const PublishedColumn& column) {
    for (const PublishedRow& row : table.rows) {
        if (!std::isnan(column.value(row))) return true;
    }
    return false;
}

bool is_shown(const BoardColumn& column, const Leaderboard& board, bool wide) {
    if (!wide && !column.main) return false;
    return column.has_value == nullptr || std::ranges::any_of(board.rows, column.has_value);
}

}  // namespace

Grid grid_of(const Leaderboard& board, bool wide, size_t name_width) {
    Grid grid;
    grid.rows.resize(board.rows.size());
    for (const BoardColumn& column : columns_of(board)) {
        if (!is_shown(column, board, wide)) continue;
        grid.columns.push_back(column.head);
        for (size_t i = 0; i < board.rows.size(); ++i) {
            const std::string cell = printable(column.cell(board.rows[i]));
            grid.rows[i].push_back(shortened(cell, name_width));
        }
    }
    return grid;
}

Grid grid_of(const PublishedTable& table) {
    Grid grid;
    grid.rows.resize(table.rows.size());
    for (const PublishedColumn& column : published_columns()) {
        if (!has_values(table, column)) continue;
        grid.columns.push_back(column.head);
        for (size_t i = 0; i < table.rows.size(); ++i) {
            grid.rows[i].push_back(column.cell(table.rows[i]));
        }
    }
    return grid;
}

std::string name_of(const PublishedRow& row) {
    return row.provider + " " + row.label;
}

}  // namespace bitgauge
