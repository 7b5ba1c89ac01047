#include <algorithm>
#include <array>
#include <cctype>
#include <system_error>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"

#include "base/files.h"

#include "recipe/embedded.h"
#include "recipe/inheritance.h"
#include "recipe/recipe_toml.h"
#include "recipe/type_choice.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

using Stack = std::vector<std::string>;

std::vector<std::string> preset_names(const std::vector<Recipe>& recipes) {
    std::vector<std::string> names;
    names.reserve(recipes.size());
    for (const Recipe& recipe : recipes) names.push_back(recipe.name);
    return names;
}

bool same_letters(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
        return std::tolower(x) == std::tolower(y);
    });
}

// Other names of llama-quantize for its file types (QUANT_OPTIONS of tools/quantize/quantize.cpp).
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kAliases = {
    {{"Q3_K", "Q3_K_M"}, {"Q4_K", "Q4_K_M"}, {"Q5_K", "Q5_K_M"}}};

std::string_view full_name(std::string_view name) {
    const auto* at = std::find_if(kAliases.begin(), kAliases.end(), [name](const auto& alias) {
        return same_letters(alias.first, name);
    });
    return at == kAliases.end() ? name : at->second;
}

const Recipe* find_named(const std::vector<Recipe>& recipes, std::string_view typed) {
    const std::string_view name = full_name(typed);
    const auto at = std::find_if(recipes.begin(), recipes.end(), [name](const Recipe& recipe) {
        return same_letters(recipe.name, name);
    });
    return at == recipes.end() ? nullptr : &*at;
}

// --- checks once everything a recipe extends is known
// ---------------------------------------------

std::vector<std::string> written_types() {
    std::vector<std::string> names = type_names();
    names.insert(names.begin(), {"keep", "default"});
    return names;
}

void check_type(const Recipe& recipe, int line, const std::string& type) {
    if (find_type(type) != nullptr) return;
    recipe_error(recipe.origin, line,
                 fmt::format("unknown type '{}'{}", type, did_you_mean(type, written_types())));
}

template <class Map>
std::vector<std::string> keys_of(const Map& map) {
    std::vector<std::string> keys;
    keys.reserve(map.size());
    for (const auto& [key, value] : map) keys.push_back(key);
    return keys;
}

void check_written_type(const Recipe& recipe, int line, const std::string& type) {
    if (type == "keep" || type == "default") return;
    if (!type.starts_with('$')) return check_type(recipe, line, type);
    const auto values = all_values(recipe);
    const std::string name = type.substr(1);
    if (values.contains(name)) return;
    recipe_error(
        recipe.origin, line,
        fmt::format("no value is named '{}'{}", name, did_you_mean(name, keys_of(values))));
}

void check_rule(const Recipe& recipe, const Rule& rule, const std::vector<std::string>& sets) {
    check_written_type(recipe, rule.line, rule.type);
    for (const std::string& type : rule.replaces) check_type(recipe, rule.line, type);
    for (const std::string& set : rule.sets) {
        if (std::find(sets.begin(), sets.end(), set) != sets.end()) continue;
        recipe_error(recipe.origin, rule.line,
                     fmt::format("no set is named '{}'{}", set, did_you_mean(set, sets)));
    }
}

void check_default(const Recipe& recipe) {
    if (recipe.default_type.empty()) return;
    if (recipe.default_type != "default") return check_written_type(recipe, 0, recipe.default_type);
    recipe_error(recipe.origin, 0, "'default' cannot be \"default\": it would mean itself",
                 "leave it out to take the default of what the recipe extends");
}

void check_words(const Recipe& recipe) {
    for (const auto& [name, type] : recipe.values) check_type(recipe, 0, type);
    check_default(recipe);
    for (const std::string& type : recipe.importance_types) check_type(recipe, 0, type);
    const std::vector<std::string> sets = keys_of(all_sets(recipe));
    for (const Rule& rule : recipe.rules) check_rule(recipe, rule, sets);
    if (default_type(recipe).empty()) {
        recipe_error(recipe.origin, 0, "no 'default' type and nothing it extends has one",
                     "say default = \"q8_0\", or extends = \"Q4_K_M\"");
    }
}

