#pragma once

// What `bitgauge plan` prints, as text and as JSON.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bitgauge/cost.h"
#include "bitgauge/recipe.h"

#include "base/json.h"
#include "cli/memory_fit.h"
#include "cli/type_speeds.h"

namespace bitgauge {

// A recipe that the plan is to be compared with.
struct PlanRival {
    std::string name;
    uint64_t file_bytes = 0;
    Mix mix;
    Estimate predicted_nats;
};

// One plan, and what is said about it.
struct PlanReport {
    const MixPlan& plan;
    const Resolution& resolution;
    std::optional<PlanRival> rival;
    std::vector<std::string> guess;  // why it is one; empty where it is none
    std::string prior;               // the model it was guessed from; empty: swept
    std::optional<MemoryFit> fit;
    DecodeBytes decode;
    std::optional<PlanSpeed> speed;
};

// Size, predicted divergence, certificate, types by role, the dearest tensors, and what the next
// bytes would buy.
std::string plan_text(const PlanReport& report);

// `bitgauge.plan/1`.
Json plan_json(const PlanReport& report);

// "a guess: no sweep of this model; ..." and further lines; empty without.
std::string guess_text(const std::vector<std::string>& guess);

// Roles and the types they got: "ffn_down_exps  iq3_s x5, q4_K x3".
std::string roles_text(const Resolution& resolution);

// The whole curve: size and predicted divergence.
std::string curve_text(const std::vector<Mixer::Point>& curve);
Json curve_json(const std::vector<Mixer::Point>& curve);

}  // namespace bitgauge
