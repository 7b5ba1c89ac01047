#include "recipe/repair.h"

#include <algorithm>
#include <array>
#include <set>

#include "recipe/terms.h"

namespace bitgauge {
namespace {

using Kind = LayerTerm::Kind;

constexpr std::array kNamedParts = {
    LayerTerm{Kind::kMoreBits, 0, 0},   LayerTerm{Kind::kFirstPart, 1, 2},
    LayerTerm{Kind::kFirstPart, 1, 4},  LayerTerm{Kind::kFirstPart, 1, 8},
    LayerTerm{Kind::kFirstPart, 1, 16}, LayerTerm{Kind::kLastPart, 1, 2},
    LayerTerm{Kind::kLastPart, 1, 4},   LayerTerm{Kind::kLastPart, 1, 8},
    LayerTerm{Kind::kMiddlePart, 1, 2}, LayerTerm{Kind::kMiddlePart, 3, 4},
};

// Ranges may run over layers that the role does not have.
std::vector<LayerTerm> ranges_of(const std::vector<int64_t>& wanted,
                                 const std::vector<int64_t>& all) {
    std::vector<LayerTerm> ranges;
    const std::set<int64_t> chosen(wanted.begin(), wanted.end());
    bool open = false;
    for (const int64_t layer : all) {
        if (!chosen.contains(layer)) {
            open = false;
        } else if (open) {
            ranges.back().b = layer;
        } else {
            ranges.push_back({Kind::kRange, layer, layer});
            open = true;
        }
    }
    return ranges;
}

bool is_exactly(const LayerTerm& term, const std::vector<int64_t>& wanted,
                const std::vector<int64_t>& all, int64_t layers) {
    const std::set<int64_t> chosen(wanted.begin(), wanted.end());
    return std::all_of(all.begin(), all.end(), [&](int64_t layer) {
        return term.holds(layer, layers) == chosen.contains(layer);
    });
}

// One role's tensors.
struct Role {
    std::string name;
    std::vector<const TypeChange*> tensors;
    std::vector<int64_t> layers;  // sorted

    std::vector<int64_t> layers_with(const std::string& type) const {
        std::vector<int64_t> with;
        for (const TypeChange* one : tensors) {
            if (one->to == type && one->layer) with.push_back(*one->layer);
        }
        std::sort(with.begin(), with.end());
        return with;
    }
};

std::vector<Role> by_role(const std::vector<TypeChange>& changes) {
    std::map<std::string, Role> roles;
    for (const TypeChange& change : changes) {
        Role& role = roles[change.role];
        role.name = change.role;
        role.tensors.push_back(&change);
        if (change.layer) role.layers.push_back(*change.layer);
    }
    std::vector<Role> all;
    for (auto& [name, role] : roles) {
        std::sort(role.layers.begin(), role.layers.end());
        all.push_back(std::move(role));
    }
    return all;
}

Rule rule_for(const Role& role, const std::string& type, std::vector<LayerTerm> layers) {
    Rule rule;
    rule.roles = {role.name};
    rule.layers = std::move(layers);
    rule.type = type;
    rule.forced = role.tensors.front()->forced;
    return rule;
}

std::set<std::string> types_of(const Role& role, bool only_changed) {
    std::set<std::string> types;
    for (const TypeChange* one : role.tensors) {
        if (!only_changed || one->from != one->to) types.insert(one->to);
    }
    return types;
}

// The type that most tensors of the role have.
std::string usual_type(const Role& role) {
    std::map<std::string, size_t> counts;
    for (const TypeChange* one : role.tensors) ++counts[one->to];
    return std::max_element(counts.begin(), counts.end(),
                            [](const auto& a, const auto& b) { return a.second < b.second; })
        ->first;
}

// Every type but the usual one by its layers, then the role as a whole.
std::vector<Rule> whole_role(const Role& role, int64_t layers) {
    std::vector<Rule> rules;
    const std::string usual = usual_type(role);
    for (const std::string& type : types_of(role, false)) {
        if (type == usual) continue;
        rules.push_back(
            rule_for(role, type, name_layers(role.layers_with(type), role.layers, layers)));
    }
    rules.push_back(rule_for(role, usual, {}));
    return rules;
}

// Only the types that some tensor is to be changed to.
std::vector<Rule> exceptions(const Role& role, int64_t layers) {
    std::vector<Rule> rules;
    for (const std::string& type : types_of(role, true)) {
        rules.push_back(
            rule_for(role, type, name_layers(role.layers_with(type), role.layers, layers)));
    }
    return rules;
}

std::vector<Rule> rules_of(const Role& role, int64_t layers) {
    const bool changed = std::any_of(role.tensors.begin(), role.tensors.end(),
                                     [](const TypeChange* one) { return one->from != one->to; });
    if (!changed) return {};
    std::vector<Rule> whole = whole_role(role, layers);
    if (role.layers.empty()) return whole;
    std::vector<Rule> parts = exceptions(role, layers);
    return cost_of(whole) <= cost_of(parts) ? whole : parts;
}

bool same_but_roles(const Rule& a, const Rule& b) {
    const auto texts = [](const Rule& rule) {
        std::vector<std::string> all;
        for (const LayerTerm& term : rule.layers) all.push_back(text_of(term));
        return all;
    };
    return a.type == b.type && a.forced == b.forced && texts(a) == texts(b);
}

// Rules that differ in their role alone become one. Those with layers come first: a role's
// exceptions must stand before the role as a whole.
std::vector<Rule> merged(const std::vector<Rule>& rules) {
    std::vector<Rule> out;
    for (const Rule& rule : rules) {
        const auto same = std::find_if(out.begin(), out.end(), [&rule](const Rule& other) {
            return same_but_roles(rule, other);
        });
        if (same == out.end()) {
            out.push_back(rule);
        } else {
            same->roles.insert(same->roles.end(), rule.roles.begin(), rule.roles.end());
        }
    }
    std::stable_partition(out.begin(), out.end(),
                          [](const Rule& rule) { return !rule.layers.empty(); });
    return out;
}

}  // namespace

std::vector<LayerTerm> name_layers(const std::vector<int64_t>& wanted,
                                   const std::vector<int64_t>& all, int64_t layers) {
    std::vector<LayerTerm> ranges = ranges_of(wanted, all);
    if (ranges.size() <= 1) return ranges;
    for (const LayerTerm& part : kNamedParts) {
        if (is_exactly(part, wanted, all, layers)) return {part};
    }
    return ranges;
}

std::vector<Rule> repair_rules(const std::vector<TypeChange>& changes, int64_t layers) {
    std::vector<Rule> rules;
    for (const Role& role : by_role(changes)) {
        const std::vector<Rule> some = rules_of(role, layers);
        rules.insert(rules.end(), some.begin(), some.end());
    }
    return merged(rules);
}

int64_t cost_of(const std::vector<Rule>& rules) {
    int64_t cost = 0;
    for (const Rule& rule : rules) {
        cost += 10 + std::max<int64_t>(std::ssize(rule.roles) - 1, 0) +
                std::max<int64_t>(std::ssize(rule.layers) - 1, 0);
    }
    return cost;
}

}  // namespace bitgauge
