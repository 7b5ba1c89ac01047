#pragma once

// What `bitgauge quantize` prints, as text and as JSON.

#include <string>

#include "bitgauge/quantize.h"

#include "base/json.h"

namespace bitgauge {

// "wrote model-Q4_K_M.gguf (Q4_K_M, 1.20 GiB)", and a line for shards and for what a run before had
// done.
std::string outcome_text(const QuantizeOutcome& outcome, const std::string& recipe);

// Sizes per role and per file, to the byte.
std::string preview_text(const QuantizePreview& preview, const std::string& recipe);

// Schemas "bitgauge.quantize/1" and "bitgauge.quantize_preview/1".
Json outcome_json(const QuantizeOutcome& outcome, const std::string& recipe);
Json preview_json(const QuantizePreview& preview, const std::string& recipe);

}  // namespace bitgauge
