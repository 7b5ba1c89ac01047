#pragma once

// What was found in a chat template, for people and for programs.

#include <string>

#include "bitgauge/template.h"

#include "base/json.h"

namespace bitgauge {

const char* severity_name(Severity severity);

// `name`: of the file, safe to print.
std::string template_text(const std::string& name, const TemplateLint& lint);
Json template_json(const std::string& name, const TemplateLint& lint);

}  // namespace bitgauge
