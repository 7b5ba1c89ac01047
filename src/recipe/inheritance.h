#pragma once

// What a recipe says together with those it extends; private to this room.

#include <map>
#include <string>
#include <vector>

#include "bitgauge/recipe.h"

namespace bitgauge {

// The recipe, then what it extends, and so on.
std::vector<const Recipe*> chain_of(const Recipe& recipe);

// Of the whole chain; the recipe's own come first.
std::map<std::string, std::string> all_values(const Recipe& recipe);
std::map<std::string, std::vector<std::string>> all_sets(const Recipe& recipe);

// As written by the first of the chain that has one; "" when none has.
std::string default_type(const Recipe& recipe);

// "$name" replaced by its value; requires that there is one.
std::string plain_type(const std::string& type, const std::map<std::string, std::string>& values);

}  // namespace bitgauge
