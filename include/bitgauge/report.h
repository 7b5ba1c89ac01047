#pragma once

// From records to tables and pages: who is how faithful, at which size, and how sure is that.
//
// Sees records alone, never a model. Every function is pure and thread-safe; text comes back as
// UTF-8 with '\n' line ends. Names out of files are escaped for the form they are put into.
// Figures: KLD in nats per token, lower is better (docs/metrics.md).

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bitgauge/cost.h"
#include "bitgauge/drift_record.h"
#include "bitgauge/record.h"
#include "bitgauge/stats.h"
#include "bitgauge/sweep_table.h"
#include "bitgauge/table_options.h"
#include "bitgauge/task_report.h"

namespace bitgauge {

// ---------------------------------------------------------------------------------- leaderboard

struct LeaderboardOptions {
    // The front that the excess is measured from; empty: the compared files' own.
    std::vector<SizeAndKld> reference_front;
    std::string reference_name;  // what tables call that front
    double alpha = 0.05;         // family-wise error of all pairs behind the ranks
};

struct LeaderboardRow {
    MeasureRecord record;
    std::string name;  // short, unique in its leaderboard, without control characters

    // 1 + the number of files that are better beyond doubt: by a paired comparison over the
    // documents all files share, and by no less than the noise floor. 0 without a finite KLD.
    int rank = 0;
    bool shares_rank = false;
    std::vector<size_t> behind;  // those files, as indices of rows; ranks are not groups of equals

    double efficiency_score = 0;      // efficiency_scores() over the compared set; NaN without KLD
    double excess_over_front_ln = 0;  // excess_over_front(); NaN without KLD
    bool on_front = false;            // no other compared file is both smaller and nearer

    Estimate right;  // share of questions answered rightly, Wilson; NaN without (add_answers())

    // add_drifts(); NaN without. Share of continuations that are the original's to token
    // Leaderboard::drift_token, over documents; how many tokens half of them keep, at the least.
    Estimate same_text;
    double median_same_tokens = std::numeric_limits<double>::quiet_NaN();
};

// Files measured against one baseline, lowest mean KLD first, those without one last.
struct Leaderboard {
    std::vector<LeaderboardRow> rows;
    std::vector<SizeAndKld> front;  // corners of the lower hull behind the excess, by size
    std::string reference_name;     // "these files" or LeaderboardOptions::reference_name
    uint64_t shared_clusters = 0;   // behind the paired comparisons
    double noise_floor_nats = 0;    // largest of the records'
    double alpha = 0.05;
    std::string answers_of;  // the questions behind `right`, in words; "" without

    std::string drift_of;       // the continuations behind `same_text`, in words; "" without
    uint32_t drift_token = 0;   // 32, or all that were written where that is less
    uint32_t drift_tokens = 0;  // written after each beginning
    Estimate drift_floor;       // `same_text` of the original, one at a time
};

// Requires records; Error(kInput) when they are of several baselines: their numbers do not compare.
Leaderboard build_leaderboard(std::span<const MeasureRecord> records,
                              const LeaderboardOptions& options = {});

// One leaderboard per baseline, in order of first appearance.
std::vector<Leaderboard> build_leaderboards(std::span<const MeasureRecord> records,
                                            const LeaderboardOptions& options = {});

// Sets `right` of every file that has answered; in each leaderboard by the newest of the tables
// that one of its files stands in. Files are known by their content.
void add_answers(std::vector<Leaderboard>& boards, std::span<const TaskReport> tasks);

// Sets what is said of continuations, of records over the leaderboard's baseline; in each by those
// of one set of beginnings, the newest. Error(kInput) for a record whose parts do not fit together.
void add_drifts(std::vector<Leaderboard>& boards, std::span<const DriftRecord> drifts);

// ------------------------------------------------------------------------------ published tables

// What others have printed about a model: data with sources (src/report/published/).
struct PublishedRow {
    std::string provider;
    std::string label;
    // NaN where the source does not say. Sources print no uncertainty.
    double size_gib = 0;
    double ppl = 0;
    double kld_mean_nats = 0;
    double kld_p999_nats = 0;
    double kld_max_nats = 0;
    double same_top = 0;  // share, [0, 1]
    std::string source;   // URL of this row
    std::string remark;

