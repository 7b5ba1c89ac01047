#include "engine/llama_log.h"

#include <mutex>

#include <cblas.h>
#include <ggml.h>
#include <llama.h>

namespace bitgauge {
namespace {

struct Complaints {
    std::mutex mutex;
    std::string pending;  // a line that has not ended yet
    ggml_log_level level = GGML_LOG_LEVEL_NONE;  // of its first piece
    std::string last_error;
    std::string last_warning;
};

Complaints& complaints() {
    static Complaints instance;
    return instance;
}

void keep_line(Complaints& kept) {
    while (!kept.pending.empty() && (kept.pending.back() == '\n' || kept.pending.back() == ' ')) {
        kept.pending.pop_back();
    }
    if (kept.level == GGML_LOG_LEVEL_ERROR) kept.last_error = kept.pending;
    if (kept.level == GGML_LOG_LEVEL_WARN) kept.last_warning = kept.pending;
    kept.pending.clear();
}

void on_log(ggml_log_level level, const char* text, void*) {
    Complaints& kept = complaints();
    const std::lock_guard lock(kept.mutex);
    if (level != GGML_LOG_LEVEL_CONT) kept.level = level;
    kept.pending += text;
    if (!kept.pending.empty() && kept.pending.back() == '\n') keep_line(kept);
}

}  // namespace

void start_libllama() {
    static const bool started = [] {
        llama_log_set(on_log, nullptr);
        ggml_backend_load_all();
        llama_backend_init();
        openblas_set_num_threads(1);  // the callers' own threads each work on a tile
        return true;
    }();
    static_cast<void>(started);
}

std::string last_llama_complaint() {
    Complaints& kept = complaints();
    const std::lock_guard lock(kept.mutex);
    std::string line = kept.last_error.empty() ? kept.last_warning : kept.last_error;
    const size_t function_end = line.find(": ");  // "llama_model_load: error loading model: ..."
    return function_end == std::string::npos ? line : line.substr(function_end + 2);
}

void forget_llama_complaints() {
    Complaints& kept = complaints();
    const std::lock_guard lock(kept.mutex);
    kept.last_error.clear();
    kept.last_warning.clear();
}

}  // namespace bitgauge
