// Terminal and Markdown: the same grids, facts and footnotes in two dresses.

#include <algorithm>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "bitgauge/report.h"

#include "report/columns.h"
#include "report/escape.h"
#include "report/sweep_columns.h"

namespace bitgauge {
namespace {

constexpr size_t kTextWidth = 110;

// The longest name printed whole.
constexpr size_t kNameWidth = 24, kWideNameWidth = 80, kTensorNameWidth = 32;

// Breaks at spaces; lines after the first begin with `indent` spaces.
std::string wrapped(std::string_view text, size_t indent) {
    std::string result;
    size_t column = indent;
    while (!text.empty()) {
        const size_t end = std::min(text.find(' '), text.size());
        const std::string_view word = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (column > indent && column + 1 + display_width(word) > kTextWidth) {
            result += "\n" + std::string(indent, ' ');
            column = indent;
        }
        if (column > indent) result += ' ', ++column;
        result += word;
        column += display_width(word);
    }
    return result;
}

template <class Table>
std::string terminal_head(const Table& table) {
    constexpr size_t kFactIndent = 10;
    std::string text = title_of(table) + "\n";
    for (const Fact& fact : facts_of(table)) {
        text += fmt::format("{:<{}}{}\n", fact.name, kFactIndent, wrapped(fact.text, kFactIndent));
    }
    return text;
}

template <class Table>
std::string terminal_notes(const Table& table) {
    std::string text;
    for (const std::string& note : footnotes_of(table)) text += wrapped(note, 0) + "\n";
    return text;
}

template <class Table>
std::string terminal_section(const Table& table, const Grid& grid) {
    return terminal_head(table) + "\n" + text_of(grid) + "\n" + terminal_notes(table);
}

template <class Table>
std::string markdown_head(const Table& table) {
    std::string text = fmt::format("### {}\n\n", markdown_escaped(title_of(table)));
    for (const Fact& fact : facts_of(table)) {
        text += fmt::format("- {}: {}\n", fact.name, markdown_escaped(fact.text));
    }
    return text;
}

template <class Table>
std::string markdown_notes(const Table& table) {
    std::string text;
    for (const std::string& note : footnotes_of(table)) text += markdown_escaped(note) + "\n\n";
    text.pop_back();
    return text;
}

template <class Table>
std::string markdown_section(const Table& table, const Grid& grid) {
    return markdown_head(table) + "\n" + markdown_of(grid) + "\n" + markdown_notes(table);
}

template <class Section>
std::string joined_sections(const Report& report, const TableOptions& options, Section&& section) {
    std::string text;
    const auto add = [&](const std::string& part) { text += (text.empty() ? "" : "\n") + part; };
    for (const Leaderboard& board : report.leaderboards) {
        add(section(board,
                    grid_of(board, options.wide, options.wide ? kWideNameWidth : kNameWidth)));
    }
    for (const PublishedTable& table : report.published) add(section(table, grid_of(table)));
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
    return joined_sections(report, options, [](const auto& table, const Grid& grid) {
        return terminal_section(table, grid);
    });
}

std::string markdown_table(const Report& report, const TableOptions& options) {
    return joined_sections(report, options, [](const auto& table, const Grid& grid) {
        return markdown_section(table, grid);
    });
}

std::string terminal_table(const SweepReport& report, const TableOptions& options) {
    std::string text = terminal_head(report);
    for (const TitledGrid& grid : grids_of(report, options)) {
        text += "\n" + grid.title + "\n\n" + text_of(grid.grid);
    }
    return text + "\n" + terminal_notes(report);
}

std::string markdown_table(const SweepReport& report, const TableOptions& options) {
    std::string text = markdown_head(report);
    for (const TitledGrid& grid : grids_of(report, options)) {
        text +=
            fmt::format("\n#### {}\n\n{}", markdown_escaped(grid.title), markdown_of(grid.grid));
    }
    return text + "\n" + markdown_notes(report);
}

}  // namespace bitgauge
