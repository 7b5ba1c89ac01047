#include <algorithm>
#include <cmath>
#include <map>

#include "bitgauge/cost.h"
#include "bitgauge/error.h"

namespace bitgauge {
namespace {

constexpr double kLeast = 1e-9;  // nats: below it a probe shows nothing

// Both parts through the outermost two anchors, neither below 0; one anchor: all of it smooth.
void split_parts(Sensitivity& s) {
    const auto &low = s.anchors.front(), &high = s.anchors.back();
    s.smooth = high.nats / high.error;
    s.switching = 0;
    if (low.error == high.error) return;
    const double root_low = std::sqrt(low.error), root_high = std::sqrt(high.error);
    const double determinant = high.error * root_low - root_high * low.error;
    const double smooth = (high.nats * root_low - root_high * low.nats) / determinant;
    const double switching = (high.error * low.nats - low.error * high.nats) / determinant;
    if (switching <= 0) return;
    s.smooth = std::max(smooth, 0.0);
    // flatter than a root: through the middle of both
    s.switching = smooth >= 0 ? switching : std::sqrt(high.nats / root_high * low.nats / root_low);
}

Sensitivity of_probes(const TensorCost& tensor) {
    Sensitivity s;
    for (const Probe& probe : tensor.probes) {
        s.anchors.push_back(
            {probe.error, std::max(probe.kld_nats.value, kLeast), probe.cluster_kld});
    }
    std::ranges::sort(s.anchors, {}, &Sensitivity::Anchor::error);
    split_parts(s);
    return s;
}

double per_unit(const TensorCost& tensor) {
    const Sensitivity s = of_probes(tensor);
    return s.anchors.back().nats / s.anchors.back().error;
}

// Errors, and nats per unit of error, w of b and 1 - w of a on the logarithm; clusters as the two
// have them.
Sensitivity::Anchor between(const Sensitivity::Anchor& a, const Sensitivity::Anchor& b, double w) {
    const auto mean = [w](double x, double y) {
        return std::exp((1 - w) * std::log(x) + w * std::log(y));
    };
    Sensitivity::Anchor anchor{.error = mean(a.error, b.error)};
    anchor.nats = anchor.error * mean(a.nats / a.error, b.nats / b.error);
    for (size_t c = 0; c < a.cluster_sums.size(); ++c) {
        anchor.cluster_sums.push_back((1 - w) * anchor.nats / a.nats * a.cluster_sums[c] +
                                      w * anchor.nats / b.nats * b.cluster_sums[c]);
    }
    return anchor;
}

// The share of switching in what a tensor does with the error of its largest anchor.
double switching_share(const Sensitivity& s) {
    const Sensitivity::Anchor& high = s.anchors.back();
    return s.switching * std::sqrt(high.error) / s.nats_at(high.error);
}

void set_share(Sensitivity& s, double share) {
    const Sensitivity::Anchor& high = s.anchors.back();
    s.smooth = (1 - share) * high.nats / high.error;
    s.switching = share * high.nats / std::sqrt(high.error);
}

Sensitivity between(const Sensitivity& a, const Sensitivity& b, double w) {
    Sensitivity s{.source = Sensitivity::Source::kInterpolated};
    const size_t n = std::min(a.anchors.size(), b.anchors.size());
    for (size_t k = 0; k < n; ++k) {  // from the largest error down
        s.anchors.insert(s.anchors.begin(), between(a.anchors[a.anchors.size() - 1 - k],
                                                    b.anchors[b.anchors.size() - 1 - k], w));
    }
    split_parts(s);
    if (n < 2) set_share(s, (1 - w) * switching_share(a) + w * switching_share(b));
    return s;
}

// The probed tensors of one role, in depth, and the others.
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
        const auto layer_of = [&](size_t i) { return table.tensors[i].layer; };
        std::ranges::sort(depth.probed, {}, layer_of);
        std::ranges::sort(depth.others, {}, layer_of);
    }
    return roles;
}

// The two of `known`, in depth, that `layer` lies between, and how far from the first one.
struct Neighbours {
    size_t before, after;
    double weight;  // of the second one
};

Neighbours neighbours(const SweepTable& table, const std::vector<size_t>& known, int32_t layer) {
    const auto layer_of = [&](size_t i) { return table.tensors[i].layer; };
    const auto next = std::ranges::lower_bound(known, layer, {}, layer_of);
    const size_t b = next == known.end() ? known.back() : *next;
    const size_t a = next == known.begin() ? known.front() : *(next - 1);
    const double gap = layer_of(b) - layer_of(a);
    return {a, b, gap > 0 ? std::clamp((layer - layer_of(a)) / gap, 0.0, 1.0) : 0};
}

