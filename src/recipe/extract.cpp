#include <algorithm>
#include <map>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"
#include "bitgauge/recipe.h"

#include "recipe/inheritance.h"
#include "recipe/matcher.h"
#include "recipe/never.h"
#include "recipe/repair.h"

namespace bitgauge {
namespace {

constexpr size_t kBases = 4;     // presets that are tried as a beginning
constexpr size_t kDefaults = 3;  // types that are tried as a default
constexpr int kRounds = 3;       // overriding tensors moves what a mixture counts

// A router or norm that somebody has quantized; floats may be what the original had.
bool is_forced(const TensorFacts& tensor) {
    const QType* type = find_type(tensor.info->type);
    return type != nullptr && type->quantized && tensor.never != nullptr;
}

bool heeds_importance(const Recipe& recipe) {
    const auto chain = chain_of(recipe);
    return std::any_of(chain.begin(), chain.end(), [](const Recipe* one) {
        return std::any_of(one->rules.begin(), one->rules.end(),
                           [](const Rule& rule) { return rule.importance.has_value(); });
    });
}

std::optional<Resolution> try_resolve(const ModelView& view, const Recipe& recipe,
                                      bool importance) {
    try {
        return resolve_view(view, recipe, importance);
    } catch (const Error&) {
        return std::nullopt;  // a rule that matches nothing here
    }
}

bool differs(const ResolvedTensor& resolved, const TensorInfo& tensor, bool forced) {
    return resolved.type != tensor.type || (resolved.kept && forced);
}

// Presets and what they would give.
struct Trial {
    PresetDistance distance;
    const Recipe* recipe = nullptr;
    bool needs_importance = false;
};

class Extractor {
  public:
    Extractor(const ModelHeader& model, bool any_importance)
        : model_(model), any_importance_(any_importance), view_(model), facts_(view_.facts) {
        for (const TensorFacts& tensor : facts_) forced_.push_back(is_forced(tensor));
    }

    ExtractedRecipe run() {
        const std::vector<Trial> trials = all_trials();
        ExtractedRecipe best = plain(usual_types().front());
        for (const std::string& type : usual_types()) take_shorter(best, plain(type));
        for (size_t i = 0; i < std::min(kBases, trials.size()); ++i) {
            const auto candidate = over(trials[i]);
            if (candidate) take_shorter(best, *candidate);
        }
        for (const Trial& trial : trials) best.presets.push_back(trial.distance);
        return best;
    }

  private:
    std::vector<Trial> all_trials() const {
        std::vector<Trial> trials;
        for (const Recipe& preset : presets()) {
            if (preset.name == "never") continue;
            if (const auto trial = nearer_trial(preset)) trials.push_back(*trial);
        }
        std::stable_sort(trials.begin(), trials.end(), [](const Trial& a, const Trial& b) {
            return std::tie(a.distance.differing, a.distance.tensors) <
                   std::tie(b.distance.differing, b.distance.tensors);
        });
        return trials;
    }

    // With importance or without, whichever is nearer; without where both are the same, unless the
    // preset's types need it.
    std::optional<Trial> nearer_trial(const Recipe& preset) const {
        auto without = trial(preset, false);
        if (!without) return without;
        if (!heeds_importance(preset)) {
            without->distance.importance = without->needs_importance;
            return without;
        }
        const auto with = trial(preset, true);
        const bool nearer = with->distance.differing < without->distance.differing;
        const bool as_near = with->distance.differing == without->distance.differing;
        return nearer || (as_near && with->needs_importance) ? with : without;
    }

    std::optional<Trial> trial(const Recipe& preset, bool importance) const {
        const auto resolution = try_resolve(view_, preset, importance);
        if (!resolution) return std::nullopt;
        Trial trial{.distance = {.name = preset.name, .importance = importance}, .recipe = &preset};
        for (size_t i = 0; i < facts_.size(); ++i) {
            const ResolvedTensor& tensor = resolution->tensors[i];
            trial.needs_importance = trial.needs_importance || tensor.needs_importance;
            if (!differs(tensor, model_.tensors[i], forced_[i])) continue;
            trial.distance.tensors += 1;
            trial.distance.differing += model_.tensors[i].bytes;
        }
        return trial;
    }

    // Types of matrices, the most frequent first.
    std::vector<std::string> usual_types() const {
        std::map<std::string, size_t> counts;
        for (size_t i = 0; i < facts_.size(); ++i) {
            if (facts_[i].never == nullptr) ++counts[model_.tensors[i].type];
        }
        std::vector<std::pair<size_t, std::string>> order;
        order.reserve(counts.size());
        for (const auto& [type, count] : counts) order.emplace_back(count, type);
        std::sort(order.rbegin(), order.rend());
        std::vector<std::string> types;
        types.reserve(order.size());
        for (const auto& [count, type] : order) types.push_back(type);
        types.resize(std::min(types.size(), kDefaults));
        return types.empty() ? std::vector<std::string>{"keep"} : types;
    }

    static void take_shorter(ExtractedRecipe& best, ExtractedRecipe other) {
        if (cost_of(other.recipe.rules) < cost_of(best.recipe.rules)) best = std::move(other);
    }

    // A default and rules: always possible.
    ExtractedRecipe plain(const std::string& type) const {
        ExtractedRecipe extracted;
        extracted.recipe.default_type = type;
        extracted.recipe.rules = rules_against(extracted.recipe, false);
        return extracted;
    }

    // A preset and rules; nothing where its counters do not come to rest.
    std::optional<ExtractedRecipe> over(const Trial& trial) const {
        ExtractedRecipe extracted;
        Recipe& recipe = extracted.recipe;
        extracted.importance = trial.distance.importance;
        recipe.extends = trial.recipe->name;
        recipe.base = std::make_shared<const Recipe>(*trial.recipe);
        for (int round = 0; round < kRounds; ++round) {
            std::vector<Rule> more = rules_against(recipe, extracted.importance);
            if (more.empty() && any_importance_)
                more = rules_against(recipe, !extracted.importance);
            if (more.empty()) return extracted;
            recipe.rules.insert(recipe.rules.begin(), more.begin(), more.end());
        }
        return std::nullopt;
    }

    // What is missing for `recipe` to give each tensor the type it has.
    std::vector<Rule> rules_against(const Recipe& recipe, bool importance) const {
        const auto resolution = try_resolve(view_, recipe, importance);
        std::vector<TypeChange> changes;
        for (size_t i = 0; i < facts_.size(); ++i) {
            const std::string has = resolution ? resolution->tensors[i].type : "";
            const bool off =
                !resolution || differs(resolution->tensors[i], model_.tensors[i], forced_[i]);
            const std::string& type = model_.tensors[i].type;
            changes.push_back({facts_[i].role, facts_[i].layer, off ? "" : has, type, forced_[i]});
        }
        return repair_rules(changes, model_.layers);
    }

    const ModelHeader& model_;
    bool any_importance_;
    ModelView view_;
    const std::vector<TensorFacts>& facts_;
    std::vector<bool> forced_;
};

}  // namespace

ExtractedRecipe extract_recipe(const ModelHeader& model, bool any_importance) {
    return Extractor(model, any_importance).run();
}

}  // namespace bitgauge
