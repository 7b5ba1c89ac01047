#include "recipe/terms.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

namespace bitgauge {
namespace {

using Relation = NumberTest::Relation;
using Kind = LayerTerm::Kind;

// Longer signs first: "<=" begins with "<".
constexpr std::array<std::pair<std::string_view, Relation>, 6> kRelations = {
    {{"<=", Relation::kAtMost},
     {">=", Relation::kAtLeast},
     {"!=", Relation::kUnequal},
     {"<", Relation::kLess},
     {">", Relation::kMore},
     {"=", Relation::kEqual}}};

constexpr std::array<std::pair<std::string_view, LayerIndex>, 4> kIndexes = {
    {{"layer", LayerIndex::kLayer},
     {"count", LayerIndex::kCount},
     {"count of layers", LayerIndex::kCountOfLayers},
     {"layer or count", LayerIndex::kLayerOrCount}}};

struct PartWord {
    std::string_view word;
    Kind whole;
    Kind part;
};
constexpr std::array kPartWords = {
    PartWord{"first ", Kind::kFirst, Kind::kFirstPart},
    PartWord{"last ", Kind::kLast, Kind::kLastPart},
    PartWord{"middle ", Kind::kMiddlePart, Kind::kMiddlePart},
};

// A whole number, nothing else.
std::optional<int64_t> number(std::string_view text) {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
    return value;
}

// Of layers: small, so that products of two and a model's layers are no matter.
std::optional<int64_t> small_number(std::string_view text) {
    constexpr int64_t kMost = 1'000'000;
    const auto value = number(text);
    return value && *value <= kMost ? value : std::nullopt;
}

// "A<sign>B".
std::optional<std::pair<int64_t, int64_t>> two_numbers(std::string_view text, char sign) {
    const size_t at = text.find(sign);
    if (at == std::string_view::npos) return std::nullopt;
    const auto a = small_number(text.substr(0, at));
    const auto b = small_number(text.substr(at + 1));
    if (!a || !b) return std::nullopt;
    return std::pair(*a, *b);
}

std::optional<LayerTerm> parse_part(const PartWord& word, std::string_view amount) {
    if (const auto part = two_numbers(amount, '/')) {
        const bool sensible = part->second > 0 && part->first <= part->second;
        if (!sensible) return std::nullopt;
        return LayerTerm{word.part, part->first, part->second};
    }
    const auto count = small_number(amount);
    if (!count || word.whole == Kind::kMiddlePart) return std::nullopt;
    return LayerTerm{word.whole, *count, 0};
}

std::optional<LayerTerm> parse_range(std::string_view text) {
    if (const auto one = small_number(text)) return LayerTerm{Kind::kRange, *one, *one};
    const auto range = two_numbers(text, '-');
    if (!range || range->first > range->second) return std::nullopt;
    return LayerTerm{Kind::kRange, range->first, range->second};
}

// use_more_bits() of llama.cpp's src/llama-quant.cpp.
bool more_bits(int64_t i, int64_t n) {
    return i < n / 8 || i >= 7 * n / 8 || (i - n / 8) % 3 == 2;
}

}  // namespace

bool NumberTest::holds(int64_t number) const {
    switch (relation) {
        case Relation::kEqual:
            return number == value;
        case Relation::kUnequal:
            return number != value;
        case Relation::kLess:
            return number < value;
        case Relation::kAtMost:
            return number <= value;
        case Relation::kMore:
            return number > value;
        case Relation::kAtLeast:
            return number >= value;
    }
    return false;
}

bool LayerTerm::holds(int64_t i, int64_t n) const {
    switch (kind) {
        case Kind::kRange:
            return a <= i && i <= b;
        case Kind::kFirst:
            return i < a;
        case Kind::kFirstPart:
            return i < n * a / b;
        case Kind::kLast:
            return i >= n - a;
        case Kind::kLastPart:
            return i >= n * (b - a) / b;
        case Kind::kMiddlePart:
            return i >= n * (b - a) / (2 * b) && i < n * (b + a) / (2 * b);
        case Kind::kMoreBits:
            return more_bits(i, n);
    }
    return false;
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r";
    const size_t begin = text.find_first_not_of(kBlank);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

std::optional<NumberTest> parse_number_test(std::string_view text) {
    text = trimmed(text);
    for (const auto& [sign, relation] : kRelations) {
        if (!text.starts_with(sign)) continue;
        const auto value = number(trimmed(text.substr(sign.size())));
        if (!value) return std::nullopt;
        return NumberTest{relation, *value};
    }
    const auto value = number(text);
    if (!value) return std::nullopt;
    return NumberTest{Relation::kEqual, *value};
}

std::optional<LayerTerm> parse_layer_term(std::string_view text) {
    text = trimmed(text);
    if (text == "more bits") return LayerTerm{Kind::kMoreBits, 0, 0};
    for (const PartWord& word : kPartWords) {
        if (text.starts_with(word.word)) {
            return parse_part(word, trimmed(text.substr(word.word.size())));
        }
    }
    return parse_range(text);
}

std::optional<LayerIndex> parse_layer_index(std::string_view text) {
    for (const auto& [word, index] : kIndexes) {
        if (word == text) return index;
    }
    return std::nullopt;
}

std::string text_of(const NumberTest& test) {
    if (test.relation == Relation::kEqual) return fmt::format("{}", test.value);
    for (const auto& [sign, relation] : kRelations) {
        if (relation == test.relation) return fmt::format("{} {}", sign, test.value);
    }
    return "";
}

std::string text_of(const LayerTerm& term) {
    if (term.kind == Kind::kMoreBits) return "more bits";
    for (const PartWord& word : kPartWords) {
        if (term.kind == word.part) return fmt::format("{}{}/{}", word.word, term.a, term.b);
        if (term.kind == word.whole) return fmt::format("{}{}", word.word, term.a);
    }
    if (term.a == term.b) return fmt::format("{}", term.a);
    return fmt::format("{}-{}", term.a, term.b);
}

std::string text_of(LayerIndex index) {
    for (const auto& [word, known] : kIndexes) {
        if (known == index) return std::string(word);
    }
    return "";
}

}  // namespace bitgauge
