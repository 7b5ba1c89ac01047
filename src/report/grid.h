#pragma once

// A table before it has a form: columns with units, and cells as text. Terminal, Markdown and HTML
// print the same grid.

#include <string>
#include <vector>

namespace bitgauge {

struct GridColumn {
    std::string title;
    std::string unit;   // empty: none
    bool text = false;  // left-aligned
    std::string help;   // one sentence: what it is and which way is better
};

struct Grid {
    std::vector<GridColumn> columns;
    std::vector<std::vector<std::string>> rows;  // one cell per column, not escaped
};

// Aligned with spaces under two header lines, names and units; no trailing spaces.
std::string text_of(const Grid& grid);

// A GitHub table; the unit stands behind the title in parentheses.
std::string markdown_of(const Grid& grid);

// <table> with the units in a second header row.
std::string html_of(const Grid& grid);

}  // namespace bitgauge
