#include <algorithm>
#include <numeric>
#include <tuple>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"
#include "bitgauge/recipe.h"

#include "base/units.h"

#include "recipe/inheritance.h"
#include "recipe/matcher.h"
#include "recipe/never.h"
#include "recipe/recipe_toml.h"
#include "recipe/type_choice.h"

namespace bitgauge {
namespace {

constexpr uint64_t kAlignment = 32;  // GGUF_DEFAULT_ALIGNMENT

// "blk.3." at the very beginning, as llama.cpp's loader reads it; -1 elsewhere.
int64_t leading_layer(const TensorFacts& tensor) {
    return tensor.info->name.starts_with("blk.") ? tensor.layer.value_or(-1) : -1;
}

// What llama.cpp's loader sorts by, and what --keep-split sorts by.
bool is_loaded_before(const TensorFacts& a, const TensorFacts& b) {
    return std::pair<int64_t, const std::string&>(leading_layer(a), a.info->name) <
           std::pair<int64_t, const std::string&>(leading_layer(b), b.info->name);
}

bool is_stored_before(const TensorFacts& a, const TensorFacts& b) {
    return std::tie(a.info->shard, a.info->offset) < std::tie(b.info->shard, b.info->offset);
}

// Indexes into `tensors`. llama_model_quantize_impl() of llama.cpp's src/llama-quant.cpp.
std::vector<size_t> sorted_indexes(const std::vector<TensorFacts>& tensors, TensorOrder order) {
    const auto before = order == TensorOrder::kByLayer ? is_loaded_before : is_stored_before;
    std::vector<size_t> indexes(tensors.size());
    std::iota(indexes.begin(), indexes.end(), size_t{0});
    std::stable_sort(indexes.begin(), indexes.end(), [&tensors, before](size_t a, size_t b) {
        return before(tensors[a], tensors[b]);
    });
    return indexes;
}

// One recipe of the chain with its rules made ready and its counters.
struct Level {
    const Recipe* recipe = nullptr;
    std::map<std::string, std::vector<std::string>> sets;  // its own and those of what it extends
    std::vector<RuleMatcher> rules;
    std::vector<uint64_t> won;       // tensors per rule
    std::vector<std::string> texts;  // rule_text() of those that won, made once
    SetCounts counts;
};

// A rule and where it stands; both null: the default.
struct Winner {
    const Level* level = nullptr;
    const Rule* rule = nullptr;
};

class Resolver {
  public:
    Resolver(const ModelView& view, const Recipe& recipe, bool importance, TensorOrder order)
        : view_(view),
          model_(view.model),
          recipe_(recipe),
          importance_(importance),
          order_(order),
          values_(all_values(recipe)),
          default_(plain_type(default_type(recipe), values_)) {
        for (const Recipe* one : chain_of(recipe)) levels_.push_back(make_level(*one));
    }

    Resolution run() {
        Resolution resolution{.recipe = recipe_.name, .importance = importance_};
        resolution.tensors.resize(model_.tensors.size());
        for (const size_t i : sorted_indexes(view_.facts, order_)) {
            resolution.tensors[i] = resolve_one(view_.facts[i]);
        }
        check_rules(resolution.notes);
        note_fallen(resolution.notes);
        add_sizes(resolution);
        return resolution;
    }

  private:
    Level make_level(const Recipe& recipe) const {
        const QType* type = find_type(default_);
        const uint32_t row_block = type == nullptr ? 1 : type->block_weights;
        Level level{.recipe = &recipe,
                    .sets = all_sets(recipe),
                    .won = std::vector<uint64_t>(recipe.rules.size()),
                    .texts = std::vector<std::string>(recipe.rules.size())};
        for (const Rule& rule : recipe.rules) {
            level.rules.emplace_back(rule, level.sets, model_, importance_, row_block);
        }
        for (const auto& [name, patterns] : level.sets) {
            level.counts.before[name] = 0;
            level.counts.all[name] = members_of(patterns);
        }
        return level;
    }

    int64_t members_of(const std::vector<std::string>& patterns) const {
        return std::count_if(
            model_.tensors.begin(), model_.tensors.end(),
            [&patterns](const TensorInfo& one) { return matches_any(patterns, one.name); });
    }

    ResolvedTensor resolve_one(const TensorFacts& facts) {
        const Rule* never = facts.never;
        const Winner winner = find_winner(facts, never != nullptr);
        if (never == nullptr) count(facts, winner);
        if (never == nullptr && winner.level != levels_.data()) fallen_.push_back(facts.info->name);
        note_winner(winner);
        ResolvedTensor resolved = begin(facts);
        if (never != nullptr && winner.rule == nullptr) {
            resolved.rule = rule_text(*never);
            resolved.why = never->why;
            return resolved;
        }
        describe(winner, resolved);
        choose_type(written_type(winner), never != nullptr, resolved);
        return resolved;
    }

    void note_winner(const Winner& winner) {
        for (Level& level : levels_) {
            if (&level != winner.level) continue;
            const size_t i = index_of(winner);
            if (level.won[i]++ == 0) level.texts[i] = rule_text(with_plain_type(winner));
        }
    }

