#pragma once

// libllama talks through a callback: this keeps its last complaints for error messages and prints
// nothing.

#include <string>

namespace bitgauge {

// Starts libllama's backends once and takes its log over. Idempotent, thread-safe.
void start_libllama();

// The last error or warning line libllama logged since forget_llama_complaints(); "" for none.
std::string last_llama_complaint();
void forget_llama_complaints();

}  // namespace bitgauge
