// Terminal and Markdown: the same grids, facts and footnotes in two dresses.

#include <vector>

#include <fmt/format.h>

#include "bitgauge/report.h"

#include "report/columns.h"
#include "report/escape.h"
#include "report/sections.h"
#include "report/sweep_columns.h"
#include "report/task_columns.h"

namespace bitgauge {
namespace {

// The longest name printed whole.
constexpr size_t kNameWidth = 24, kWideNameWidth = 80, kTensorNameWidth = 32;

template <class Table>
std::string terminal_head(const Table& table) {
    return terminal_head(title_of(table), facts_of(table));
}

using Section = std::string (*)(const std::string& title, const Facts& facts, const Grid& grid,
                                const Notes& notes);

std::string joined_sections(const Report& report, bool wide, Section section) {
    std::string text;
    const auto add = [&](const auto& table, const Grid& grid, const Notes& notes) {
        text += text.empty() ? "" : "\n";
        text += section(title_of(table), facts_of(table), grid, notes);
    };
    for (const Leaderboard& board : report.leaderboards) {
        add(board, grid_of(board, wide, wide ? kWideNameWidth : kNameWidth),
            footnotes_of(board, wide));
    }
    for (const TaskReport& tasks : report.tasks) {
        add(tasks, grid_of(tasks, wide), footnotes_of(tasks));
    }
    for (const PublishedTable& table : report.published) {
        add(table, grid_of(table), footnotes_of(table));
    }
    return text;
}

// A sweep's tables with the line above each.
struct TitledGrid {
    std::string title;
    Grid grid;
};

std::vector<TitledGrid> grids_of(const SweepReport& report, const TableOptions& options) {
    constexpr size_t kDearest = 10;
    std::vector<TitledGrid> grids;
    grids.push_back({"Predicted divergence with all tensors of a role in one type",
                     roles_grid(report, options.wide)});
    grids.push_back({"The dearest tensors: divergence per GiB saved at about 4 bits",
                     dearest_grid(report, options.wide ? report.tensors.size() : kDearest,
                                  options.wide ? kWideNameWidth : kTensorNameWidth)});
    if (!report.mixes.empty()) {
        grids.push_back({"Whole mixes: predicted and measured", mixes_grid(report)});
    }
    return grids;
}

}  // namespace

std::string terminal_table(const Report& report, const TableOptions& options) {
    return joined_sections(report, options.wide, terminal_section);
}

std::string markdown_table(const Report& report, const TableOptions& options) {
    return joined_sections(report, options.wide, markdown_section);
}

std::string terminal_table(const SweepReport& report, const TableOptions& options) {
    std::string text = terminal_head(report);
    for (const TitledGrid& grid : grids_of(report, options)) {
        text += "\n" + grid.title + "\n\n" + text_of(grid.grid);
    }
    return text + "\n" + terminal_notes(footnotes_of(report));
}

std::string markdown_table(const SweepReport& report, const TableOptions& options) {
    std::string text = markdown_head(title_of(report), facts_of(report));
    for (const TitledGrid& grid : grids_of(report, options)) {
        text +=
            fmt::format("\n#### {}\n\n{}", markdown_escaped(grid.title), markdown_of(grid.grid));
    }
    return text + "\n" + markdown_notes(footnotes_of(report));
}

}  // namespace bitgauge