    static size_t index_of(const Winner& winner) {
        return static_cast<size_t>(winner.rule - winner.level->recipe->rules.data());
    }

    // "$up" is told as the type it stands for.
    Rule with_plain_type(const Winner& winner) const {
        Rule rule = *winner.rule;
        if (rule.type != "default") rule.type = written_type(winner);
        return rule;
    }

    // Rules that replace what follows wait until that is known; the last of them is asked first.
    Winner find_winner(const TensorFacts& facts, bool never) const {
        std::vector<Winner> waiting;
        Winner winner = first_match(facts, never, waiting);
        for (auto one = waiting.rbegin(); one != waiting.rend(); ++one) {
            if (replaces(*one->rule, winner)) winner = *one;
        }
        return winner;
    }

    // The first rule that matches and does not ask what follows; those before it that do are added
    // to `waiting`. Tensors that are never quantized heed only rules that are forced.
    Winner first_match(const TensorFacts& facts, bool never, std::vector<Winner>& waiting) const {
        for (const Level& level : levels_) {
            for (const RuleMatcher& matcher : level.rules) {
                const Rule& rule = matcher.rule();
                if (never && !rule.forced) continue;
                if (!matcher.matches(facts, level.counts)) continue;
                if (rule.replaces.empty()) return {&level, &rule};
                waiting.push_back({&level, &rule});
            }
        }
        return {};
    }

    bool replaces(const Rule& rule, const Winner& later) const {
        const QType* type = find_type(written_type(later));
        return std::any_of(rule.replaces.begin(), rule.replaces.end(),
                           [type](const std::string& name) { return find_type(name) == type; });
    }

    // "q4_K" or "keep".
    std::string written_type(const Winner& winner) const {
        if (winner.rule == nullptr || winner.rule->type == "default") return default_;
        return plain_type(winner.rule->type, values_);
    }

    // A tensor counts at each level that it reached: llama.cpp does not count those whose type a
    // --tensor-type decides. ik_llama.cpp does count those that a --custom-q decides.
    void count(const TensorFacts& facts, const Winner& winner) {
        for (Level& level : levels_) {
            for (const auto& [name, patterns] : level.sets) {
                if (matches_any(patterns, facts.info->name)) ++level.counts.before[name];
            }
            if (&level == winner.level && !winner.rule->counts) return;
        }
    }

    static ResolvedTensor begin(const TensorFacts& facts) {
        const TensorInfo& info = *facts.info;
        return {.name = info.name,
                .role = facts.role,
                .layer = static_cast<int32_t>(facts.layer.value_or(-1)),
                .shape = info.shape,
                .original = info.type,
                .wanted = info.type,
                .type = info.type,
                .kept = true,
                .weights = info.elements(),
                .bytes = info.bytes};
    }

    void describe(const Winner& winner, ResolvedTensor& resolved) const {
        if (winner.rule == nullptr) {
            resolved.recipe = recipe_.name;
            resolved.rule = "default";
            return;
        }
        resolved.recipe = winner.level->recipe->name;
        resolved.rule = winner.level->texts[index_of(winner)];
        resolved.why = winner.rule->why;
        resolved.line = winner.rule->line;
    }

    void choose_type(const std::string& written, bool never, ResolvedTensor& resolved) const {
        if (written == "keep") return;
        const QType& wanted = known_type(written);
        const QType& type = fitting_type(wanted, resolved.name, resolved.shape);
        resolved.kept = false;
        resolved.forced = never;
        resolved.wanted = wanted.name;
        resolved.type = type.name;
        resolved.bytes = tensor_bytes(type, resolved.shape);
        resolved.needs_importance = needs_importance(type, resolved);
    }

    // llama.cpp makes embeddings and output in any type without importance, if the type's encoder
    // can.
    bool needs_importance(const QType& type, const ResolvedTensor& tensor) const {
        if (type.encoder_needs_importance) return true;
        if (tensor.forced || is_embedding_or_output(tensor.name)) return false;
        if (type.needs_importance) return true;
        for (const Recipe* one : chain_of(recipe_)) {
            for (const std::string& other : one->importance_types) {
                if (find_type(other) == &type) return true;
            }
        }
        return false;
    }

    void check_rules(std::vector<std::string>& notes) const;
    void check_rule(const Level& level, const RuleMatcher& matcher) const;
    void note_fallen(std::vector<std::string>& notes) const;
    static void add_sizes(Resolution& resolution);