// --- what a recipe extends
// ------------------------------------------------------------------------

// Paths that the system refuses (too long, not to be searched, links in a ring) are no files.
bool is_file(const fs::path& path) {
    std::error_code failed;
    return fs::is_regular_file(path, failed);
}

std::string whole_path(const fs::path& path) {
    std::error_code failed;
    const fs::path whole = fs::weakly_canonical(path, failed);
    return failed ? path.string() : whole.string();
}

void refuse_cycle(const Recipe& recipe, Stack stack, const std::string& key) {
    if (std::find(stack.begin(), stack.end(), key) == stack.end()) return;
    stack.push_back(key);
    recipe_error(recipe.origin, 0, fmt::format("it extends itself: {}", fmt::join(stack, " -> ")));
}

Recipe load_file(const fs::path& path, const Stack& stack);

// `known`: presets that may be named. Files are looked for in `folder`.
void link(Recipe& recipe, const std::vector<Recipe>& known, const fs::path& folder,
          const Stack& stack) {
    if (!recipe.extends.empty()) {
        if (const Recipe* preset = find_named(known, recipe.extends)) {
            refuse_cycle(recipe, stack, preset->name);
            Recipe base = *preset;
            Stack deeper = stack;
            deeper.push_back(preset->name);
            if (base.base == nullptr) link(base, known, {}, deeper);
            recipe.base = std::make_shared<const Recipe>(std::move(base));
        } else if (is_file(folder / recipe.extends)) {
            recipe.base = std::make_shared<const Recipe>(load_file(folder / recipe.extends, stack));
        } else {
            recipe_error(
                recipe.origin, 0,
                fmt::format("it extends '{}', which is neither a preset nor a file{}",
                            recipe.extends, did_you_mean(recipe.extends, preset_names(known))));
        }
    }
    check_words(recipe);
}

Recipe load_file(const fs::path& path, const Stack& stack) {
    const std::string key = whole_path(path);
    Recipe recipe = parse_recipe_text(read_text_file(path), path.string());
    refuse_cycle(recipe, stack, key);
    if (recipe.name.empty()) recipe.name = path.stem().string();
    Stack deeper = stack;
    deeper.push_back(key);
    link(recipe, presets(), path.parent_path(), deeper);
    return recipe;
}

std::vector<Recipe> load_presets() {
    std::vector<Recipe> unlinked;
    for (const EmbeddedRecipe& file : embedded_recipes()) {
        for (Recipe& recipe : parse_family_text(file.content, std::string(file.name))) {
            recipe.origin = "preset " + recipe.name;
            for (Rule& rule : recipe.rules) rule.line = 0;  // of a text that nobody has
            unlinked.push_back(std::move(recipe));
        }
    }
    std::vector<Recipe> linked = unlinked;
    for (Recipe& recipe : linked) link(recipe, unlinked, {}, {recipe.name});
    return linked;
}

}  // namespace

const std::vector<Recipe>& presets() {
    static const std::vector<Recipe> all = load_presets();
    return all;
}

const Recipe* find_preset(std::string_view name) {
    return find_named(presets(), name);
}

Recipe load_recipe(const std::string& name_or_path) {
    if (const Recipe* preset = find_preset(name_or_path)) return *preset;
    if (is_file(name_or_path)) return load_file(name_or_path, {});
    throw Error(ErrorKind::kInput,
                fmt::format("'{}' is neither a preset nor a recipe file{}", name_or_path,
                            did_you_mean(name_or_path, preset_names(presets()))),
                "'bitgauge recipe list' names the presets");
}

Recipe parse_recipe(std::string_view text, const std::string& origin, const fs::path& folder) {
    Recipe recipe = parse_recipe_text(text, origin);
    if (recipe.name.empty()) recipe.name = origin;
    link(recipe, presets(), folder, {});
    return recipe;
}

}  // namespace bitgauge
