#include "bitgauge/prior.h"
#include "bitgauge/qtype.h"

#include "base/json.h"

#include "cost/embedded_priors.h"

namespace bitgauge {
namespace {

using Errors = std::map<std::string, double, std::less<>>;

Errors embedded_errors(const char* encoded) {
    Errors errors;
    for (const EmbeddedPrior& file : embedded_priors()) {
        if (file.name != kGaussianErrors) continue;
        const Json json = Json::parse(file.content);
        for (const auto& [type, error] : json.at(encoded).items()) {
            errors[type] = error.get<double>();
        }
    }
    return errors;
}

const Errors& known_errors(bool importance) {
    static const Errors plain = embedded_errors("plain"), weighted = embedded_errors("weighted");
    return importance ? weighted : plain;
}

}  // namespace

std::optional<double> gaussian_error(std::string_view type, bool importance) {
    const Errors& errors = known_errors(importance);
    const auto found = errors.find(type);
    return found == errors.end() ? std::nullopt : std::optional(found->second);
}

std::map<std::string, double> gaussian_errors(const TensorInfo& tensor, bool importance) {
    std::map<std::string, double> errors;
    for (const auto& [name, error] : known_errors(importance)) {
        const QType& type = *find_type(name);
        if (tensor.shape[0] % type.block_weights == 0) errors[name] = error;
    }
    errors[tensor.type] = 0;
    return errors;
}

}  // namespace bitgauge