    double efficiency_score = 0;      // over the rows of this table with size and mean KLD
    double excess_over_front_ln = 0;  // from the front of the same rows
    bool on_front = false;
};

struct PublishedTable {
    std::string id;
    std::string model;  // "Qwen3.5-35B-A3B"
    std::string title;
    std::string author;
    std::string date;      // "2026-02-26"
    std::string source;    // URL
    std::string protocol;  // as the source describes it
    std::string original;  // what the divergence is measured from
    std::string notes;
    std::vector<PublishedRow> rows;  // in the source's order
};

// The names published_tables() knows, each a model: "qwen3.5-35b-a3b".
std::vector<std::string> published_names();

// All tables of a model. Error(kInput) naming the known ones.
std::vector<PublishedTable> published_tables(std::string_view name);

// ---------------------------------------------------------------------------------------- sweeps

// What a sweep says, role by role, tensor by tensor and mix by mix. All but what was measured comes
// from the law of bitgauge/cost.h. Intervals are over the clusters of the sweep's text: they hold
// what another text of this kind may change, not how well the law or an interpolation fits.
struct SweepReport {
    // All tensors of a role in one type, everything else as in the original.
    struct RoleInType {
        std::string type;  // ggml's name
        double bits_per_weight = 0;
        uint64_t bytes = 0;
        int64_t saved_bytes = 0;  // against the original's type
        Estimate nats;            // predicted, not calibrated
        double nats_per_gib = 0;  // saved; NaN where nothing is
    };
    struct Role {
        std::string name;
        size_t tensors = 0;
        size_t measured = 0;
        uint64_t weights = 0;
        std::vector<RoleInType> types;  // that all of its tensors can have; bits fall
    };
    struct Tensor {
        std::string name;
        std::string role;
        int32_t layer = -1;
        uint64_t weights = 0;
        Sensitivity::Source source = Sensitivity::Source::kMeasured;
        bool guessed = false;  // no tensor of its role was measured
        // Alone, per 1 % of relative error: of the probe nearest to 2 %. Only measured tensors have
        // an interval.
        Estimate nats_per_percent;
        RoleInType about_4_bits;  // alone, in its type nearest to q4_K
    };
    struct Mix {
        std::string name;
        double bits_per_weight = 0;  // of the sweep's tensors
        Estimate measured;
        bool other_text = false;  // not the sweep's
        Estimate predicted;       // calibrated on all measured mixes, this one too
        double from_others = 0;   // calibrated on all but this one; NaN where there is no other
        double plain_sum = 0;     // of what its tensors do alone: how additive the model is
    };

    explicit SweepReport(SweepTable of) : sweep(std::move(of)) {}

    SweepTable sweep;
    Calibration calibration;
    std::vector<Role> roles;      // most weights first
    std::vector<Tensor> tensors;  // dearest first: nats per GiB saved at about 4 bits
    std::vector<Mix> mixes;       // as the sweep has them; those with unknown types are left out
};

// Error(kInput) where no tensor was measured yet.
SweepReport build_sweep_report(SweepTable sweep);

// ---------------------------------------------------------------------------------------- output

// What a page or a table shows: measured leaderboards, answers to questions, published tables. In
// this order, whatever that of the members.
struct Report {
    std::vector<Leaderboard> leaderboards;
    std::vector<PublishedTable> published;
    std::vector<TaskReport> tasks = {};
};

std::string terminal_table(const Report& report, const TableOptions& options = {});
std::string markdown_table(const Report& report, const TableOptions& options = {});

// One header line and one line per file, all columns, RFC 4180 with '\n'. Columns carry their unit;
// an empty field is a number nobody has. Of answers, the share of right ones alone, and no column
// where no file has answered.
std::string csv(const Report& report);

// {"schema": "bitgauge.report/1", "leaderboards", "records", "tasks", "published"}; records as
// stored, `tasks` each as json(TaskReport).
std::string json(const Report& report);

// One self-contained page: tables, plots, records; no network. Without the plot library in the
// build (scripts/vega_bundle.py) the tables remain and the page says what is missing.
std::string html_page(const Report& report);

// The same of a sweep: CSV has a line per role and type, the schema is "bitgauge.sweep-report/1".
std::string terminal_table(const SweepReport& report, const TableOptions& options = {});
std::string markdown_table(const SweepReport& report, const TableOptions& options = {});
std::string csv(const SweepReport& report);
std::string json(const SweepReport& report);
std::string html_page(const SweepReport& report);

}  // namespace bitgauge
