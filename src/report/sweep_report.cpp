// The numbers of a sweep's page.

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "bitgauge/qtype.h"
#include "bitgauge/report.h"

#include "base/units.h"

#include "cost/disturbance.h"

namespace bitgauge {
namespace {

constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();
constexpr double kUsualError = 0.02;    // near which tensors are compared with each other
constexpr const char* kUsual = "q4_K";  // by whose bits they are compared per GiB

// A tensor with an error, as part of a mix.
struct Part {
    const Sensitivity* sensitivity = nullptr;
    double error = 0;
};

// --- D of several tensors, with its interval -----------------------------------------------------

std::vector<Disturbed> disturbed_of(const std::vector<Part>& parts) {
    std::vector<Disturbed> all;
    all.reserve(parts.size());
    for (const Part& part : parts) all.push_back(disturbed(*part.sensitivity, part.error));
    return all;
}

// What each adds to D, to first order.
std::vector<double> shares_of(const std::vector<Disturbed>& all, double norm) {
    double power = 0;
    for (const Disturbed& one : all) power += std::pow(one.switching, norm);
    const double slope = power > 0 ? std::pow(power, 1 / norm - 1) : 0;
    std::vector<double> nats;
    nats.reserve(all.size());
    for (const Disturbed& one : all) {
        nats.push_back(one.smooth + slope * std::pow(one.switching, norm));
    }
    return nats;
}

// Each tensor's share goes as its clusters do. No interval where one has no clusters.
Estimate clustered(double whole, const std::vector<Part>& parts, const std::vector<double>& shares,
                   const std::vector<double>& cluster_tokens) {
    std::vector<double> sums(cluster_tokens.size());
    for (size_t i = 0; i < parts.size(); ++i) {
        if (shares[i] == 0) continue;
        const auto& anchor = parts[i].sensitivity->anchor_near(parts[i].error);
        if (anchor.cluster_sums.size() != sums.size()) return {.value = whole};
        for (size_t c = 0; c < sums.size(); ++c) {
            sums[c] += shares[i] / anchor.nats * anchor.cluster_sums[c];
        }
    }
    const Estimate mean = clustered_mean(sums, cluster_tokens);
    if (!(mean.value > 0)) return {.value = whole};
    return {whole, mean.low / mean.value * whole, mean.high / mean.value * whole};
}

Estimate joined_estimate(const std::vector<Part>& parts, const std::vector<double>& cluster_tokens,
                         double norm) {
    const std::vector<Disturbed> all = disturbed_of(parts);
    return clustered(joined(all, norm), parts, shares_of(all, norm), cluster_tokens);
}

Estimate calibrated(const Calibration& calibration, const Estimate& d) {
    if (!d.has_interval()) return {.value = calibration.divergence(d.value)};
    return {calibration.divergence(d.value), calibration.divergence(d.low),
            calibration.divergence(d.high)};
}

// --- types ---------------------------------------------------------------------------------------

double bits_of(const std::string& type) {
    const QType* found = find_type(type);
    return found == nullptr ? kNoNumber : found->bits_per_weight();
}

uint64_t bytes_of(uint64_t weights, const std::string& type) {
    return find_type(type)->row_bytes(weights);  // rows are whole blocks
}

// The type without error that has the fewest bits; "" where the sweep has none.
std::string original_type(const TensorCost& tensor) {
    std::string own;
    for (const auto& [type, error] : tensor.errors) {
        if (error > 0 || std::isnan(bits_of(type))) continue;
        if (own.empty() || bits_of(type) < bits_of(own)) own = type;
    }
    return own;
}

uint64_t original_bytes(const TensorCost& tensor) {
    const std::string own = original_type(tensor);
    return own.empty() ? 0 : bytes_of(tensor.weights, own);
}

// Those with an error, most bits first.
std::vector<std::string> lossy_types(const TensorCost& tensor) {
    std::vector<std::string> types;
    for (const auto& [type, error] : tensor.errors) {
        if (error > 0 && !std::isnan(bits_of(type))) types.push_back(type);
    }
    std::ranges::stable_sort(types, std::ranges::greater(), bits_of);
    return types;
}

// The type whose bits are nearest to the usual one's: the one with the smaller error of two.
std::string usual_type(const TensorCost& tensor) {
    const auto worth = [&](const std::string& type) {
        return std::pair(std::abs(bits_of(type) - bits_of(kUsual)), tensor.errors.at(type));
    };
    const std::vector<std::string> types = lossy_types(tensor);
    const auto best = std::ranges::min_element(types, {}, worth);
    return best == types.end() ? "" : *best;
}

// --- the report ----------------------------------------------------------------------------------

using Members = std::vector<size_t>;  // indices into the sweep's tensors

class Builder {
  public:
    explicit Builder(SweepTable sweep)
        : report_(std::move(sweep)), found_(sensitivities(report_.sweep)) {
        report_.calibration = calibrate(table(), found_);
        for (size_t i = 0; i < table().tensors.size(); ++i) {
            members_[table().tensors[i].role].push_back(i);
        }
    }

    SweepReport built() {
        for (const auto& [name, members] : members_) report_.roles.push_back(role_of(name));
        std::ranges::stable_sort(report_.roles, std::ranges::greater(),
                                 &SweepReport::Role::weights);
        for (size_t i = 0; i < found_.size(); ++i) report_.tensors.push_back(tensor_of(i));
        std::ranges::stable_sort(report_.tensors, dearer);
        for (const MeasuredMix& mix : table().mixes) {
            if (!mix.probes_text) add_mix(mix);  // those tie the texts together, nothing else
        }
        return std::move(report_);
    }

