#pragma once

// Static recipes that a plan has to beat.

#include <string>
#include <vector>

#include "bitgauge/cost.h"
#include "bitgauge/recipe.h"

#include "sweep/mix_measure.h"

namespace bitgauge {

// What a recipe gives a model's tensors, without a name.
NamedMix mix_of(const Resolution& resolution);

// Of all presets whose file has at most `bytes`: the largest, and those of the least predicted
// divergence.
std::vector<NamedMix> rivals(const ModelHeader& model, const Mixer& mixer, uint64_t bytes);

}  // namespace bitgauge
