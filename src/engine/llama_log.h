#pragma once

// libllama talks through a callback: this keeps its complaints for error messages and prints
// nothing.

#include <string>
#include <string_view>
#include <vector>

namespace bitgauge {

// Starts libllama's backends once and takes its log over. Idempotent, thread-safe.
void start_libllama();

// The first error libllama logged since forget_llama_complaints(), of which later ones are mostly
// consequences; else its last warning; "" for none.
std::string llama_complaint();
void forget_llama_complaints();

// Every line that libllama logs while the object lives. One at a time.
class LlamaLines {
  public:
    LlamaLines();
    ~LlamaLines();
    LlamaLines(const LlamaLines&) = delete;
    LlamaLines& operator=(const LlamaLines&) = delete;

    std::vector<std::string> all() const;
};

// Whether a complaint (or the reason of an abort) is about memory that could not be had: it says
// nothing of the file, and another time there may be more.
bool is_about_memory(std::string_view complaint);

}  // namespace bitgauge
