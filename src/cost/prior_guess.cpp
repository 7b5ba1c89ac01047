#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "bitgauge/prior.h"

namespace bitgauge {
namespace {

constexpr double kAnchor = 0.025;  // error at which a guessed tensor's nats are told

// What embeddings cost over what the head costs, where both are there: the geometric mean of the
// shipped models, 1/14 to 1/5.
constexpr double kEmbeddingOverHead = 1.0 / 7;

// All tensors of a role in one model.
struct RoleSize {
    double tensors = 0;
    double weights = 0;
};
using RoleSizes = std::map<std::string, RoleSize>;

// What all tensors of a role come to; switching joins as a p-norm.
struct RoleSum {
    double smooth = 0, switching = 0;
};

bool is_routed(const std::string& role) {
    return role.ends_with("_exps");
}

RoleSizes sizes_of(const std::vector<TensorCost>& tensors) {
    RoleSizes sizes;
    for (const TensorCost& tensor : tensors) {
        sizes[tensor.role].tensors += 1;
        sizes[tensor.role].weights += static_cast<double>(tensor.weights);
    }
    return sizes;
}

double weights_of(const Prior& prior) {
    double weights = 0;
    for (const auto& [name, role] : prior.roles) weights += static_cast<double>(role.weights);
    return weights;
}

double weights_of(const RoleSizes& sizes) {
    double weights = 0;
    for (const auto& [name, size] : sizes) weights += size.weights;
    return weights;
}

// Between a and b, w of b: on the logarithm where both are above 0.
double mean(double a, double b, double w) {
    if (a > 0 && b > 0) return std::exp((1 - w) * std::log(a) + w * std::log(b));
    return (1 - w) * a + w * b;
}

PriorPoint at_depth(const std::vector<PriorPoint>& curve, double depth) {
    const auto after = std::ranges::lower_bound(curve, depth, {}, &PriorPoint::depth);
    const PriorPoint& b = after == curve.end() ? curve.back() : *after;
    const PriorPoint& a = after == curve.begin() ? curve.front() : *(after - 1);
    const double gap = b.depth - a.depth;
    const double w = gap > 0 ? std::clamp((depth - a.depth) / gap, 0.0, 1.0) : 0;
    return {depth, mean(a.smooth, b.smooth, w), mean(a.switching, b.switching, w)};
}

Sensitivity of_parts(double smooth, double switching) {
    Sensitivity s{.smooth = smooth, .switching = switching, .source = Sensitivity::Source::kPrior};
    s.anchors.push_back({.error = kAnchor, .nats = s.nats_at(kAnchor)});
    return s;
}

class Guess {
  public:
    Guess(const Prior& prior, const std::vector<TensorCost>& tensors)
        : prior_(prior), sizes_(sizes_of(tensors)) {
        int32_t last = 1;
        for (const TensorCost& tensor : tensors) last = std::max(last, tensor.layer);
        deepest_ = last;
    }

    Sensitivity of(const TensorCost& tensor) const {
        const double depth = std::max(tensor.layer, 0) / deepest_;
        const double tensors = sizes_.at(tensor.role).tensors;
        if (const auto known = known_roles(tensor.role); !known.empty()) {
            RoleSum sum;
            for (const auto& [role, part] : known) {
                const PriorPoint point = at_depth(role->curve, depth);
                const double more = static_cast<double>(role->tensors) / tensors;
                sum.smooth += part * point.smooth * more;
                sum.switching +=
                    part * point.switching * std::pow(more, 1 / prior_.calibration.norm);
            }
            return of_parts(sum.smooth, sum.switching);
        }
        const RoleSum sum = unknown_role(tensor.role);
        return of_parts(sum.smooth / tensors,
                        sum.switching / std::pow(tensors, 1 / prior_.calibration.norm));
    }

    std::vector<std::string> unknown_roles() const {
        std::vector<std::string> names;
        for (const auto& [name, size] : sizes_) {
            if (known_roles(name).empty()) names.push_back(name);
        }
        return names;
    }

  private:
    const PriorRole* find(const std::string& role) const {
        const auto found = prior_.roles.find(role);
        return found == prior_.roles.end() ? nullptr : &found->second;
    }

    // Those whose costs, and what part of them, a tensor of `role` has. Empty: the prior knows
    // none.
    std::vector<std::pair<const PriorRole*, double>> known_roles(const std::string& role) const {
        const PriorRole *embedding = find("token_embd"), *head = find("output");
        const bool tied = !sizes_.contains("output"), prior_tied = head == nullptr;
        if (embedding != nullptr && tied != prior_tied) {
            if (role == "token_embd" && tied) return {{embedding, 1}, {head, 1}};
            if (role == "token_embd") return {{embedding, kEmbeddingOverHead}};
            if (role == "output") return {{embedding, 1}};
        }
        const PriorRole* same = find(role);
        if (same == nullptr) return {};
        return {{same, 1}};
    }

    RoleSum sum_of(const PriorRole& role) const {
        double smooth = 0, power = 0;
        for (const PriorPoint& point : role.curve) {
            smooth += point.smooth;
            power += std::pow(point.switching, prior_.calibration.norm);
        }
        const double more =
            static_cast<double>(role.tensors) / static_cast<double>(role.curve.size());
        return {smooth * more, std::pow(power * more, 1 / prior_.calibration.norm)};
    }

    // Geometric mean, over the prior's roles of its kind, of what a role's share of the weights
    // costs; of all roles where there is none of its kind.
    RoleSum unknown_role(const std::string& role) const {
        const bool routed = is_routed(role);
        const bool has_kind = std::ranges::any_of(
            prior_.roles, [&](const auto& one) { return is_routed(one.first) == routed; });
        const double all = weights_of(prior_), share = sizes_.at(role).weights / weights_of(sizes_);
        double log_nats = 0, switching = 0, smooth = 0, n = 0;
        for (const auto& [name, known] : prior_.roles) {
            if (has_kind && is_routed(name) != routed) continue;
            const RoleSum sum = sum_of(known);
            const double per_share = all / static_cast<double>(known.weights);
            const double nats = of_parts(sum.smooth, sum.switching).anchors[0].nats;
            log_nats += std::log(nats * per_share);
            smooth += sum.smooth / nats;
            switching += sum.switching / nats;
            n += 1;
        }
        const double nats = std::exp(log_nats / n) * share;
        return {nats * smooth / n, nats * switching / n};
    }

    const Prior& prior_;
    RoleSizes sizes_;
    double deepest_ = 1;
};

}  // namespace

std::vector<TensorCost> quantized_tensors(const ModelHeader& model) {
    const Recipe uniform{.name = "uniform", .default_type = "q8_0"};
    std::vector<TensorCost> tensors;
    for (const ResolvedTensor& tensor : resolve(model, uniform, true).tensors) {
        if (tensor.kept) continue;
        tensors.push_back({.tensor = tensor.name,
                           .role = tensor.role,
                           .layer = tensor.layer,
                           .weights = tensor.weights});
    }
    return tensors;
}

GuessedSensitivities guess_sensitivities(const Prior& prior,
                                         const std::vector<TensorCost>& tensors) {
    const Guess guess(prior, tensors);
    GuessedSensitivities guessed{.unknown_roles = guess.unknown_roles()};
    for (const TensorCost& tensor : tensors) guessed.sensitivities.push_back(guess.of(tensor));
    return guessed;
}

}  // namespace bitgauge
