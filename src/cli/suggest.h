#pragma once

// "Did you mean": the known name nearest to a mistyped one.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

namespace bitgauge {

// Insertions, deletions and substitutions of one byte between `a` and `b` [Levenshtein 1966], with
// a swap of neighbours as one step (optimal string alignment).
size_t edit_distance(std::string_view a, std::string_view b);

// The name at the smallest distance from `typed`; "" when even that is more than a third of `typed`
// (at least 2) away.
std::string suggest(std::string_view typed, std::span<const std::string> names);

// After a failed parse: the first argument that no option or command took; "" when there is none.
// An option's value is cut off ("--jsno=1" -> "--jsno").
std::string unknown_argument(const CLI::App& app);

// Not for people to call: neither in the help nor suggested.
bool is_hidden(const CLI::App& command);

// What could have been typed instead: the options of the called command, or the commands' names.
std::vector<std::string> known_names(const CLI::App& app);

}  // namespace bitgauge
