#pragma once

// Conditions of rules as they are written: "first 1/8", ">= 4"; private to this room.

#include <optional>
#include <string>
#include <string_view>

#include "bitgauge/recipe.h"

namespace bitgauge {

// Without blanks at its ends.
std::string_view trimmed(std::string_view text);

// Nothing when it is none.
std::optional<NumberTest> parse_number_test(std::string_view text);
std::optional<LayerTerm> parse_layer_term(std::string_view text);
std::optional<LayerIndex> parse_layer_index(std::string_view text);

// What the parsers read back.
std::string text_of(const NumberTest& test);
std::string text_of(const LayerTerm& term);
std::string text_of(LayerIndex index);

}  // namespace bitgauge
