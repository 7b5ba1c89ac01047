#pragma once

// GPQA (Rein et al. 2023) as published: a table with a right and three wrong answers.

#include <filesystem>
#include <string>

#include "bitgauge/questions.h"

namespace bitgauge {

bool is_gpqa(const std::string& text);

// Choices are ordered by the hash of record id and choice: the same in every run, and the right one
// stands at each place about equally often. Error(kInput) with path and line.
QuestionSet read_gpqa(const std::filesystem::path& path, const std::string& text,
                      const std::string& set);

}  // namespace bitgauge