// Along a role's depth: `value(i)` of the known tensors around `layer`, linearly, and the ends'
// beyond them.
template <class Value>
double along_depth(const SweepTable& table, const std::vector<size_t>& known, int32_t layer,
                   Value value) {
    const auto [a, b, w] = neighbours(table, known, layer);
    return (1 - w) * value(a) + w * value(b);
}

// Tensors that were disturbed once, among others that were disturbed twice: the same share of
// switching as those of the role have.
void share_switching(const SweepTable& table, std::vector<Sensitivity>& all) {
    const auto is_split = [&](size_t i) { return all[i].anchors.size() > 1; };
    double sum = 0, n = 0;
    for (size_t i = 0; i < all.size(); ++i) {
        if (!is_split(i)) continue;
        sum += switching_share(all[i]);
        n += 1;
    }
    if (n == 0) return;
    for (const auto& [role, depth] : by_role(table)) {
        std::vector<size_t> split;
        std::ranges::copy_if(depth.probed, std::back_inserter(split), is_split);
        for (const size_t i : depth.probed) {
            if (is_split(i)) continue;
            set_share(all[i], split.empty()
                                  ? sum / n
                                  : along_depth(table, split, table.tensors[i].layer,
                                                [&](size_t k) { return switching_share(all[k]); }));
        }
    }
}

Sensitivity interpolated(const SweepTable& table, const std::vector<size_t>& probed,
                         const std::vector<Sensitivity>& known, int32_t layer) {
    const auto [a, b, w] = neighbours(table, probed, layer);
    return between(known[a], known[b], w);
}

// The mean of all probed tensors.
Sensitivity average(const std::vector<Sensitivity>& known) {
    double smooth = 0, switching = 0, n = 0;
    for (const Sensitivity& s : known) {
        if (s.anchors.empty()) continue;
        smooth += s.smooth;
        switching += s.switching;
        n += 1;
    }
    if (n == 0) {
        throw Error(ErrorKind::kInput, "the sweep has measured no tensor yet",
                    "run 'bitgauge sweep' to its end");
    }
    return {.anchors = {{.error = 1, .nats = (smooth + switching) / n}},
            .smooth = smooth / n,
            .switching = switching / n,
            .source = Sensitivity::Source::kInterpolated};
}

// What the text of the whole mixes is beside that of the probes, from mixes measured on both: the
// ratio estimate of double sampling [Cochran 1977, Sampling Techniques, ch. 12].
double text_ratio(const SweepTable& table) {
    double sum = 0, n = 0;
    for (const MeasuredMix& here : table.mixes) {
        if (!here.probes_text) continue;
        for (const MeasuredMix& there : table.mixes) {
            if (there.probes_text || there.types != here.types) continue;
            if (!(here.kld_nats.value > 0) || !(there.kld_nats.value > 0)) continue;
            sum += std::log(there.kld_nats.value / here.kld_nats.value);
            n += 1;
        }
    }
    return n > 0 ? std::exp(sum / n) : 1;
}

void scale_by(Sensitivity& s, double factor) {
    s.smooth *= factor;
    s.switching *= factor;
    for (Sensitivity::Anchor& anchor : s.anchors) {
        anchor.nats *= factor;
        for (double& sum : anchor.cluster_sums) sum *= factor;
    }
}

}  // namespace

double Sensitivity::nats_at(double error) const {
    return error <= 0 ? 0 : smooth * error + switching * std::sqrt(error);
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
    share_switching(table, all);
    const Sensitivity otherwise = average(all);
    for (const auto& [role, depth] : by_role(table)) {
        for (const size_t i : depth.others) {
            all[i] = depth.probed.empty()
                         ? otherwise
                         : interpolated(table, depth.probed, all, table.tensors[i].layer);
        }
    }
    const double ratio = text_ratio(table);
    for (Sensitivity& s : all) scale_by(s, ratio);
    return all;
}

std::vector<size_t> to_refine(const SweepTable& table, double factor) {
    std::vector<size_t> chosen;
    for (const auto& [role, depth] : by_role(table)) {
        for (size_t p = 0; p + 1 < depth.probed.size(); ++p) {
            const TensorCost &a = table.tensors[depth.probed[p]],
                             &b = table.tensors[depth.probed[p + 1]];
            if (std::abs(std::log(per_unit(b) / per_unit(a))) <= std::log(factor)) continue;
            std::vector<size_t> inside;
            std::ranges::copy_if(depth.others, std::back_inserter(inside), [&](size_t i) {
                return table.tensors[i].layer > a.layer && table.tensors[i].layer < b.layer;
            });
            if (!inside.empty()) chosen.push_back(inside[inside.size() / 2]);
        }
    }
    std::ranges::sort(chosen);
    return chosen;
}

}  // namespace bitgauge
