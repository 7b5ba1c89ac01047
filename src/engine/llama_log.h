#pragma once

// libllama talks through a callback: this keeps its complaints for error messages and prints
// nothing.

#include <string>

namespace bitgauge {

// Starts libllama's backends once and takes its log over. Idempotent, thread-safe.
void start_libllama();

// The first error libllama logged since forget_llama_complaints(), of which later ones are mostly
// consequences; else its last warning; "" for none.
std::string llama_complaint();
void forget_llama_complaints();

}  // namespace bitgauge
