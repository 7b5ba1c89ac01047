#include "report/task_columns.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "base/units.h"
#include "report/columns.h"
#include "report/escape.h"
#include "report/numbers.h"

namespace bitgauge {
namespace {

constexpr size_t kLongestName = 24, kLongestWideName = 80;  // longer names are cut

struct TaskColumn {
    GridColumn head;
    bool main;      // also in tables that are not wide
    bool compares;  // only where files are compared with an original
    std::string (*cell)(const TaskRow&);
};

std::string signed_text(const Estimate& e) {
    if (std::isnan(e.value)) return "n/a";
    if (!e.has_interval()) return fmt::format("{:+.1f}", 100 * e.value);
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
         [](const TaskRow& r) { return format_size(gib(r)); }},
        {{"right", "% [95 %]", false, "answered rightly, with Wilson's interval over questions"},
         true,
         false,
         [](const TaskRow& r) { return format_share(r.accuracy); }},
        {{"by category", "% [95 %]", false, "the same with an interval over categories"},
         false,
         false,
         [](const TaskRow& r) { return format_share(r.clustered); }},
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

std::string asked_text(const TaskSettings& s) {
    std::string text = s.by_likelihood ? "choices by likelihood" : "choices by written answer";
    if (s.shots > 0) text += fmt::format(" after {}", counted(s.shots, "example"));
    text += fmt::format("; answers of at most {} tokens, {}", format_count(s.answer_tokens),
                        s.thinking ? "thinking" : "without thinking");
    if (s.temperature <= 0) return text + ", greedy";
    return text + fmt::format(", temperature {}, seed {}", s.temperature, s.seed);
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

}  // namespace

Grid grid_of(const TaskReport& report, bool wide) {
    Grid grid;
    std::vector<const TaskColumn*> shown;
    const bool compares = std::ranges::any_of(
        report.rows, [](const TaskRow& row) { return row.against.has_value(); });
    for (const TaskColumn& column : task_columns()) {
        if (column.compares && !compares) continue;
        if (column.main || wide) shown.push_back(&column);
    }
    for (const TaskColumn* column : shown) grid.columns.push_back(column->head);
    if (wide) {
        for (const std::string& set : report.sets) {
            grid.columns.push_back({printable(set), "% [95 %]", false, "of this set alone"});
        }
    }
    for (const TaskRow& row : report.rows) {
        auto& cells = grid.rows.emplace_back();
        for (const TaskColumn* column : shown) {
            std::string cell = column->cell(row);
            if (column->head.text) cell = shortened(cell, wide ? kLongestWideName : kLongestName);
            cells.push_back(std::move(cell));
        }
        if (!wide) continue;
        for (const Estimate& share : row.by_set) cells.push_back(format_share(share));
    }
    return grid;
}

std::string questions_text(const TaskReport& report) {
    return fmt::format("{} of '{}'", counted(report.questions, "question"),
                       printable(report.rows.front().record.mix));
}

std::string title_of(const TaskReport& report) {
    return "Answers to " + questions_text(report);
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
    return {{"sets", sets},
            {"asked", asked_text(first.settings)},
            {"made by", build_text(first.build)}};
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

}  // namespace bitgauge
