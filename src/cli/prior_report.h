#pragma once

// What `bitgauge prior` prints.

#include <span>
#include <string>

#include "bitgauge/prior.h"

namespace bitgauge {

// A line per prior: model, architecture, size, where it comes from.
std::string priors_text(std::span<const Prior> priors);

// Source, calibration, and per role what it costs at the first, middle and last layer.
std::string prior_page(const Prior& prior);

// "Qwen3.5-35B-A3B (qwen35moe, 34.7 B parameters; published, Thireus ...)".
std::string prior_title(const Prior& prior);

}  // namespace bitgauge