  private:
    const SweepTable& table() const { return report_.sweep; }

    // --- roles and types

    Estimate estimate(const std::vector<Part>& parts) const {
        return joined_estimate(parts, table().cluster_tokens, report_.calibration.norm);
    }

    SweepReport::RoleInType in_type(const Members& members, const std::string& type) const {
        SweepReport::RoleInType result{.type = type, .bits_per_weight = bits_of(type)};
        std::vector<Part> parts;
        uint64_t original = 0;
        for (const size_t i : members) {
            const TensorCost& tensor = table().tensors[i];
            parts.push_back({&found_[i], tensor.errors.at(type)});
            result.bytes += bytes_of(tensor.weights, type);
            original += original_bytes(tensor);
        }
        result.saved_bytes = static_cast<int64_t>(original) - static_cast<int64_t>(result.bytes);
        result.nats = estimate(parts);
        result.nats_per_gib =
            result.saved_bytes > 0
                ? result.nats.value / (static_cast<double>(result.saved_bytes) / kGiB)
                : kNoNumber;
        return result;
    }

    bool all_have(const Members& members, const std::string& type) const {
        return std::ranges::all_of(
            members, [&](size_t i) { return table().tensors[i].errors.contains(type); });
    }

    bool is_measured(size_t i) const { return !table().tensors[i].probes.empty(); }

    SweepReport::Role role_of(const std::string& name) const {
        const Members& members = members_.at(name);
        SweepReport::Role role{.name = name, .tensors = members.size()};
        for (const size_t i : members) {
            role.measured += is_measured(i) ? 1 : 0;
            role.weights += table().tensors[i].weights;
        }
        for (const std::string& type : lossy_types(table().tensors[members.front()])) {
            if (all_have(members, type)) role.types.push_back(in_type(members, type));
        }
        return role;
    }

    // --- tensors

    SweepReport::Tensor tensor_of(size_t i) const {
        const TensorCost& tensor = table().tensors[i];
        SweepReport::Tensor result{.name = tensor.tensor,
                                   .role = tensor.role,
                                   .layer = tensor.layer,
                                   .weights = tensor.weights,
                                   .source = found_[i].source};
        result.guessed = std::ranges::none_of(members_.at(tensor.role),
                                              [&](size_t m) { return is_measured(m); });
        result.nats_per_percent = per_percent(i);
        result.about_4_bits.nats_per_gib = kNoNumber;
        const std::string type = usual_type(tensor);
        if (!type.empty()) result.about_4_bits = in_type({i}, type);
        return result;
    }

    Estimate per_percent(size_t i) const {
        const Sensitivity::Anchor& anchor = found_[i].anchor_near(kUsualError);
        const double scale = 0.01 / anchor.error;
        for (const Probe& probe : table().tensors[i].probes) {
            if (probe.error != anchor.error) continue;
            const Estimate& e = probe.kld_nats;
            return {scale * e.value, scale * e.low, scale * e.high};
        }
        return {.value = scale * anchor.nats};
    }

    // Those without a saving come last.
    static bool dearer(const SweepReport::Tensor& a, const SweepReport::Tensor& b) {
        const auto worth = [](const SweepReport::Tensor& tensor) {
            const double nats = tensor.about_4_bits.nats_per_gib;
            return std::isnan(nats) ? -1 : nats;
        };
        return worth(a) > worth(b);
    }

    // --- mixes

    void add_mix(const MeasuredMix& mix) {
        std::vector<Part> parts;
        uint64_t bytes = 0, weights = 0;
        SweepReport::Mix result{.name = mix.name, .measured = mix.kld_nats};
        for (size_t i = 0; i < table().tensors.size(); ++i) {
            const TensorCost& tensor = table().tensors[i];
            const auto type = mix.types.find(tensor.tensor);
            const std::string name = type == mix.types.end() ? original_type(tensor) : type->second;
            if (!tensor.errors.contains(name) || find_type(name) == nullptr) return;
            parts.push_back({&found_[i], tensor.errors.at(name)});
            result.plain_sum += found_[i].nats_at(tensor.errors.at(name));
            bytes += bytes_of(tensor.weights, name);
            weights += tensor.weights;
        }
        result.bits_per_weight = 8 * static_cast<double>(bytes) / static_cast<double>(weights);
        result.other_text = mix.corpus_key != table().corpus.key;
        result.predicted = calibrated(report_.calibration, estimate(parts));
        result.from_others = from_others(mix, parts);
        report_.mixes.push_back(std::move(result));
    }

    double from_others(const MeasuredMix& mix, const std::vector<Part>& parts) const {
        if (table().mixes.size() < 2) return kNoNumber;
        SweepTable others = table();
        std::erase_if(others.mixes, [&](const MeasuredMix& m) { return m.name == mix.name; });
        const Calibration calibration = calibrate(others, found_);
        return calibration.divergence(joined(disturbed_of(parts), calibration.norm));
    }

    SweepReport report_;
    std::vector<Sensitivity> found_;
    std::map<std::string, Members> members_;
};

}  // namespace

SweepReport build_sweep_report(SweepTable sweep) {
    return Builder(std::move(sweep)).built();
}

}  // namespace bitgauge
