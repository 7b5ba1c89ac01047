#pragma once

// What `bitgauge dynamic` and `bitgauge sweep` print, as text and as JSON.

#include <string>

#include "bitgauge/dynamic.h"

#include "base/json.h"

namespace bitgauge {

// A line per file and one per preset it was compared with.
std::string dynamic_text(const DynamicOutcome& outcome);
Json dynamic_json(const DynamicOutcome& outcome);

// Sensitivities by role, and the dearest tensors.
std::string sweep_text(const SweepOutcome& outcome);
Json sweep_json(const SweepOutcome& outcome);

}  // namespace bitgauge
