#pragma once

// The text of a recipe, of one or of a family, before what it extends is found; private to this
// room.

#include <string>
#include <string_view>
#include <vector>

#include "bitgauge/recipe.h"

namespace bitgauge {

// One recipe, or, where the text has [member.NAME] tables, one for each of them: the rules without
// `for` and those whose `for` names it. `base` is left empty; sets and types are not looked up yet.
std::vector<Recipe> parse_family_text(std::string_view text, const std::string& origin);

// The same of a text that must not have [member.NAME] tables.
Recipe parse_recipe_text(std::string_view text, const std::string& origin);

// "recipe 'mix.recipe' line 7: <what>"; the line is left out when it is 0.
[[noreturn]] void recipe_error(const std::string& origin, int line, const std::string& what,
                               const std::string& hint = {});

// Refuses what std::regex cannot read.
void check_regex(const std::string& regex, const std::string& origin, int line);

// "; did you mean 'q4_K'?", or nothing.
std::string did_you_mean(std::string_view typed, const std::vector<std::string>& names);

}  // namespace bitgauge
