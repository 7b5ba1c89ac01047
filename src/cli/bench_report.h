#pragma once

// What `bitgauge bench` found, as text and as JSON.

#include <string>

#include "bitgauge/speed.h"

#include "base/json.h"
#include "cli/page.h"

namespace bitgauge {

std::string bench_text(const SpeedReport& report, Page::Form form);
std::string bench_text(const TypeSpeedReport& report, Page::Form form);

// `bitgauge.bench/1`; every repetition of every file.
Json bench_json(const SpeedReport& report);
// `bitgauge.bench-types/1`; seconds per weight are what plans can take.
Json bench_json(const TypeSpeedReport& report);

}  // namespace bitgauge
