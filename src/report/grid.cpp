#include "report/grid.h"

#include <algorithm>

#include <fmt/format.h>

#include "report/escape.h"

namespace bitgauge {
namespace {

constexpr size_t kGap = 2;

std::vector<size_t> widths_of(const Grid& grid) {
    std::vector<size_t> widths;
    for (const GridColumn& column : grid.columns) {
        widths.push_back(std::max(display_width(column.title), display_width(column.unit)));
    }
    for (const auto& row : grid.rows) {
        for (size_t c = 0; c < row.size(); ++c) {
            widths[c] = std::max(widths[c], display_width(row[c]));
        }
    }
    return widths;
}

std::string padded(const std::string& cell, size_t width, bool left) {
    const std::string space(width - std::min(width, display_width(cell)), ' ');
    return left ? cell + space : space + cell;
}

std::string text_line(const Grid& grid, const std::vector<size_t>& widths, auto&& cell_of) {
    std::string line;
    for (size_t c = 0; c < grid.columns.size(); ++c) {
        if (c > 0) line.append(kGap, ' ');
        line += padded(cell_of(c), widths[c], grid.columns[c].text);
    }
    line.resize(line.find_last_not_of(' ') + 1);
    return line + "\n";
}

std::string markdown_line(const Grid& grid, auto&& cell_of) {
    std::string line = "|";
    for (size_t c = 0; c < grid.columns.size(); ++c) line += fmt::format(" {} |", cell_of(c));
    return line + "\n";
}

std::string html_row(const Grid& grid, const char* element, auto&& cell_of) {
    std::string line = "<tr>";
    for (size_t c = 0; c < grid.columns.size(); ++c) {
        const GridColumn& column = grid.columns[c];
        line += fmt::format("<{0}{1}{2}>{3}</{0}>", element, column.text ? " class=\"text\"" : "",
                            column.help.empty() || element[1] != 'h'
                                ? ""
                                : fmt::format(" title=\"{}\"", html_escaped(column.help)),
                            html_escaped(cell_of(c)));
    }
    return line + "</tr>\n";
}

}  // namespace

std::string text_of(const Grid& grid) {
    const std::vector<size_t> widths = widths_of(grid);
    std::string text;
    text += text_line(grid, widths, [&](size_t c) { return grid.columns[c].title; });
    text += text_line(grid, widths, [&](size_t c) { return grid.columns[c].unit; });
    for (const auto& row : grid.rows) {
        text += text_line(grid, widths, [&](size_t c) { return printable(row[c]); });
    }
    return text;
}

std::string markdown_of(const Grid& grid) {
    std::string text = markdown_line(grid, [&](size_t c) {
        const GridColumn& column = grid.columns[c];
        const std::string unit = column.unit.empty() ? "" : " (" + column.unit + ")";
        return markdown_escaped(column.title + unit);
    });
    text += markdown_line(grid, [&](size_t c) { return grid.columns[c].text ? ":---" : "---:"; });
    for (const auto& row : grid.rows) {
        text += markdown_line(grid, [&](size_t c) { return markdown_escaped(row[c]); });
    }
    return text;
}

std::string html_of(const Grid& grid) {
    std::string text = "<table>\n<thead>\n";
    text += html_row(grid, "th", [&](size_t c) { return grid.columns[c].title; });
    text += html_row(grid, "td", [&](size_t c) { return grid.columns[c].unit; });
    text += "</thead>\n<tbody>\n";
    for (const auto& row : grid.rows) {
        text += html_row(grid, "td", [&](size_t c) { return row[c]; });
    }
    return text + "</tbody>\n</table>\n";
}

}  // namespace bitgauge
