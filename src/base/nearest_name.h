#pragma once

// "Did you mean": the known name nearest to a mistyped one.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace bitgauge {

// Insertions, deletions and substitutions of one byte between `a` and `b` [Levenshtein 1966], with
// a swap of neighbours as one step (optimal string alignment).
size_t edit_distance(std::string_view a, std::string_view b);

// The name at the smallest distance from `typed`; "" when even that is more than a third of `typed`
// (at least 2) away.
std::string suggest(std::string_view typed, std::span<const std::string> names);

}  // namespace bitgauge
