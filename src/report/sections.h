#pragma once

// A title, facts, a grid and notes in two dresses: terminal and Markdown.

#include <string>
#include <vector>

#include "report/grid.h"

namespace bitgauge {

// What was measured on what, by what: "protocol" -> "documents: windows of 2,048 tokens, ...".
struct Fact {
    std::string name;
    std::string text;
};
using Facts = std::vector<Fact>;
using Notes = std::vector<std::string>;

std::string terminal_head(const std::string& title, const Facts& facts);
std::string terminal_notes(const Notes& notes);
std::string terminal_section(const std::string& title, const Facts& facts, const Grid& grid,
                             const Notes& notes);

std::string markdown_head(const std::string& title, const Facts& facts);
std::string markdown_notes(const Notes& notes);
std::string markdown_section(const std::string& title, const Facts& facts, const Grid& grid,
                             const Notes& notes);

}  // namespace bitgauge
