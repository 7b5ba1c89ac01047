#include "cli/plan_basis.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "bitgauge/importance.h"
#include "bitgauge/qtype.h"

#include "base/units.h"
#include "cli/prior_report.h"
#include "cli/stored_sweep.h"

#include "quantize/type_errors.h"

namespace bitgauge {
namespace {

constexpr uint64_t kMostWeights = 1U << 17U;  // of each tensor, as a sweep takes

std::optional<Importance> read_importance(const GuessOptions& options) {
    if (options.importance.empty()) return std::nullopt;
    return Importance::read(options.importance);
}

void encode(const GgufFile& file, const Importance* importance, const GuessOptions& options,
            std::vector<TensorCost>& tensors, Progress& progress) {
    const TypeErrorMeter meter(file, importance, kMostWeights, options.threads);
    progress.begin("encoding in every type", static_cast<int64_t>(tensors.size()), "tensors");
    for (TensorCost& tensor : tensors) {
        tensor.errors = meter.measure(tensor.tensor, options.types).relative;
        progress.advance(1);
    }
    progress.end();
}

// Types that a file without tensor data is planned with.
void assume(const GgufFile& file, const PlanBasis& basis, const GuessOptions& options,
            std::vector<TensorCost>& tensors) {
    for (TensorCost& tensor : tensors) {
        const TensorInfo& info = *file.find_tensor(tensor.tensor);
        for (const auto& [type, error] : gaussian_errors(info, basis.importance)) {
            const bool wanted = std::ranges::find(options.types, type) != options.types.end();
            if (wanted || type == info.type) tensor.errors[type] = error;
        }
    }
}

std::vector<std::string> told(const Prior& prior, const std::vector<std::string>& unknown_roles,
                              bool has_data) {
    std::vector<std::string> lines{
        fmt::format("no sweep of this model; sensitivities of {}", prior_title(prior))};
    if (!has_data) {
        lines.emplace_back(
            "no tensor data in the file; errors of types are those of normally "
            "distributed weights");
    }
    if (!unknown_roles.empty()) {
        lines.push_back(fmt::format("it does not know {}: taken as the mean of its other roles",
                                    some_of(unknown_roles)));
    }
    return lines;
}

}  // namespace

PlanBasis swept_basis(const GgufFile& file, const std::filesystem::path& store) {
    PlanBasis basis{.table = newest_sweep(file, store)};
    basis.sensitivities = sensitivities(basis.table);
    basis.calibration = through_mixes(calibrate(basis.table, basis.sensitivities), basis.table,
                                      basis.sensitivities);
    basis.importance = !basis.table.importance_hash.empty();
    return basis;
}

std::vector<std::string> quantized_types() {
    std::vector<std::string> names;
    for (const QType& type : all_types()) {
        if (type.quantized && type.encodable) names.push_back(type.name);
    }
    return names;
}

PlanBasis guessed_basis(const GgufFile& file, const ModelHeader& model, const GuessOptions& options,
                        Progress& progress) {
    const auto priors = all_priors(options.priors);
    const Prior& prior =
        options.prior.empty() ? nearest_prior(priors, model) : prior_named(priors, options.prior);
    const auto importance = read_importance(options);
    PlanBasis basis{.calibration = prior.calibration,
                    .importance = importance || options.as_if_importance,
                    .prior = prior.name};
    basis.table.tensors = quantized_tensors(model);
    if (file.has_data()) {
        encode(file, importance ? &*importance : nullptr, options, basis.table.tensors, progress);
    } else {
        assume(file, basis, options, basis.table.tensors);
    }
    GuessedSensitivities guessed = guess_sensitivities(prior, basis.table.tensors);
    basis.sensitivities = std::move(guessed.sensitivities);
    basis.guess = told(prior, guessed.unknown_roles, file.has_data());
    return basis;
}

}  // namespace bitgauge
