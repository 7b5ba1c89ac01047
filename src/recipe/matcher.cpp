#include "recipe/matcher.h"

#include <algorithm>
#include <charconv>
#include <fnmatch.h>

namespace bitgauge {
namespace {

// The N of "blk.N.", at the beginning or after a dot.
std::optional<int64_t> layer_of(const std::string& name) {
    constexpr std::string_view kBlock = "blk.";
    const size_t at = name.starts_with(kBlock) ? 0 : name.find(".blk.");
    if (at == std::string::npos) return std::nullopt;
    const char* begin = name.data() + at + (at == 0 ? 0 : 1) + kBlock.size();
    int64_t layer = 0;
    const auto [end, error] = std::from_chars(begin, name.data() + name.size(), layer);
    const bool whole = error == std::errc() && end != name.data() + name.size() && *end == '.';
    return whole && layer >= 0 ? std::optional(layer) : std::nullopt;
}

bool has_architecture(const std::vector<std::string>& wanted, const std::string& architecture) {
    return std::any_of(wanted.begin(), wanted.end(), [&](const std::string& one) {
        return one.starts_with('!') ? one.substr(1) != architecture : one == architecture;
    });
}

bool holds(const std::optional<NumberTest>& test, int64_t number) {
    return !test || test->holds(number);
}

bool agrees(const std::optional<bool>& wanted, bool is) {
    return !wanted || *wanted == is;
}

bool has_output(const ModelHeader& model) {
    return std::any_of(model.tensors.begin(), model.tensors.end(),
                       [](const TensorInfo& tensor) { return tensor.name == "output.weight"; });
}

int64_t gqa(const ModelHeader& model) {
    return model.kv_heads == 0 ? 0 : model.heads / model.kv_heads;
}

bool model_matches(const Rule& rule, const ModelHeader& model, bool importance) {
    return (rule.architectures.empty() ||
            has_architecture(rule.architectures, model.architecture)) &&
           holds(rule.gqa, gqa(model)) && holds(rule.experts, model.experts) &&
           holds(rule.model_layers, model.layers - model.prediction_layers) &&
           agrees(rule.importance, importance) && (!rule.tied || *rule.tied != has_output(model));
}

int64_t rows_of(const TensorInfo& tensor) {
    return tensor.shape.size() < 2 ? 1 : static_cast<int64_t>(tensor.shape[1]);
}

constexpr bool is_wildcard(char c) {
    return c == '*' || c == '?' || c == '[';
}

}  // namespace

std::regex compiled_regex(const std::string& text) {
    auto grammar = std::regex::ECMAScript;
#ifdef __GLIBCXX__
    grammar |= std::regex_constants::__polynomial;  // "(.+)+x" would take time without end
#endif
    return std::regex(text, grammar);
}

bool matches_pattern(const std::string& pattern, const std::string& text) {
    // Most are decided by what stands before the first wildcard, most others are "*part*".
    size_t prefix = 0;
    while (prefix < pattern.size() && !is_wildcard(pattern[prefix])) {
        if (prefix >= text.size() || pattern[prefix] != text[prefix]) return false;
        ++prefix;
    }
    if (prefix == pattern.size()) return text.size() == prefix;
    const bool in_stars = pattern.size() > 1 && pattern.front() == '*' && pattern.back() == '*';
    if (in_stars &&
        std::find_if(pattern.begin() + 1, pattern.end(), is_wildcard) + 1 == pattern.end()) {
        const std::string_view part = std::string_view(pattern).substr(1, pattern.size() - 2);
        return text.find(part) != std::string::npos;
    }
    return fnmatch(pattern.c_str(), text.c_str(), FNM_NOESCAPE) == 0;
}

bool matches_any(const std::vector<std::string>& patterns, const std::string& text) {
    return std::any_of(patterns.begin(), patterns.end(), [&text](const std::string& pattern) {
        return matches_pattern(pattern, text);
    });
}

TensorFacts facts_of(const TensorInfo& tensor) {
    return {&tensor, tensor_role(tensor.name), layer_of(tensor.name)};
}

RuleMatcher::RuleMatcher(const Rule& rule,
                         const std::map<std::string, std::vector<std::string>>& sets,
                         const ModelHeader& model, bool importance, uint32_t row_block)
    : rule_(&rule),
      model_(&model),
      row_block_(row_block),
      applies_(model_matches(rule, model, importance)) {
    for (const std::string& set : rule.sets) {
        const auto& patterns = sets.at(set);
        set_patterns_.insert(set_patterns_.end(), patterns.begin(), patterns.end());
    }
    for (const std::string& regex : rule.regexes) regexes_.push_back(compiled_regex(regex));
}

bool RuleMatcher::matches(const TensorFacts& tensor, const SetCounts& counts) const {
    return applies_ && names_match(tensor) && shape_matches(tensor) &&
           layer_matches(tensor, counts);
}

bool RuleMatcher::could_match(const TensorFacts& tensor) const {
    return applies_ && names_match(tensor) && shape_matches(tensor) &&
           (counts() || layer_matches(tensor, {}));
}

bool RuleMatcher::counts() const {
    const bool by_name = rule_->index == LayerIndex::kLayer ||
                         (rule_->index == LayerIndex::kLayerOrCount && model_->experts > 1);
    return !rule_->layers.empty() && !by_name;
}

bool RuleMatcher::names_match(const TensorFacts& tensor) const {
    const std::string& name = tensor.info->name;
    if (!set_patterns_.empty() && !matches_any(set_patterns_, name)) return false;
    if (!rule_->roles.empty() && !matches_any(rule_->roles, tensor.role)) return false;
    if (!rule_->names.empty() && !matches_any(rule_->names, name)) return false;
    if (matches_any(rule_->unlike, name)) return false;
    if (!agrees(rule_->expert, tensor.role.ends_with("_exps"))) return false;
    return regexes_.empty() ||
           std::any_of(regexes_.begin(), regexes_.end(),
                       [&name](const std::regex& regex) { return std::regex_search(name, regex); });
}

bool RuleMatcher::shape_matches(const TensorFacts& tensor) const {
    const TensorInfo& info = *tensor.info;
    const uint64_t row = info.shape.empty() ? 0 : info.shape[0];
    return holds(rule_->row, static_cast<int64_t>(row)) && holds(rule_->rows, rows_of(info)) &&
           holds(rule_->dims, static_cast<int64_t>(info.shape.size())) &&
           holds(rule_->weights, static_cast<int64_t>(info.elements())) &&
           agrees(rule_->row_fits, row % row_block_ == 0);
}

bool RuleMatcher::layer_matches(const TensorFacts& tensor, const SetCounts& counts) const {
    if (rule_->layers.empty()) return true;
    const bool by_count = this->counts();
    if (!by_count && !tensor.layer) return false;
    const int64_t i = by_count ? counts.before.at(rule_->sets.front()) : *tensor.layer;
    const int64_t n =
        rule_->index == LayerIndex::kCount ? counts.all.at(rule_->sets.front()) : model_->layers;
    return std::any_of(rule_->layers.begin(), rule_->layers.end(),
                       [i, n](const LayerTerm& term) { return term.holds(i, n); });
}

}  // namespace bitgauge
