#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include <fmt/format.h>

#include "bitgauge/cost.h"
#include "bitgauge/error.h"

namespace bitgauge {
namespace {

constexpr double kLeast = 1e-9;  // nats: below it a probe shows nothing

Sensitivity of_probes(const TensorCost& tensor) {
    Sensitivity s;
    for (const Probe& probe : tensor.probes) {
        s.anchors.push_back(
            {probe.error, std::max(probe.kld_nats.value, kLeast), probe.cluster_kld});
    }
    std::ranges::sort(s.anchors, {}, &Sensitivity::Anchor::error);
    return s;
}

double per_unit(const TensorCost& tensor) {
    return of_probes(tensor).per_unit();
}

// Per unit of error w of b and 1 - w of a, on the logarithm; clusters as the two have them.
Sensitivity between(const Sensitivity& a, const Sensitivity& b, double w) {
    const auto &at_a = a.anchors.front(), &at_b = b.anchors.front();
    const double error = std::exp((1 - w) * std::log(at_a.error) + w * std::log(at_b.error));
    const double nats =
        error * std::exp((1 - w) * std::log(a.per_unit()) + w * std::log(b.per_unit()));
    Sensitivity::Anchor anchor{.error = error, .nats = nats};
    for (size_t c = 0; c < at_a.cluster_sums.size(); ++c) {
        anchor.cluster_sums.push_back((1 - w) * nats / at_a.nats * at_a.cluster_sums[c] +
                                      w * nats / at_b.nats * at_b.cluster_sums[c]);
    }
    return {.anchors = {anchor}, .source = Sensitivity::Source::kInterpolated};
}

// The probed tensors of one role, in depth.
struct Depth {
    std::vector<size_t> probed;
    std::vector<size_t> others;
};

std::map<std::string, Depth> by_role(const SweepTable& table) {
    std::map<std::string, Depth> roles;
    for (size_t i = 0; i < table.tensors.size(); ++i) {
        Depth& depth = roles[table.tensors[i].role];
        (table.tensors[i].probes.empty() ? depth.others : depth.probed).push_back(i);
    }
    for (auto& [role, depth] : roles) {
        std::ranges::sort(depth.probed, {}, [&](size_t i) { return table.tensors[i].layer; });
    }
    return roles;
}

Sensitivity interpolated(const SweepTable& table, const std::vector<size_t>& probed,
                         const std::vector<Sensitivity>& known, int32_t layer) {
    const auto layer_of = [&](size_t i) { return table.tensors[i].layer; };
    const auto after = std::ranges::lower_bound(probed, layer, {}, layer_of);
    const size_t b = after == probed.end() ? probed.back() : *after;
    const size_t a = after == probed.begin() ? probed.front() : *(after - 1);
    const double gap = layer_of(b) - layer_of(a);
    const double w = gap > 0 ? std::clamp((layer - layer_of(a)) / gap, 0.0, 1.0) : 0;
    return between(known[a], known[b], w);
}

// The mean of all probed tensors, per unit of error.
Sensitivity average(const std::vector<Sensitivity>& known) {
    double nats = 0, n = 0;
    for (const Sensitivity& s : known) {
        if (s.anchors.empty()) continue;
        nats += s.per_unit();
        n += 1;
    }
    if (n == 0) {
        throw Error(ErrorKind::kInput, "the sweep has measured no tensor yet",
                    "run 'bitgauge sweep' to its end");
    }
    return {.anchors = {{.error = 1, .nats = nats / n}},
            .source = Sensitivity::Source::kInterpolated};
}

}  // namespace

double Sensitivity::nats_at(double error) const {
    const auto above = std::ranges::lower_bound(anchors, error, {}, &Anchor::error);
    if (above == anchors.end()) return anchors.back().nats * error / anchors.back().error;
    if (above == anchors.begin() || error <= 0) return above->nats * error / above->error;
    const Anchor& below = *(above - 1);
    const double exponent =
        std::log(above->nats / below.nats) / std::log(above->error / below.error);
    return below.nats * std::pow(error / below.error, exponent);
}

const Sensitivity::Anchor& Sensitivity::anchor_near(double error) const {
    const double wanted = std::log(std::max(error, 1e-12));
    return *std::ranges::min_element(
        anchors, {}, [&](const Anchor& a) { return std::abs(std::log(a.error) - wanted); });
}

std::vector<Sensitivity> sensitivities(const SweepTable& table) {
    std::vector<Sensitivity> all(table.tensors.size());
    for (size_t i = 0; i < all.size(); ++i) {
        if (!table.tensors[i].probes.empty()) all[i] = of_probes(table.tensors[i]);
    }
    const Sensitivity otherwise = average(all);
    for (const auto& [role, depth] : by_role(table)) {
        for (const size_t i : depth.others) {
            all[i] = depth.probed.empty()
                         ? otherwise
                         : interpolated(table, depth.probed, all, table.tensors[i].layer);
        }
    }
    return all;
}

std::vector<size_t> to_refine(const SweepTable& table, double factor) {
    std::vector<size_t> chosen;
    for (const auto& [role, depth] : by_role(table)) {
        for (size_t p = 0; p + 1 < depth.probed.size(); ++p) {
            const size_t a = depth.probed[p], b = depth.probed[p + 1];
            const double ratio = per_unit(table.tensors[b]) / per_unit(table.tensors[a]);
            if (std::abs(std::log(ratio)) <= std::log(factor)) continue;
            std::vector<size_t> inside;
            std::ranges::copy_if(depth.others, std::back_inserter(inside), [&](size_t i) {
                return table.tensors[i].layer > table.tensors[a].layer &&
                       table.tensors[i].layer < table.tensors[b].layer;
            });
            if (!inside.empty()) chosen.push_back(inside[inside.size() / 2]);
        }
    }
    std::ranges::sort(chosen);
    return chosen;
}

}  // namespace bitgauge
