#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/prior.h"

#include "base/units.h"

namespace bitgauge {
namespace {

[[noreturn]] void refuse_unfinished(const SweepTable& sweep, const std::string& what) {
    throw Error(ErrorKind::kInput,
                fmt::format("the sweep of '{}' is not complete: {}", sweep.original.file, what),
                "run 'bitgauge sweep' with the same options until it is");
}

void require_complete(const SweepTable& sweep) {
    std::set<std::string> missing;
    for (const TensorCost& tensor : sweep.tensors) missing.insert(tensor.role);
    for (const TensorCost& tensor : sweep.tensors) {
        if (!tensor.probes.empty()) missing.erase(tensor.role);
    }
    if (sweep.tensors.empty()) refuse_unfinished(sweep, "it has no tensors");
    if (!missing.empty()) {
        refuse_unfinished(sweep, "nothing is measured of " +
                                     some_of(std::vector(missing.begin(), missing.end())));
    }
    if (sweep.mixes.empty()) refuse_unfinished(sweep, "no whole mix is measured");
}

int32_t last_layer(const SweepTable& sweep) {
    return std::ranges::max_element(sweep.tensors, {}, &TensorCost::layer)->layer;
}

std::string names_of(const CorpusIdentity& corpus) {
    std::string names;
    for (const auto& file : corpus.files) names += (names.empty() ? "" : ", ") + file.name;
    return names;
}

PriorSource source_of(const SweepTable& sweep) {
    return {.kind = "sweep",
            .about = fmt::format("bitgauge sweep {}", sweep.key.substr(0, 12)),
            .date = sweep.created_utc.substr(0, 10),
            .corpus = names_of(sweep.corpus),
            .tokens = sweep.corpus.scored_tokens,
            .build = fmt::format("bitgauge {}, llama.cpp {}, ggml {}, {}", sweep.build.bitgauge,
                                 sweep.build.llama, sweep.build.ggml, sweep.build.backend)};
}

void add_tensor(Prior& prior, const TensorCost& tensor, const Sensitivity& sensitivity) {
    PriorRole& role = prior.roles[tensor.role];
    ++role.tensors;
    role.weights += tensor.weights;
    if (tensor.probes.empty()) return;
    const double deepest = std::max<double>(prior.layers, 2) - 1;
    role.curve.push_back({.depth = std::max(tensor.layer, 0) / deepest,
                          .smooth = sensitivity.smooth,
                          .switching = sensitivity.switching});
}

// Several tensors at one depth become their mean.
void in_depth(std::vector<PriorPoint>& curve) {
    std::ranges::sort(curve, {}, &PriorPoint::depth);
    std::vector<PriorPoint> merged;
    for (size_t first = 0, end = 0; first < curve.size(); first = end) {
        PriorPoint mean{.depth = curve[first].depth};
        while (end < curve.size() && curve[end].depth == mean.depth) ++end;
        const auto n = static_cast<double>(end - first);
        for (size_t i = first; i < end; ++i) {
            mean.smooth += curve[i].smooth / n;
            mean.switching += curve[i].switching / n;
        }
        merged.push_back(mean);
    }
    curve = std::move(merged);
}

}  // namespace

Prior prior_of(const SweepTable& sweep) {
    require_complete(sweep);
    const auto found = sensitivities(sweep);
    Prior prior{.name = sweep.original.name,
                .architecture = sweep.original.architecture,
                .parameters = sweep.original.parameters,
                .layers = static_cast<uint32_t>(std::max(last_layer(sweep), 0)) + 1,
                .source = source_of(sweep),
                .calibration = calibrate(sweep, found)};
    for (size_t i = 0; i < found.size(); ++i) add_tensor(prior, sweep.tensors[i], found[i]);
    for (auto& [name, role] : prior.roles) {
        prior.experts = prior.experts || name.ends_with("_exps");
        in_depth(role.curve);
    }
    return prior;
}

}  // namespace bitgauge
