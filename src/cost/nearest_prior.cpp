#include <algorithm>
#include <cctype>
#include <cmath>
#include <tuple>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/prior.h"

#include "base/nearest_name.h"
#include "base/units.h"

namespace bitgauge {
namespace {

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
}

// Of the weights that a quantizer touches, the part in roles that the prior has.
double known_share(const Prior& prior, const std::vector<TensorCost>& tensors) {
    double known = 0, all = 0;
    for (const TensorCost& tensor : tensors) {
        const auto weights = static_cast<double>(tensor.weights);
        all += weights;
        if (prior.roles.contains(tensor.role)) known += weights;
    }
    return all > 0 ? known / all : 0;
}

// Another architecture; percent of the weights in unknown roles; logarithm of the ratio of sizes.
using Distance = std::tuple<bool, double, double>;

class Distances {
  public:
    explicit Distances(const ModelHeader& model)
        : model_(model), tensors_(quantized_tensors(model)) {
        for (const TensorInfo& tensor : model.tensors) {
            parameters_ += static_cast<double>(tensor.elements());
        }
    }

    Distance operator()(const Prior& prior) const {
        const bool stranger = prior.architecture != model_.architecture;
        const double size = std::abs(std::log(parameters_ / static_cast<double>(prior.parameters)));
        if (!stranger) return {false, 0, size};
        return {true, std::round(100 * (1 - known_share(prior, tensors_))), size};
    }

  private:
    const ModelHeader& model_;
    std::vector<TensorCost> tensors_;
    double parameters_ = 0;
};

[[noreturn]] void refuse_nothing() {
    throw Error(ErrorKind::kInput, "there is no prior to guess from",
                "sweep the model, or add a sweep of another one: bitgauge prior add");
}

}  // namespace

const Prior& nearest_prior(std::span<const Prior> priors, const ModelHeader& model) {
    if (priors.empty()) refuse_nothing();
    const bool experts = model.experts > 0;
    const Distances distance(model);
    const Prior* nearest = nullptr;
    for (const Prior& prior : priors) {
        const bool same = prior.architecture == model.architecture;
        if (!same && prior.experts != experts) continue;
        if (nearest == nullptr || distance(prior) < distance(*nearest)) nearest = &prior;
    }
    if (nearest != nullptr) return *nearest;
    throw Error(
        ErrorKind::kInput,
        fmt::format("there is no prior of a model {} experts", experts ? "with" : "without"),
        "sweep the model; one of another kind, named with --prior, is worse than none");
}

const Prior& prior_named(std::span<const Prior> priors, const std::string& name) {
    std::vector<std::string> names;
    for (const Prior& prior : priors) {
        if (lower(prior.name) == lower(name)) return prior;
        names.push_back(prior.name);
    }
    if (names.empty()) refuse_nothing();
    const std::string meant = suggest(name, names);
    throw Error(ErrorKind::kInput,
                fmt::format("there is no prior '{}'{}", name,
                            meant.empty() ? "" : fmt::format("; did you mean '{}'?", meant)),
                fmt::format("there are {}", some_of(names)));
}

}  // namespace bitgauge
