#include "recipe/recipe_toml.h"

#include <algorithm>
#include <regex>
#include <sstream>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "bitgauge/error.h"

#include "base/nearest_name.h"

#include "recipe/matcher.h"
#include "recipe/terms.h"

namespace bitgauge {
namespace {

int line_of(const toml::node& node) {
    return static_cast<int>(node.source().begin.line);
}

// One table of the text; knows which keys were asked for, and refuses the others at the end.
class TableReader {
  public:
    TableReader(const toml::table& table, const std::string& origin)
        : table_(table), origin_(origin) {}

    int line() const { return line_of(table_); }

    std::string text(const char* key) {
        const toml::node* node = take(key);
        if (node == nullptr) return "";
        const auto value = node->value<std::string>();
        if (!value || !node->is_string()) refuse(*node, key, "text in quotes");
        return *value;
    }

    std::optional<bool> flag(const char* key) {
        const toml::node* node = take(key);
        if (node == nullptr) return std::nullopt;
        if (!node->is_boolean()) refuse(*node, key, "true or false");
        return node->value<bool>();
    }

    std::optional<int64_t> integer(const char* key) {
        const toml::node* node = take(key);
        if (node == nullptr) return std::nullopt;
        if (!node->is_integer()) refuse(*node, key, "a whole number");
        return node->value<int64_t>();
    }

    // A text or a list of texts; numbers are taken as they are written.
    std::vector<std::string> texts(const char* key) {
        const toml::node* node = take(key);
        return node == nullptr ? std::vector<std::string>() : texts_of(*node, key);
    }

    std::optional<NumberTest> number_test(const char* key) {
        const toml::node* node = take(key);
        if (node == nullptr) return std::nullopt;
        const auto texts = texts_of(*node, key);
        const auto test = texts.size() == 1 ? parse_number_test(texts.front()) : std::nullopt;
        if (!test) refuse(*node, key, "a number or a comparison like \">= 4\"");
        return test;
    }

    std::vector<LayerTerm> layers(const char* key) {
        std::vector<LayerTerm> terms;
        const toml::node* node = take(key);
        if (node == nullptr) return terms;
        for (const std::string& text : texts_of(*node, key)) {
            std::stringstream parts(text);
            for (std::string part; std::getline(parts, part, ',');) {
                const auto term = parse_layer_term(part);
                if (!term) {
                    refuse(*node, key,
                           "layers like 3, \"0-7\", \"first 1/8\", \"last 4\", \"middle 3/4\" or "
                           "\"more bits\"");
                }
                terms.push_back(*term);
            }
        }
        return terms;
    }

    const toml::table* table(const char* key) {
        const toml::node* node = take(key);
        if (node == nullptr) return nullptr;
        if (!node->is_table()) refuse(*node, key, "a table");
        return node->as_table();
    }

    const toml::array* tables(const char* key) {
        const toml::node* node = take(key);
        if (node == nullptr) return nullptr;
        if (!node->is_array_of_tables()) refuse(*node, key, "written as [[rule]]");
        return node->as_array();
    }

    int line_of_key(const char* key) const {
        const toml::node* node = table_.get(key);
        return node == nullptr ? line() : line_of(*node);
    }

    void refuse_other_keys() const {
        for (const auto& [key, node] : table_) {
            const std::string name(key.str());
            if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
            recipe_error(origin_, line_of(node),
                         fmt::format("unknown key '{}'{}", name, did_you_mean(name, known_)));
        }
    }

  private:
    const toml::node* take(const char* key) {
        known_.emplace_back(key);
        return table_.get(key);
    }

    std::vector<std::string> texts_of(const toml::node& node, const char* key) const {
        std::vector<std::string> texts;
        const auto add = [&](const toml::node& one) {
            if (one.is_string() && !one.value<std::string>()->empty()) {
                texts.push_back(one.value<std::string>().value());
            } else if (one.is_integer()) {
                texts.push_back(fmt::format("{}", one.value<int64_t>().value()));
            } else {
                refuse(one, key, "text in quotes that is not empty, or a list of such");
            }
        };
        if (!node.is_array()) {
            add(node);
            return texts;
        }
        for (const toml::node& one : *node.as_array()) add(one);
        if (texts.empty()) refuse(node, key, "a list with at least one entry");
        return texts;
    }

