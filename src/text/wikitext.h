#pragma once

// Where the articles of a WikiText file begin (Merity et al. 2016): " = Title = " on a line of its
// own between two blank lines.
//
// Section headings (" = = Title = = ") begin no article, nor do formulas broken over lines such as
// " = 1 rad / s and a nominal impedance k = ": these stand between lines of prose. By this rule the
// test split has the 60 articles it was published with.

#include <cstddef>
#include <string_view>
#include <vector>

namespace bitgauge {

// Byte offsets of the heading lines, ascending. Empty when the text has none.
std::vector<size_t> article_headings(std::string_view text);

// Splits `text` at its headings into pieces that together are the text again: blank lines before
// the first heading belong to the first article, other text before it is a piece of its own.
// Offsets of the pieces; {0} for a text without headings.
std::vector<size_t> article_starts(std::string_view text);

}  // namespace bitgauge
