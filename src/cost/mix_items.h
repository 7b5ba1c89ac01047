#pragma once

// What may be chosen for each tensor: the plan's items, by the sweep, the types allowed and the
// user's rules; private to this room.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bitgauge/cost.h"

namespace bitgauge {

struct MixItems {
    // Costs are factors per stratum (1 where strata are not told apart) on what follows.
    std::vector<PlanItem> items;
    // Of each item's options: nats, and the sum of switching powers (disturbance.h).
    std::vector<std::vector<double>> smooth, switching;
    std::vector<std::vector<size_t>> members;  // of each item: indices into the sweep's tensors
    std::vector<PlanLimit> pools;
    PlanAim aim;
    uint64_t other_bytes = 0;  // of the file: header, and tensors that stay as they are
};

// Errors as Mixer's.
MixItems mix_items(const ModelHeader& model, const SweepTable& table,
                   const std::vector<Sensitivity>& sensitivities, const MixOptions& options,
                   double norm);

// Nothing where it is not known.
std::optional<double> find_seconds(const MixSeconds& seconds, const std::string& tensor,
                                   const std::string& type);

// A tensor's place in the file.
uint64_t padded_bytes(const TensorInfo& tensor, const std::string& type);

// "keep" is the tensor's own type.
const std::string& type_or_own(const TensorInfo& tensor, const std::string& type);

const TensorInfo& tensor_of(const ModelHeader& model, const std::string& name);

}  // namespace bitgauge
