#include "recipe/never.h"

#include <algorithm>

namespace bitgauge {
namespace {

std::vector<RuleMatcher> never_rules(const ModelHeader& model) {
    static const Recipe& never = *find_preset("never");
    std::vector<RuleMatcher> matchers;
    for (const Rule& rule : never.rules) matchers.emplace_back(rule, never.sets, model, false, 1);
    return matchers;
}

}  // namespace

ModelView::ModelView(const ModelHeader& header) : model(header) {
    const std::vector<RuleMatcher> never = never_rules(header);
    for (const TensorInfo& tensor : header.tensors) {
        TensorFacts one = facts_of(tensor);
        const auto at = std::find_if(never.begin(), never.end(), [&one](const RuleMatcher& rule) {
            return rule.matches(one, {});
        });
        if (at != never.end()) one.never = &at->rule();
        facts.push_back(std::move(one));
    }
}

}  // namespace bitgauge
