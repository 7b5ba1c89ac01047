#pragma once

// HellaSwag (Zellers et al. 2019) in the text form of llama-perplexity: six lines per question, the
// beginning, the number of the right ending from 0, and four endings.

#include <filesystem>
#include <string>

#include "bitgauge/questions.h"

namespace bitgauge {

bool is_hellaswag(const std::string& text);

// Error(kInput) with path and line.
QuestionSet read_hellaswag(const std::filesystem::path& path, const std::string& text,
                           const std::string& set);

}  // namespace bitgauge
