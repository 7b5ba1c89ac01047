// Answers to questions as tables and JSON.

#include <cmath>
#include <map>

#include <fmt/format.h>

#include "bitgauge/task_report.h"

#include "base/json.h"
#include "base/units.h"
#include "report/escape.h"
#include "report/grid.h"
#include "report/numbers.h"
#include "report/sections.h"
#include "store/record_json.h"

namespace bitgauge {
namespace {

struct TaskColumn {
    GridColumn head;
    bool main;      // also in tables that are not wide
    bool compares;  // only in tables with an original
    std::string (*cell)(const TaskRow&);
};

std::string interval_text(const Estimate& e) {
    if (std::isnan(e.low)) return format_fixed(100 * e.value, 1);
    return fmt::format("{:.1f} [{:.1f}, {:.1f}]", 100 * e.value, 100 * e.low, 100 * e.high);
}

std::string signed_text(const Estimate& e) {
    return fmt::format("{:+.1f} [{:+.1f}, {:+.1f}]", 100 * e.value, 100 * e.low, 100 * e.high);
}

// Of a row that is compared, "" else.
template <class Text>
std::string compared(const TaskRow& row, Text&& text) {
    return row.against ? text(*row.against) : std::string();
}

std::string verdict(const TaskRow& row) {
    return compared(row, [](const AccuracyComparison& c) -> std::string {
        if (!c.decided) return "not decided";
        return c.difference.value < 0 ? "worse" : "better";
    });
}

double gib(const TaskRow& row) {
    return static_cast<double>(row.record.model.size_bytes) / kGiB;
}

const std::vector<TaskColumn>& task_columns() {
    using C = AccuracyComparison;
    static const std::vector<TaskColumn> columns = {
        {{"file", "", true, "what tells the file apart from the others"},
         true,
         false,
         [](const TaskRow& r) { return r.name; }},
        {{"size", "GiB", false, "2^30 bytes, all shards"},
         true,
         false,
         [](const TaskRow& r) { return fmt::format("{:.{}f}", gib(r), gib(r) < 0.1 ? 4 : 2); }},
        {{"right", "% [95 %]", false, "answered rightly, with Wilson's interval over questions"},
         true,
         false,
         [](const TaskRow& r) { return interval_text(r.accuracy); }},
        {{"by category", "% [95 %]", false, "the same with an interval over categories"},
         false,
         false,
         [](const TaskRow& r) { return interval_text(r.clustered); }},
        {{"− original", "points [95 %]", false,
          "difference to the original on the same questions, paired; below 0 is worse"},
         true,
         true,
         [](const TaskRow& r) {
             return compared(r, [](const C& c) { return signed_text(c.difference); });
         }},
        {{"lost, gained", "questions", false,
          "right in the original alone, and in this file alone"},
         true,
         true,
         [](const TaskRow& r) {
             return compared(r, [](const C& c) {
                 return fmt::format("{}, {}", c.answers.only_original, c.answers.only_candidate);
             });
         }},
        {{"p", "", false, "McNemar's mid-p for equal accuracies"},
         true,
         true,
         [](const TaskRow& r) {
             return compared(r, [](const C& c) { return fmt::format("{:.2g}", c.p_mid); });
         }},
        {{"errors", "% more [95 %]", false, "errors over the original's, less 1"},
         false,
         true,
         [](const TaskRow& r) {
             return compared(r, [](const C& c) { return signed_text(c.error_increase); });
         }},
        {{"difference", "", true, "decided at the table's level, or not"}, true, true, verdict},
    };
    return columns;
}

Grid grid_of(const TaskReport& report, bool wide) {
    Grid grid;
    std::vector<const TaskColumn*> shown;
    for (const TaskColumn& column : task_columns()) {
        if (column.compares && !report.has_original) continue;
        if (column.main || wide) shown.push_back(&column);
    }
    for (const TaskColumn* column : shown) grid.columns.push_back(column->head);
    if (wide) {
        for (const std::string& set : report.sets) {
            grid.columns.push_back({set, "% [95 %]", false, "of this set alone"});
        }
    }
    for (const TaskRow& row : report.rows) {
        auto& cells = grid.rows.emplace_back();
        for (const TaskColumn* column : shown) cells.push_back(column->cell(row));
        if (!wide) continue;
        for (const Estimate& share : row.by_set) cells.push_back(interval_text(share));
    }
    return grid;
}

std::string title_of(const TaskReport& report) {
    return fmt::format("Answers to {} questions of '{}'", format_count(report.questions),
                       printable(report.rows.front().record.mix));
}

std::string asked_text(const TaskSettings& s) {
    std::string text = s.by_likelihood ? "choices by likelihood" : "choices by written answer";
    text += fmt::format("; answers of at most {} tokens, {}", format_count(s.answer_tokens),
                        s.thinking ? "thinking" : "without thinking");
    if (s.temperature <= 0) return text + ", greedy";
    return text + fmt::format(", temperature {}, seed {}", s.temperature, s.seed);
}

Facts facts_of(const TaskReport& report) {
    const TaskRecord& first = report.rows.front().record;
    std::map<uint32_t, uint64_t> counts;
    for (const uint32_t set : first.answers.set) ++counts[set];
    std::string sets;
    for (size_t s = 0; s < report.sets.size(); ++s) {
        sets +=
            fmt::format("{}{} {}", s == 0 ? "" : ", ",
                        format_count(counts[static_cast<uint32_t>(s)]), printable(report.sets[s]));
    }
    return {
        {"sets", sets},
        {"asked", asked_text(first.settings)},
        {"made by", fmt::format("bitgauge {}, llama {}", first.build.bitgauge, first.build.llama)}};
}

// "To separate 25.2 from 27.3 % about 3,100 questions are needed."
std::string needed_text(const TaskRow& row) {
    const AccuracyComparison& c = *row.against;
    return fmt::format(
        "{}: no difference decided; to tell {:.1f} from {:.1f} % with {:.1f} % of answers changed, "
        "about {} questions are needed.",
        row.name, 100 * c.candidate.value, 100 * c.original.value,
        100.0 * static_cast<double>(c.answers.discordant()) / static_cast<double>(c.answers.n()),
        format_count(*row.questions_needed));
}

std::string failures_text(const TaskRow& row) {
    const TaskFailures& f = row.record.failures;
    std::string text;
    const auto add = [&](uint64_t n, const char* what) {
        if (n > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", format_count(n), what);
    };
    add(f.budget, "cut off by the token budget");
    add(f.too_long, "too long for the trained context");
    add(f.not_finite, "where the model gave no finite number");
    add(f.unreadable, "without anything that is an answer");
    return text.empty() ? "" : fmt::format("{}: of its answers {}.", row.name, text);
}

Notes footnotes_of(const TaskReport& report) {
    Notes notes;
    for (const TaskRow& row : report.rows) {
        if (row.questions_needed) notes.push_back(needed_text(row));
    }
    if (report.detectable) {
        notes.push_back(fmt::format(
            "{} questions decide differences from {:.1f} points on (at {:.0f} % level, with 80 % "
            "chance, at the most answers changed above).",
            format_count(report.questions), 100 * *report.detectable, 100 * report.alpha));
    }
    for (const TaskRow& row : report.rows) {
        if (auto text = failures_text(row); !text.empty()) notes.push_back(std::move(text));
    }
    return notes;
}

Json estimate_json(const Estimate& e) {
    return {{"value", e.value}, {"low", e.low}, {"high", e.high}};
}

Json comparison_json(const TaskRow& row) {
    if (!row.against) return nullptr;
    const AccuracyComparison& c = *row.against;
    return {{"both_right", c.answers.both},
            {"only_candidate", c.answers.only_candidate},
            {"only_original", c.answers.only_original},
            {"neither", c.answers.neither},
            {"difference", estimate_json(c.difference)},
            {"clustered_difference", estimate_json(c.clustered_difference)},
            {"error_increase", estimate_json(c.error_increase)},
            {"p_exact", c.p_exact},
            {"p_mid", c.p_mid},
            {"decided", c.decided},
            {"questions_needed", row.questions_needed ? Json(*row.questions_needed) : Json()}};
}

Json row_json(const TaskReport& report, const TaskRow& row) {
    Json sets = Json::object();
    for (size_t s = 0; s < report.sets.size(); ++s) {
        sets[report.sets[s]] = estimate_json(row.by_set[s]);
    }
    return {{"name", row.name},
            {"record", row.record.key},
            {"accuracy", estimate_json(row.accuracy)},
            {"clustered_accuracy", estimate_json(row.clustered)},
            {"by_set", sets},
            {"against_original", comparison_json(row)}};
}

}  // namespace

std::string terminal_table(const TaskReport& report, const TableOptions& options) {
    return terminal_section(title_of(report), facts_of(report), grid_of(report, options.wide),
                            footnotes_of(report));
}

std::string markdown_table(const TaskReport& report, const TableOptions& options) {
    return markdown_section(title_of(report), facts_of(report), grid_of(report, options.wide),
                            footnotes_of(report));
}

std::string json(const TaskReport& report) {
    Json json = {{"schema", "bitgauge.task-report/1"},
                 {"questions", report.questions},
                 {"clusters", report.clusters},
                 {"alpha", report.alpha},
                 {"has_original", report.has_original},
                 {"detectable_difference", report.detectable ? Json(*report.detectable) : Json()},
                 {"rows", Json::array()},
                 {"records", Json::array()}};
    for (const TaskRow& row : report.rows) {
        json["rows"].push_back(row_json(report, row));
        json["records"].push_back(to_json(row.record));
    }
    return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace bitgauge
