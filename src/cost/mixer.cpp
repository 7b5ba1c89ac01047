#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include <fmt/format.h>

#include "bitgauge/cost.h"
#include "bitgauge/error.h"
#include "bitgauge/stats.h"

#include "base/units.h"

#include "cost/disturbance.h"
#include "cost/mix_items.h"
#include "cost/mix_search.h"

namespace bitgauge {
namespace {

constexpr uint64_t kNextBytes = 100U << 20U;
constexpr size_t kDearest = 12;

double error_of(const TensorCost& tensor, const std::string& type) {
    const auto found = tensor.errors.find(type);
    if (found != tensor.errors.end()) return found->second;
    throw Error(ErrorKind::kInput,
                fmt::format("the sweep has no error for '{}' in {}", tensor.tensor, type),
                "sweep with importance (-i), or take another type");
}

}  // namespace

struct Mixer::State {
    SweepTable table;
    std::vector<Sensitivity> sensitivities;
    Calibration calibration;
    MixItems items;
    MixSeconds seconds;
    std::unique_ptr<MixSearch> search;

    Mix mix_of(const std::vector<uint32_t>& choice) const {
        Mix mix;
        for (size_t i = 0; i < choice.size(); ++i) {
            for (const size_t member : items.members[i]) {
                mix[table.tensors[member].tensor] = items.items[i].options[choice[i]].type;
            }
        }
        return mix;
    }

    // Index of each of the mix' tensors in the table, with its error.
    template <class Visit>
    void each(const Mix& mix, const Visit& visit) const {
        for (size_t i = 0; i < table.tensors.size(); ++i) {
            const auto found = mix.find(table.tensors[i].tensor);
            if (found != mix.end()) visit(i, error_of(table.tensors[i], found->second));
        }
    }

    // Costs are seconds; pools are left out.
    std::vector<PlanItem> items_by_time() const {
        std::vector<PlanItem> timed = items.items;
        for (size_t i = 0; i < timed.size(); ++i) {
            for (PlanOption& option : timed[i].options) {
                double sum = 0;
                for (const size_t member : items.members[i]) {
                    sum += find_seconds(seconds, table.tensors[member].tensor, option.type).value();
                }
                option.cost = {sum};
                option.use.clear();
            }
        }
        return timed;
    }

    std::vector<Disturbed> parts_of(const Mix& mix) const {
        std::vector<Disturbed> parts(table.tensors.size());
        each(mix, [&](size_t i, double error) { parts[i] = disturbed(sensitivities[i], error); });
        return parts;
    }

    double disturbance(const Mix& mix) const { return joined(parts_of(mix), calibration.norm); }

    // What each tensor adds to D, to first order.
    std::vector<double> shares(const Mix& mix) const {
        const auto parts = parts_of(mix);
        double power = 0;
        for (const Disturbed& part : parts) power += std::pow(part.switching, calibration.norm);
        const double slope = power > 0 ? std::pow(power, 1 / calibration.norm - 1) : 0;
        std::vector<double> nats;
        nats.reserve(parts.size());
        for (const Disturbed& part : parts) {
            nats.push_back(part.smooth + slope * std::pow(part.switching, calibration.norm));
        }
        return nats;
    }

    // D with an interval over the sweep's clusters: each tensor's share goes as its clusters do.
    Estimate estimate(const Mix& mix) const {
        const std::vector<double> nats = shares(mix);
        std::vector<double> sums(table.cluster_tokens.size());
        each(mix, [&](size_t i, double error) {
            const auto& anchor = sensitivities[i].anchor_near(error);
            for (size_t c = 0; c < anchor.cluster_sums.size(); ++c) {
                sums[c] += nats[i] / anchor.nats * anchor.cluster_sums[c];
            }
        });
        const double whole = disturbance(mix);
        const Estimate mean = clustered_mean(sums, table.cluster_tokens);
        if (!(mean.value > 0)) return {.value = whole};
        return {whole, mean.low / mean.value * whole, mean.high / mean.value * whole};
    }

    Estimate predict(const Mix& mix) const {
        const Estimate d = estimate(mix);
        if (!d.has_interval()) return {.value = calibration.divergence(d.value)};
        return {calibration.divergence(d.value), calibration.divergence(d.low),
                calibration.divergence(d.high)};
    }

    std::vector<MixPlan::Share> dearest(const Mix& mix) const {
        const std::vector<double> nats = shares(mix);
        std::vector<MixPlan::Share> all;
        each(mix, [&](size_t i, double) {
            all.push_back({table.tensors[i].tensor, mix.at(table.tensors[i].tensor), nats[i]});
        });
        std::ranges::sort(all, std::ranges::greater(), &MixPlan::Share::nats);
        if (all.size() > kDearest) all.resize(kDearest);
        return all;
    }

    std::vector<MixPlan::Upgrade> next(const FoundMix& found) const {
        const uint64_t more = std::min(kNextBytes, std::max<uint64_t>(found.bytes / 100, 1));
        std::vector<MixPlan::Upgrade> upgrades;
        for (const PlanUpgrade& u : search->upgrades(found, more)) {
            const PlanItem& item = items.items[u.item];
            upgrades.push_back(
                {item.name, item.options[u.from].type, item.options[u.to].type, u.bytes, u.gain});
        }
        return upgrades;
    }

