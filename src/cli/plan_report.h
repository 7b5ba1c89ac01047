#pragma once

// What `bitgauge plan` prints, as text and as JSON.

#include <string>

#include "bitgauge/cost.h"
#include "bitgauge/recipe.h"

#include "base/json.h"

namespace bitgauge {

// One plan: size, predicted divergence, certificate, types by role, the dearest tensors, and what
// the next bytes would buy.
std::string plan_text(const MixPlan& plan, const Resolution& resolution);

// `bitgauge.plan/1`.
Json plan_json(const MixPlan& plan, const Resolution& resolution);

// Roles and the types they got: "ffn_down_exps  iq3_s x5, q4_K x3".
std::string roles_text(const Resolution& resolution);

// The whole curve: size and predicted divergence.
std::string curve_text(const std::vector<Mixer::Point>& curve);
Json curve_json(const std::vector<Mixer::Point>& curve);

}  // namespace bitgauge
