#include <algorithm>
#include <cmath>
#include <memory>

#include <fmt/format.h>

#include "bitgauge/cost.h"
#include "bitgauge/error.h"
#include "bitgauge/qtype.h"
#include "bitgauge/stats.h"

#include "base/units.h"
#include "cost/mix_items.h"

namespace bitgauge {
namespace {

constexpr uint64_t kNextBytes = 100U << 20U;
constexpr size_t kDearest = 12;

const TensorCost& cost_of(const SweepTable& table, const std::string& tensor) {
    const auto found = std::ranges::find(table.tensors, tensor, &TensorCost::tensor);
    if (found != table.tensors.end()) return *found;
    throw Error(ErrorKind::kInput, fmt::format("the sweep knows no tensor '{}'", tensor),
                "sweep this model");
}

double error_of(const TensorCost& tensor, const std::string& type) {
    const auto found = tensor.errors.find(type);
    if (found != tensor.errors.end()) return found->second;
    throw Error(ErrorKind::kInput,
                fmt::format("the sweep has no error for '{}' in {}", tensor.tensor, type),
                "sweep with importance (-i), or take another type");
}

}  // namespace

struct Mixer::State {
    ModelHeader model;
    SweepTable table;
    std::vector<Sensitivity> sensitivities;
    MixOptions options;
    Calibration calibration;
    MixItems items;
    std::unique_ptr<PlanFrontier> frontier;  // where size is the only limit

    bool only_size() const { return items.pools.empty() && !items.aim.worst_domain; }

    Mix mix_of(const std::vector<uint32_t>& choice) const {
        Mix mix;
        for (size_t i = 0; i < choice.size(); ++i) {
            for (const size_t member : items.members[i]) {
                mix[table.tensors[member].tensor] = items.items[i].options[choice[i]].type;
            }
        }
        return mix;
    }

    // Tensors by name and their sensitivities, for a mix.
    template <class Visit>
    void each(const Mix& mix, const Visit& visit) const {
        for (size_t i = 0; i < table.tensors.size(); ++i) {
            const auto found = mix.find(table.tensors[i].tensor);
            if (found == mix.end()) continue;
            visit(table.tensors[i], sensitivities[i], error_of(table.tensors[i], found->second),
                  found->second);
        }
    }

    double sum_of(const Mix& mix) const {
        double sum = 0;
        each(mix, [&](const TensorCost&, const Sensitivity& s, double error, const std::string&) {
            sum += s.nats_at(error);
        });
        return sum;
    }

    // The sum with an interval over the sweep's clusters.
    Estimate sum_estimate(const Mix& mix) const {
        std::vector<double> sums(table.cluster_tokens.size());
        double known = 0;
        each(mix, [&](const TensorCost&, const Sensitivity& s, double error, const std::string&) {
            const auto& anchor = s.anchor_near(error);
            const double nats = s.nats_at(error);
            if (anchor.cluster_sums.empty() || nats <= 0) return;
            known += nats;
            for (size_t c = 0; c < sums.size(); ++c) {
                sums[c] += anchor.cluster_sums[c] * nats / anchor.nats;
            }
        });
        const double sum = sum_of(mix);
        if (known <= 0) return {.value = sum};
        const Estimate mean = clustered_mean(sums, table.cluster_tokens);
        const double ratio = sum / mean.value;
        return {.value = sum, .low = mean.low * ratio, .high = mean.high * ratio};
    }

    std::vector<MixPlan::Share> dearest(const Mix& mix) const {
        std::vector<MixPlan::Share> shares;
        each(mix, [&](const TensorCost& tensor, const Sensitivity& s, double error,
                      const std::string& type) {
            shares.push_back({tensor.tensor, type, s.nats_at(error)});
        });
        std::ranges::sort(shares, std::ranges::greater(), &MixPlan::Share::nats);
        if (shares.size() > kDearest) shares.resize(kDearest);
        return shares;
    }

    std::vector<MixPlan::Upgrade> next(const PlanSolution& solution) const {
        const uint64_t more = std::min(kNextBytes, std::max<uint64_t>(solution.bytes / 100, 1));
        std::vector<MixPlan::Upgrade> upgrades;
        for (const PlanUpgrade& u : next_upgrades(items.items, solution, more, items.pools)) {
            const PlanItem& item = items.items[u.item];
            upgrades.push_back({item.name, item.options[u.from].type, item.options[u.to].type,
                                u.bytes, u.gain});
        }
        return upgrades;
    }