    MixPlan plan_of(const FoundMix& found, const ExactSize& exact) const {
        MixPlan plan{.mix = mix_of(found.choice),
                     .file_bytes = found.bytes + items.other_bytes,
                     .bound_gap = found.gap};
        if (exact) plan.file_bytes = exact(plan.mix);
        return plan;
    }

    void tell(MixPlan& plan, const FoundMix& found) const {
        plan.disturbance = disturbance(plan.mix);
        plan.predicted_nats = predict(plan.mix);
        plan.dearest = dearest(plan.mix);
        plan.next = next(found);
    }
};

Mixer::Mixer(const ModelHeader& model, const SweepTable& table,
             const std::vector<Sensitivity>& sensitivities, const MixOptions& options,
             const Calibration& calibration) {
    auto state = std::make_shared<State>(
        State{.table = table,
              .sensitivities = sensitivities,
              .calibration = calibration,
              .items = mix_items(model, table, sensitivities, options, calibration.norm),
              .seconds = options.seconds});
    state->search = std::make_unique<MixSearch>(state->items, calibration.norm);
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

MixPlan Mixer::for_bytes(uint64_t file_bytes, const ExactSize& exact) const {
    const State& s = *state_;
    const uint64_t smallest = smallest_bytes();
    const auto refuse = [&](uint64_t fewest) {
        throw Error(ErrorKind::kInput,
                    fmt::format("a file of {} cannot be had: the smallest has {}, the largest {}",
                                format_bytes(file_bytes), format_bytes(fewest),
                                format_bytes(largest_bytes())),
                    "ask for a size between them, or allow smaller types");
    };
    if (file_bytes < smallest) refuse(smallest);
    uint64_t target = file_bytes;
    for (uint64_t stride = 1;; stride *= 2) {  // until the file with all its keys is small enough
        const FoundMix found = s.search->for_bytes(target - s.items.other_bytes);
        MixPlan plan = s.plan_of(found, exact);
        if (plan.file_bytes <= file_bytes) {
            s.tell(plan, found);
            return plan;
        }
        if (target == smallest) refuse(plan.file_bytes);
        target -= std::min(stride * (plan.file_bytes - file_bytes), target - smallest);
    }
}

MixPlan Mixer::for_divergence(double nats, const ExactSize& exact) const {
    const State& s = *state_;
    uint64_t below = smallest_bytes(), enough = largest_bytes();
    const auto divergence_at = [&](uint64_t bytes) {
        const FoundMix found = s.search->for_bytes(bytes - s.items.other_bytes);
        return s.calibration.divergence(s.disturbance(s.mix_of(found.choice)));
    };
    if (const double least = divergence_at(enough); least > nats) {
        throw Error(ErrorKind::kInput,
                    fmt::format("no file has a divergence of {:.3g} nats or less: the largest, of "
                                "{}, has {:.3g}",
                                nats, format_bytes(enough), least),
                    "ask for more nats, or allow larger types");
    }
    if (divergence_at(below) <= nats) enough = below;
    while (enough - below > std::max<uint64_t>(enough / 10000, 32)) {
        const uint64_t half = below + (enough - below) / 2;
        (divergence_at(half) <= nats ? enough : below) = half;
    }
    const FoundMix found = s.search->for_bytes(enough - s.items.other_bytes);
    MixPlan plan = s.plan_of(found, exact);
    s.tell(plan, found);
    return plan;
}

double Mixer::seconds(const Mix& mix) const {
    double sum = 0;
    for (const auto& [tensor, type] : mix) {
        sum += find_seconds(state_->seconds, tensor, type)
                   .value_or(std::numeric_limits<double>::quiet_NaN());
    }
    return sum;
}

double Mixer::fewest_seconds(uint64_t file_bytes) const {
    return plan_cost(state_->items_by_time(), {file_bytes - state_->items.other_bytes, {}}).cost;
}

double Mixer::disturbance(const Mix& mix) const {
    return state_->disturbance(mix);
}

Estimate Mixer::predict(const Mix& mix) const {
    return state_->predict(mix);
}

std::vector<Mixer::Point> Mixer::curve(size_t points) const {
    const State& s = *state_;
    const double smallest = std::log(static_cast<double>(smallest_bytes()));
    const double largest = std::log(static_cast<double>(largest_bytes()));
    std::vector<Point> curve;
    for (size_t i = 0; i < points; ++i) {
        const double share =
            static_cast<double>(i) / static_cast<double>(std::max<size_t>(points, 2) - 1);
        const auto bytes =
            static_cast<uint64_t>(std::ceil(std::exp(smallest + share * (largest - smallest)) + 1));
        const FoundMix found = s.search->for_bytes(bytes - s.items.other_bytes);
        curve.push_back({found.bytes + s.items.other_bytes,
                         s.calibration.divergence(s.disturbance(s.mix_of(found.choice)))});
    }
    return curve;
}

const std::vector<std::string>& planned_types() {
    static const std::vector<std::string> types{"q8_0",  "q6_K",   "q5_K",    "q5_1",    "q5_0",
                                                "q4_K",  "q4_1",   "q4_0",    "iq4_nl",  "iq4_xs",
                                                "mxfp4", "q3_K",   "iq3_s",   "iq3_xxs", "q2_K",
                                                "iq2_s", "iq2_xs", "iq2_xxs", "iq1_m",   "iq1_s"};
    return types;
}

}  // namespace bitgauge
