#pragma once

// What `bitgauge fit` prints.

#include <string>

#include "base/json.h"
#include "cli/fit_answer.h"
#include "cli/page.h"

namespace bitgauge {

std::string fit_text(const FitAnswer& answer, Page::Form form);
Json fit_json(const FitAnswer& answer);

// How llama.cpp's server, its chat and `bitgauge run` are started with this file, one a line.
std::vector<std::string> start_commands(const FitAnswer& answer, const FitRow& row);

// Why nothing fits, and what would; "" where something does.
std::string misfit_text(const FitAnswer& answer);

}  // namespace bitgauge