    MixPlan plan_of(const PlanSolution& solution) const {
        MixPlan plan{.mix = mix_of(solution.choice),
                     .file_bytes = solution.bytes + items.other_bytes,
                     .bound_gap = solution.gap};
        plan.sum = sum_of(plan.mix);
        plan.dearest = dearest(plan.mix);
        plan.next = next(solution);
        return plan;
    }
};

Mixer::Mixer(const ModelHeader& model, const SweepTable& table,
             std::vector<Sensitivity> sensitivities, const MixOptions& options,
             Calibration calibration) {
    auto state = std::make_shared<State>(State{.model = model,
                                               .table = table,
                                               .sensitivities = std::move(sensitivities),
                                               .options = options,
                                               .calibration = std::move(calibration)});
    state->items = mix_items(state->model, state->table, state->sensitivities, state->options);
    if (state->only_size()) {
        state->frontier =
            std::make_unique<PlanFrontier>(state->items.items, state->items.aim.weights);
    }
    state_ = std::move(state);
}

uint64_t Mixer::smallest_bytes() const {
    uint64_t bytes = state_->items.other_bytes;
    for (const PlanItem& item : state_->items.items) {
        bytes += std::ranges::min(item.options, {}, &PlanOption::bytes).bytes;
    }
    return bytes;
}

uint64_t Mixer::largest_bytes() const {
    uint64_t bytes = state_->items.other_bytes;
    for (const PlanItem& item : state_->items.items) {
        bytes += std::ranges::max(item.options, {}, &PlanOption::bytes).bytes;
    }
    return bytes;
}

MixPlan Mixer::for_bytes(uint64_t file_bytes) const {
    const State& s = *state_;
    if (file_bytes < smallest_bytes()) {
        throw Error(ErrorKind::kInput,
                    fmt::format("a file of {} cannot be had: the smallest is {}, the largest "
                                "useful {}",
                                format_bytes(file_bytes), format_bytes(smallest_bytes()),
                                format_bytes(largest_bytes())),
                    "ask for a size between them, or allow smaller types");
    }
    const uint64_t bytes = file_bytes - s.items.other_bytes;
    MixPlan plan = s.plan_of(s.frontier ? s.frontier->at(bytes)
                                        : plan_cost(s.items.items, {bytes, s.items.pools},
                                                    s.items.aim));
    plan.predicted_nats = predict(plan.mix);
    return plan;
}

MixPlan Mixer::for_divergence(double nats) const {
    const State& s = *state_;
    const double sum = s.calibration.sum_for(nats);
    MixPlan plan = s.plan_of(plan_size(s.items.items, sum, {.limits = s.items.pools}, s.items.aim));
    plan.predicted_nats = predict(plan.mix);
    return plan;
}

double Mixer::sum_of(const Mix& mix) const {
    return state_->sum_of(mix);
}

Estimate Mixer::predict(const Mix& mix) const {
    const Estimate sum = state_->sum_estimate(mix);
    const Calibration& c = state_->calibration;
    return {c.divergence(sum.value), c.divergence(sum.low), c.divergence(sum.high)};
}

uint64_t Mixer::bytes_of(const Mix& mix) const {
    uint64_t bytes = state_->items.other_bytes;
    for (const auto& [tensor, type] : mix) {
        bytes += padded_bytes(tensor_of(state_->model, tensor), type);
    }
    return bytes;
}

std::vector<Mixer::Point> Mixer::curve(size_t points) const {
    const State& s = *state_;
    std::vector<Point> curve;
    if (!s.frontier) return curve;
    const auto& steps = s.frontier->steps();
    const size_t every = std::max<size_t>(1, steps.size() / std::max<size_t>(points, 1));
    for (size_t i = 0; i < steps.size(); i += every) {
        curve.push_back({steps[i].bytes + s.items.other_bytes, s.calibration.divergence(steps[i].cost)});
    }
    return curve;
}

const std::vector<std::string>& planned_types() {
    static const std::vector<std::string> types{
        "q8_0",   "q6_K",   "q5_K",  "q5_1",  "q5_0",   "q4_K",  "q4_1",   "q4_0",    "iq4_nl", "iq4_xs",
        "mxfp4",  "q3_K",   "iq3_s", "iq3_xxs", "q2_K", "iq2_s", "iq2_xs", "iq2_xxs", "iq1_m",  "iq1_s"};
    return types;
}

}  // namespace bitgauge
