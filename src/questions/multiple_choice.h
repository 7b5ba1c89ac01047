#pragma once

// The binary file of llama-perplexity's multiple choice: little-endian; u32 number of tasks, u32
// offset of each from the beginning, tasks. A task: text of the question; one list of choices of
// which one is right; a second list, of which several may be. A list: u32 number, texts, i32 label
// (1: right) of each. A text: u32 bytes, UTF-8.

#include <filesystem>
#include <string>

#include "bitgauge/questions.h"

namespace bitgauge {

bool is_multiple_choice(const std::string& bytes);

// Tasks of the first list; the second is ignored, as llama-perplexity does. Error(kInput) with the
// offset where the file is damaged.
QuestionSet read_multiple_choice(const std::filesystem::path& path, const std::string& bytes,
                                 const std::string& set);

}  // namespace bitgauge
