// Rules of other tools: llama-quantize's --tensor-type-file and ik_llama.cpp's --custom-q.

#include <algorithm>
#include <array>
#include <cctype>
#include <sstream>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"
#include "bitgauge/recipe.h"

#include "base/files.h"

#include "recipe/inheritance.h"
#include "recipe/recipe_toml.h"
#include "recipe/terms.h"
#include "recipe/type_choice.h"

namespace bitgauge {
namespace {

// Types of ggml that ik_llama.cpp's --custom-q does not know.
constexpr std::array<std::string_view, 5> kNotInIk = {"tq1_0", "tq2_0", "nvfp4", "q1_0", "q2_0"};

// One REGEX=TYPE and the line it stands on.
struct Assignment {
    std::string text;
    int line = 0;
};

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

enum class Tool { kLlamaQuantize, kIkLlama };

const QType& type_of(const Assignment& one, const std::string& name, const std::string& origin,
                     Tool tool) {
    const QType* type = find_type(name);
    if (type == nullptr) {
        recipe_error(origin, one.line,
                     fmt::format("unknown type '{}'{}", name, did_you_mean(name, type_names())));
    }
    if (type->ik_only && tool == Tool::kLlamaQuantize) {
        recipe_error(origin, one.line,
                     fmt::format("llama-quantize has no type {}, only ik_llama.cpp", type->name),
                     "say --custom-q where the rules are ik_llama.cpp's");
    }
    return *type;
}

// Split at the first '=', as both tools do.
Rule rule_of(const Assignment& one, const std::string& origin, Tool tool) {
    const size_t sign = one.text.find('=');
    if (sign == std::string::npos || sign == 0 || sign + 1 == one.text.size()) {
        recipe_error(origin, one.line, fmt::format("'{}' is not REGEX=TYPE", one.text),
                     one.text.starts_with('#') ? "a tensor-type file has no comments" : "");
    }
    const std::string regex = one.text.substr(0, sign);
    Rule rule;
    rule.regexes = {tool == Tool::kLlamaQuantize ? lower(regex) : regex};
    rule.type = type_of(one, one.text.substr(sign + 1), origin, tool).name;
    rule.optional = true;
    rule.counts = tool == Tool::kIkLlama;
    rule.line = one.line;
    check_regex(rule.regexes.front(), origin, one.line);
    return rule;
}

std::vector<Assignment> words_of(const std::string& text) {
    std::vector<Assignment> words;
    std::istringstream lines(text);
    int number = 0;
    for (std::string line; std::getline(lines, line);) {
        ++number;
        std::istringstream in(line);
        for (std::string word; in >> word;) words.push_back({word, number});
    }
    return words;
}

std::vector<Assignment> comma_separated(const std::string& text) {
    std::vector<Assignment> items;
    std::istringstream lines(text);
    int number = 0;
    for (std::string line; std::getline(lines, line);) {
        ++number;
        if (trimmed(line).starts_with('#')) continue;
        std::istringstream in(line);
        for (std::string item; std::getline(in, item, ',');) {
            const std::string_view one = trimmed(item);
            if (!one.empty()) items.push_back({std::string(one), number});
        }
    }
    return items;
}

void extend(Recipe& recipe, const std::string& base) {
    recipe.extends = base;
    recipe.base = std::make_shared<const Recipe>(load_recipe(base));
    const std::string type = plain_type(default_type(recipe), all_values(recipe));
    const QType* known = find_type(type);
    if (known != nullptr && known->quantized) return;
    throw Error(
        ErrorKind::kInput,
        fmt::format("'{}' makes files of {}, and there these rules are ignored", base, type),
        "name the file type that was given with them, as Q4_K_M");
}

Recipe empty_recipe(const std::filesystem::path& path, const std::string& source) {
    return {.name = path.stem().string(), .source = source, .origin = path.string()};
}

// Anchored; a letter that lower-casing would change is any character.
std::string exact_regex(const std::string& name) {
    std::string regex = "^";
    for (const char c : name) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::isupper(byte)) {
            regex += '.';
        } else {
            if (!std::isalnum(byte) && c != '_' && c != '-') regex += '\\';
            regex += c;
        }
    }
    return regex + "$";
}

void check_expressible(const ResolvedTensor& tensor, bool forced) {
    if (!forced) return;
    throw Error(ErrorKind::kInput,
                fmt::format("{} is never quantized by llama-quantize, and this recipe makes it {}",
                            tensor.name, tensor.type),
                "leave out the rule with force = true");
}

// REGEX=TYPE of every tensor that the mixture would otherwise decide.
std::vector<std::string> assignments(const Resolution& resolution) {
    std::vector<std::string> lines;
    for (const ResolvedTensor& tensor : resolution.tensors) {
        if (tensor.recipe.empty()) continue;
        check_expressible(tensor, tensor.forced);
        lines.push_back(exact_regex(tensor.name) + "=" + tensor.type);
    }
    return lines;
}

}  // namespace

Recipe read_tensor_type_file(const std::filesystem::path& path, const std::string& base) {
    Recipe recipe = empty_recipe(path, "a --tensor-type-file of llama-quantize");
    extend(recipe, base);
    for (const Assignment& one : words_of(read_text_file(path))) {
        recipe.rules.push_back(rule_of(one, path.string(), Tool::kLlamaQuantize));
    }
    return recipe;
}

Recipe read_custom_q(const std::filesystem::path& path, const std::string& base) {
    Recipe recipe = empty_recipe(path, "a --custom-q of ik_llama.cpp");
    const QType* type = find_type(base);
    if (type != nullptr && type->ik_only) {
        recipe.default_type = type->name;
    } else {
        extend(recipe, base);
    }
    for (const Assignment& one : comma_separated(read_text_file(path))) {
        recipe.rules.push_back(rule_of(one, path.string(), Tool::kIkLlama));
    }
    return recipe;
}

std::string tensor_type_file(const Resolution& resolution) {
    for (const ResolvedTensor& tensor : resolution.tensors) {
        if (!find_type(tensor.type)->ik_only) continue;
        throw Error(
            ErrorKind::kInput,
            fmt::format("{} gets {}, which only ik_llama.cpp has", tensor.name, tensor.type),
            "write it for that with --custom-q");
    }
    return fmt::format("{}\n", fmt::join(assignments(resolution), "\n"));
}

std::string custom_q(const Resolution& resolution) {
    for (const ResolvedTensor& tensor : resolution.tensors) {
        const bool lacking =
            std::find(kNotInIk.begin(), kNotInIk.end(), tensor.type) != kNotInIk.end();
        if (!lacking || tensor.recipe.empty()) continue;
        throw Error(
            ErrorKind::kInput,
            fmt::format("{} gets {}, which ik_llama.cpp does not have", tensor.name, tensor.type),
            "leave out --custom-q to write it for llama-quantize");
    }
    return fmt::format("{}\n", fmt::join(assignments(resolution), ","));
}

}  // namespace bitgauge
