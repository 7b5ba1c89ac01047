#pragma once

// A model to plan for tests and bench/: the tensors of Qwen3.5-35B-A3B, made-up sensitivities.

#include <cstdint>
#include <vector>

#include "bitgauge/plan.h"

namespace bitgauge {

// 733 items: those that are quantized with 20 types each, norms and the like with F32 alone. Bytes
// are exact. Costs are sensitivity * relative squared error of the type on Gaussian weights;
// sensitivities are lognormal about a mean per role, types' errors vary by 7 %. `domains` differ in
// sensitivities of roles. The same numbers for the same seed on any machine.
std::vector<PlanItem> large_model(uint64_t seed, size_t domains = 1);

// Each type twice, on "gpu" and on "cpu": uses are bytes of either and seconds per token. Limits
// that bind: half of the model's size in Q4_K, and about that size.
std::vector<PlanItem> on_two_devices(const std::vector<PlanItem>& items);

}  // namespace bitgauge
