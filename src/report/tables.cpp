// Terminal and Markdown: the same grids, facts and footnotes in two dresses.

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "bitgauge/report.h"

#include "report/columns.h"
#include "report/escape.h"

namespace bitgauge {
namespace {

constexpr size_t kTextWidth = 110;

// The longest name printed whole.
constexpr size_t kNameWidth = 24, kWideNameWidth = 80;

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
std::string terminal_section(const Table& table, const Grid& grid) {
    constexpr size_t kFactIndent = 10;
    std::string text = title_of(table) + "\n";
    for (const Fact& fact : facts_of(table)) {
        text += fmt::format("{:<{}}{}\n", fact.name, kFactIndent, wrapped(fact.text, kFactIndent));
    }
    text += "\n" + text_of(grid) + "\n";
    for (const std::string& note : footnotes_of(table)) text += wrapped(note, 0) + "\n";
    return text;
}

template <class Table>
std::string markdown_section(const Table& table, const Grid& grid) {
    std::string text = fmt::format("### {}\n\n", markdown_escaped(title_of(table)));
    for (const Fact& fact : facts_of(table)) {
        text += fmt::format("- {}: {}\n", fact.name, markdown_escaped(fact.text));
    }
    text += "\n" + markdown_of(grid) + "\n";
    for (const std::string& note : footnotes_of(table)) text += markdown_escaped(note) + "\n\n";
    text.pop_back();
    return text;
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

}  // namespace bitgauge
