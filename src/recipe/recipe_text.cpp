#include <algorithm>

#include <fmt/format.h>

#include "bitgauge/recipe.h"

#include "recipe/terms.h"

namespace bitgauge {
namespace {

constexpr size_t kWidth = 100;

// A basic string of TOML.
std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += fmt::format("\\{}", c);
        } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
            out += fmt::format("\\u{:04X}", static_cast<unsigned char>(c));
        } else {
            out += c;
        }
    }
    return out + "\"";
}

// Keys of letters, digits, _ and - stand bare.
std::string key_text(const std::string& key) {
    const bool bare = !key.empty() && std::all_of(key.begin(), key.end(), [](unsigned char c) {
        return std::isalnum(c) || c == '_' || c == '-';
    });
    return bare ? key : quoted(key);
}

std::string list_line(const std::string& key, const std::vector<std::string>& texts) {
    if (texts.size() == 1) return fmt::format("{} = {}\n", key, quoted(texts.front()));
    std::string out = key + " = [";
    const std::string indent(out.size(), ' ');
    size_t column = out.size();
    for (size_t i = 0; i < texts.size(); ++i) {
        const std::string one = quoted(texts[i]) + (i + 1 < texts.size() ? "," : "]");
        if (i > 0 && column + one.size() + 1 > kWidth) {
            out += "\n" + indent;
            column = indent.size();
        } else if (i > 0) {
            out += " ";
            ++column;
        }
        out += one;
        column += one.size();
    }
    return out + "\n";
}

std::vector<std::string> layer_texts(const Rule& rule) {
    std::vector<std::string> texts;
    for (const LayerTerm& term : rule.layers) texts.push_back(text_of(term));
    return texts;
}

// Conditions of a rule as TOML writes them and as a line for people does.
class RuleWriter {
  public:
    std::string toml;
    std::vector<std::string> phrases;

    void list(const char* key, const std::vector<std::string>& texts, const char* words = nullptr) {
        if (texts.empty()) return;
        toml += list_line(key, texts);
        phrases.push_back(fmt::format("{} {}", words ? words : key, fmt::join(texts, ", ")));
    }
    void test(const char* key, const std::optional<NumberTest>& test, const char* words = nullptr) {
        if (!test) return;
        const bool plain = test->relation == NumberTest::Relation::kEqual;
        const std::string text = text_of(*test);
        toml += fmt::format("{} = {}\n", key, plain ? text : quoted(text));
        phrases.push_back(fmt::format("{} {}", words ? words : key, text));
    }
    void flag(const char* key, const std::optional<bool>& value, const char* yes, const char* no) {
        if (!value) return;
        toml += fmt::format("{} = {}\n", key, *value);
        phrases.emplace_back(*value ? yes : no);
    }
};

void write_layers(const Rule& rule, RuleWriter& out) {
    if (rule.layers.empty()) return;
    const std::string index = text_of(rule.index);
    out.toml += list_line("layer", layer_texts(rule));
    std::string phrase = fmt::format("layer {}", fmt::join(layer_texts(rule), ", "));
    if (rule.index != LayerIndex::kLayer) {
        out.toml += fmt::format("index = {}\n", quoted(index));
        phrase += fmt::format(" by {}", index);
    }
    out.phrases.push_back(phrase);
}

RuleWriter conditions(const Rule& rule) {
    RuleWriter out;
    out.list("arch", rule.architectures);
    out.list("set", rule.sets);
    out.list("role", rule.roles);
    out.list("name", rule.names);
    out.list("unlike", rule.unlike, "not");
    out.list("regex", rule.regexes);
    write_layers(rule, out);
    out.flag("expert", rule.expert, "experts", "no expert");
    out.test("row", rule.row, "row length");
    out.test("rows", rule.rows);
    out.test("dims", rule.dims, "dimensions");
    out.test("weights", rule.weights);
    out.flag("row_fits", rule.row_fits, "rows fit the default type",
             "rows do not fit the default type");
    out.test("gqa", rule.gqa, "GQA");
    out.test("experts", rule.experts, "experts in the model");
    out.test("model_layers", rule.model_layers, "layers in the model");
    out.flag("tied", rule.tied, "output is token_embd", "output is a tensor of its own");
    out.flag("importance", rule.importance, "with importance", "without importance");
    out.list("replaces", rule.replaces, "in place of");
    return out;
}

std::string rule_toml(const Rule& rule) {
    std::string out = "\n[[rule]]\n" + conditions(rule).toml;
    out += fmt::format("type = {}\n", quoted(rule.type));
    if (rule.forced) out += "force = true\n";
    if (rule.optional) out += "optional = true\n";
    if (rule.counts) out += "counts = true\n";
    if (!rule.why.empty()) out += fmt::format("why = {}\n", quoted(rule.why));
    return out;
}

std::string head_toml(const Recipe& recipe) {
    std::string out;
    for (const auto& [key, text] : std::initializer_list<std::pair<const char*, std::string>>{
             {"name", recipe.name},
             {"about", recipe.about},
             {"source", recipe.source},
             {"confidence", recipe.confidence},
             {"extends", recipe.extends},
             {"default", recipe.default_type}}) {
        if (!text.empty()) out += fmt::format("{} = {}\n", key, quoted(text));
    }
    if (recipe.file_type) out += fmt::format("file_type = {}\n", *recipe.file_type);
    if (!recipe.importance_types.empty()) {
        out += list_line("importance_types", recipe.importance_types);
    }
    return out;
}

}  // namespace

std::string recipe_text(const Recipe& recipe) {
    std::string out = head_toml(recipe);
    if (!recipe.values.empty()) out += "\n[values]\n";
    for (const auto& [name, type] : recipe.values) {
        out += fmt::format("{} = {}\n", key_text(name), quoted(type));
    }
    if (!recipe.sets.empty()) out += "\n[sets]\n";
    for (const auto& [name, patterns] : recipe.sets) out += list_line(key_text(name), patterns);
    for (const Rule& rule : recipe.rules) out += rule_toml(rule);
    return out;
}

std::string rule_text(const Rule& rule) {
    const RuleWriter written = conditions(rule);
    return fmt::format("{}: {}",
                       written.phrases.empty()
                           ? "everything"
                           : fmt::format("{}", fmt::join(written.phrases, ", ")),
                       rule.type);
}

}  // namespace bitgauge
