#include "sweep/planned_rounding.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace bitgauge {
namespace {

// The first that a tensor's rows allow.
constexpr std::array kTried = {"q4_K", "q4_0"};

}  // namespace

SweepTable priced(SweepTable table, const FeedbackGains& gains) {
    for (TensorCost& tensor : table.tensors) {
        const auto of_types = gains.find(tensor.tensor);
        if (of_types == gains.end()) continue;
        for (const auto& [type, gain] : of_types->second) {
            const auto error = tensor.errors.find(type);
            if (error != tensor.errors.end()) error->second *= gain;
        }
    }
    return table;
}

std::map<std::string, std::string> types_to_try(const SweepTable& table) {
    std::map<std::string, std::string> types;
    for (const TensorCost& tensor : table.tensors) {
        const auto type = std::ranges::find_if(
            kTried, [&](const char* name) { return tensor.errors.contains(name); });
        if (type != kTried.end()) types[tensor.tensor] = *type;
    }
    return types;
}

void note_rounding(QuantizeJob& job, const FeedbackOutcome& outcome,
                   const std::vector<std::filesystem::path>& texts) {
    std::string names;
    for (const auto& text : texts) names += (names.empty() ? "" : ", ") + text.filename().string();
    job.notes["bitgauge.rounding"] = "feedback";
    job.notes["bitgauge.rounding.identity"] = fmt::format("{:>32}", outcome.identity);
    job.notes["bitgauge.rounding.text"] = names;
    job.notes["bitgauge.rounding.tokens"] = fmt::format("{:>12}", outcome.tokens);
}

}  // namespace bitgauge