    const ModelView& view_;
    const ModelHeader& model_;
    const Recipe& recipe_;
    bool importance_;
    TensorOrder order_;
    std::map<std::string, std::string> values_;
    std::string default_;  // a type, or "keep"
    std::vector<Level> levels_;
    std::vector<std::string> fallen_;  // tensors that no rule of the recipe itself took
};

std::vector<std::string> roles_of(const ModelHeader& model) {
    std::vector<std::string> roles;
    for (const TensorInfo& tensor : model.tensors) roles.push_back(tensor_role(tensor.name));
    std::sort(roles.begin(), roles.end());
    roles.erase(std::unique(roles.begin(), roles.end()), roles.end());
    return roles;
}

// The nearest role that the model has to one the rule names and it has not.
std::string nearest_role(const Rule& rule, const ModelHeader& model) {
    const std::vector<std::string> roles = roles_of(model);
    for (const std::string& role : rule.roles) {
        const auto has = [&role](const std::string& one) { return matches_pattern(role, one); };
        if (std::none_of(roles.begin(), roles.end(), has)) return did_you_mean(role, roles);
    }
    return "";
}

// Only routed experts can match it.
bool asks_for_experts(const Rule& rule) {
    const bool by_role = !rule.roles.empty() && std::all_of(rule.roles.begin(), rule.roles.end(),
                                                            [](const std::string& role) {
                                                                return role.ends_with("_exps");
                                                            });
    return by_role || rule.expert == true;
}

[[noreturn]] void refuse_without_experts(const Recipe& recipe, const Rule& rule) {
    recipe_error(recipe.origin, rule.line,
                 fmt::format("it is for models with experts, and this one has none: the rule '{}' "
                             "matches no tensor",
                             rule_text(rule)),
                 "choose one for dense models; 'bitgauge recipe list' names the presets");
}

// Rules that decided nothing: a mistake where no tensor could ever match, else worth a word.
void Resolver::check_rules(std::vector<std::string>& notes) const {
    for (const Level& level : levels_) {
        for (size_t i = 0; i < level.rules.size(); ++i) {
            const Rule& rule = level.rules[i].rule();
            if (rule.optional || level.won[i] > 0) continue;
            check_rule(level, level.rules[i]);
            notes.push_back(fmt::format(
                "{}{}: the rule '{}' decides nothing: rules before it do{}", level.recipe->origin,
                rule.line > 0 ? fmt::format(" line {}", rule.line) : "", rule_text(rule),
                level.rules[i].counts() ? ", or no count is in 'layer'" : ""));
        }
    }
}

void Resolver::check_rule(const Level& level, const RuleMatcher& matcher) const {
    const Rule& rule = matcher.rule();
    bool never = false;
    for (const TensorFacts& facts : view_.facts) {
        if (!matcher.could_match(facts)) continue;
        if (rule.forced || facts.never == nullptr) return;
        never = true;
    }
    if (never) {
        recipe_error(level.recipe->origin, rule.line,
                     fmt::format("the rule '{}' matches only tensors that are never quantized",
                                 rule_text(rule)),
                     "add force = true to the rule to have it so");
    }
    if (model_.experts == 0 && asks_for_experts(rule)) refuse_without_experts(*level.recipe, rule);
    recipe_error(level.recipe->origin, rule.line,
                 fmt::format("the rule '{}' matches no tensor of this model{}", rule_text(rule),
                             nearest_role(rule, model_)),
                 "say optional = true where that is meant");
}

// Rules of a --custom-q: ik_llama.cpp has its own mixture for what they leave.
void Resolver::note_fallen(std::vector<std::string>& notes) const {
    const bool of_ik = std::any_of(recipe_.rules.begin(), recipe_.rules.end(),
                                   [](const Rule& rule) { return rule.counts; });
    if (!of_ik || fallen_.empty()) return;
    const std::string given =
        recipe_.base == nullptr ? default_ : fmt::format("llama.cpp's {}", recipe_.base->name);
    notes.push_back(
        fmt::format("{}: no rule takes {}: they get {}, for ik_llama.cpp's own mixture "
                    "is not known here",
                    recipe_.origin, some_of(fallen_), given));
}

void Resolver::add_sizes(Resolution& resolution) {
    for (const ResolvedTensor& tensor : resolution.tensors) {
        resolution.tensor_bytes += tensor.bytes;
        resolution.file_bytes += (tensor.bytes + kAlignment - 1) / kAlignment * kAlignment;
        resolution.weights += tensor.weights;
    }
}

}  // namespace

const ResolvedTensor* Resolution::find(std::string_view tensor) const {
    const auto at =
        std::find_if(tensors.begin(), tensors.end(),
                     [tensor](const ResolvedTensor& one) { return one.name == tensor; });
    return at == tensors.end() ? nullptr : &*at;
}

Resolution resolve_view(const ModelView& view, const Recipe& recipe, bool importance,
                        TensorOrder order) {
    Resolution resolution = Resolver(view, recipe, importance, order).run();
    resolution.file_bytes += view.model.other_bytes;
    return resolution;
}

Resolution resolve(const ModelHeader& model, const Recipe& recipe, bool importance,
                   TensorOrder order) {
    return resolve_view(ModelView(model), recipe, importance, order);
}

void require_importance(const Resolution& resolution, const std::string& hint) {
    if (resolution.importance) return;
    std::vector<std::string> needy;
    std::string type;
    for (const ResolvedTensor& tensor : resolution.tensors) {
        if (!tensor.needs_importance) continue;
        if (needy.empty()) type = tensor.type;
        needy.push_back(tensor.name);
    }
    if (needy.empty()) return;
    throw Error(ErrorKind::kInput,
                fmt::format("{} cannot be made without importance, and none was given: {}", type,
                            some_of(needy)),
                hint);
}

}  // namespace bitgauge