    [[noreturn]] void refuse(const toml::node& node, const char* key,
                             const std::string& expected) const {
        recipe_error(origin_, line_of(node), fmt::format("'{}' must be {}", key, expected));
    }

    const toml::table& table_;
    const std::string& origin_;
    std::vector<std::string> known_;
};

void read_tensor_conditions(TableReader& reader, Rule& rule) {
    rule.sets = reader.texts("set");
    rule.roles = reader.texts("role");
    rule.names = reader.texts("name");
    rule.unlike = reader.texts("unlike");
    rule.regexes = reader.texts("regex");
    rule.layers = reader.layers("layer");
    rule.expert = reader.flag("expert");
    rule.row = reader.number_test("row");
    rule.rows = reader.number_test("rows");
    rule.dims = reader.number_test("dims");
    rule.weights = reader.number_test("weights");
    rule.row_fits = reader.flag("row_fits");
}

void read_model_conditions(TableReader& reader, Rule& rule) {
    rule.architectures = reader.texts("arch");
    rule.gqa = reader.number_test("gqa");
    rule.experts = reader.number_test("experts");
    rule.model_layers = reader.number_test("model_layers");
    rule.tied = reader.flag("tied");
    rule.importance = reader.flag("importance");
}

void read_index(TableReader& reader, const std::string& origin, Rule& rule) {
    const std::string word = reader.text("index");
    if (word.empty()) return;
    const auto index = parse_layer_index(word);
    if (!index) {
        recipe_error(origin, reader.line_of_key("index"),
                     fmt::format("unknown index '{}'{}", word,
                                 did_you_mean(word, {"layer", "count", "count of layers",
                                                     "layer or count"})));
    }
    rule.index = *index;
    if (rule.index != LayerIndex::kLayer && rule.sets.size() != 1) {
        recipe_error(origin, reader.line_of_key("index"),
                     fmt::format("index '{}' needs one 'set' to count", word));
    }
}

struct ParsedRule {
    Rule rule;
    std::vector<std::string> members;  // "for"
};

ParsedRule read_rule(const toml::table& table, const std::string& origin, bool optional) {
    TableReader reader(table, origin);
    ParsedRule parsed;
    Rule& rule = parsed.rule;
    rule.line = reader.line();
    read_tensor_conditions(reader, rule);
    read_model_conditions(reader, rule);
    read_index(reader, origin, rule);
    rule.replaces = reader.texts("replaces");
    rule.type = reader.text("type");
    rule.forced = reader.flag("force").value_or(false);
    rule.optional = reader.flag("optional").value_or(optional);
    rule.counts = reader.flag("counts").value_or(false);
    rule.why = reader.text("why");
    parsed.members = reader.texts("for");
    reader.refuse_other_keys();
    if (rule.type.empty()) recipe_error(origin, rule.line, "the rule has no 'type'");
    for (const std::string& regex : rule.regexes) check_regex(regex, origin, rule.line);
    return parsed;
}

std::map<std::string, std::vector<std::string>> read_lists(const toml::table* table,
                                                           const std::string& origin) {
    std::map<std::string, std::vector<std::string>> lists;
    if (table == nullptr) return lists;
    TableReader reader(*table, origin);
    for (const auto& [key, node] : *table) {
        const std::string name(key.str());
        lists[name] = reader.texts(name.c_str());
    }
    return lists;
}

std::map<std::string, std::string> read_values(const toml::table* table,
                                               const std::string& origin) {
    std::map<std::string, std::string> values;
    if (table == nullptr) return values;
    TableReader reader(*table, origin);
    for (const auto& [key, node] : *table) {
        const std::string name(key.str());
        values[name] = reader.text(name.c_str());
    }
    return values;
}

// The keys that a recipe and a member of a family share.
void read_head(TableReader& reader, Recipe& recipe) {
    const auto set = [&reader](std::string& field, const char* key) {
        const std::string text = reader.text(key);
        if (!text.empty()) field = text;
    };
    set(recipe.name, "name");
    set(recipe.about, "about");
    set(recipe.source, "source");
    set(recipe.confidence, "confidence");
    set(recipe.extends, "extends");
    set(recipe.default_type, "default");
    if (const auto file_type = reader.integer("file_type")) recipe.file_type = file_type;
    const auto types = reader.texts("importance_types");
    if (!types.empty()) recipe.importance_types = types;
}

std::vector<ParsedRule> read_rules(const toml::array* tables, const std::string& origin,
                                   bool optional) {
    std::vector<ParsedRule> rules;
    if (tables == nullptr) return rules;
    for (const toml::node& node : *tables) {
        rules.push_back(read_rule(*node.as_table(), origin, optional));
    }
    return rules;
}

bool is_for(const ParsedRule& rule, const std::string& member) {
    return rule.members.empty() ||
           std::find(rule.members.begin(), rule.members.end(), member) != rule.members.end();
}

std::vector<Recipe> split_family(const Recipe& family, const toml::table& members,
                                 const std::vector<ParsedRule>& rules, const std::string& origin) {
    std::vector<Recipe> recipes;
    for (const auto& [key, node] : members) {
        if (!node.is_table()) recipe_error(origin, line_of(node), "a member must be a table");
        Recipe recipe = family;
        recipe.name = std::string(key.str());
        TableReader reader(*node.as_table(), origin);
        read_head(reader, recipe);
        for (const auto& [name, type] : read_values(reader.table("values"), origin)) {
            recipe.values[name] = type;
        }
        reader.refuse_other_keys();
        for (const ParsedRule& rule : rules) {
            if (is_for(rule, std::string(key.str()))) recipe.rules.push_back(rule.rule);
        }
        recipes.push_back(recipe);
    }
    return recipes;
}

void check_members(const std::vector<ParsedRule>& rules, const toml::table* members,
                   const std::string& origin) {
    for (const ParsedRule& rule : rules) {
        for (const std::string& member : rule.members) {
            if (members != nullptr && members->contains(member)) continue;
            recipe_error(origin, rule.rule.line,
                         fmt::format("'for' names '{}', which is no member", member));
        }
    }
}

std::vector<Recipe> read_document(const toml::table& document, const std::string& origin,
                                  bool family) {
    TableReader reader(document, origin);
    Recipe recipe;
    recipe.origin = origin;
    read_head(reader, recipe);
    const bool optional = reader.flag("optional").value_or(false);
    recipe.values = read_values(reader.table("values"), origin);
    recipe.sets = read_lists(reader.table("sets"), origin);
    const auto rules = read_rules(reader.tables("rule"), origin, optional);
    const toml::table* members = reader.table("member");
    reader.refuse_other_keys();
    if (members != nullptr && !family) {
        recipe_error(origin, line_of(*members), "[member] tables are for the program's own presets",
                     "write one file for each of them");
    }
    check_members(rules, members, origin);
    if (members != nullptr) return split_family(recipe, *members, rules, origin);
    for (const ParsedRule& rule : rules) recipe.rules.push_back(rule.rule);
    return {recipe};
}

std::vector<Recipe> parse(std::string_view text, const std::string& origin, bool family) {
    try {
        return read_document(toml::parse(text), origin, family);
    } catch (const toml::parse_error& error) {
        recipe_error(origin, static_cast<int>(error.source().begin.line),
                     fmt::format("no TOML: {}", error.description()));
    }
}

}  // namespace

std::vector<Recipe> parse_family_text(std::string_view text, const std::string& origin) {
    return parse(text, origin, true);
}

Recipe parse_recipe_text(std::string_view text, const std::string& origin) {
    return parse(text, origin, false).front();
}

void recipe_error(const std::string& origin, int line, const std::string& what,
                  const std::string& hint) {
    const std::string where = line > 0 ? fmt::format(" line {}", line) : "";
    throw Error(ErrorKind::kInput, fmt::format("recipe '{}'{}: {}", origin, where, what), hint);
}

void check_regex(const std::string& regex, const std::string& origin, int line) {
    constexpr size_t kLongest = 4096;  // std::regex recurses
    try {
        if (regex.size() > kLongest) recipe_error(origin, line, "a regular expression is too long");
        compiled_regex(regex);
    } catch (const std::regex_error&) {
        recipe_error(origin, line, fmt::format("'{}' is no regular expression", regex),
                     "ECMAScript's, as llama.cpp uses them, without back-references");
    }
}

std::string did_you_mean(std::string_view typed, const std::vector<std::string>& names) {
    const std::string best = suggest(typed, names);
    return best.empty() ? "" : fmt::format("; did you mean '{}'?", best);
}

}  // namespace bitgauge
