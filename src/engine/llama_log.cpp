#include "engine/llama_log.h"

#include <algorithm>
#include <mutex>

#include <ggml.h>
#include <llama.h>

namespace bitgauge {
namespace {

struct Complaints {
    std::mutex mutex;
    std::string pending;                         // a line that has not ended yet
    ggml_log_level level = GGML_LOG_LEVEL_NONE;  // of its first piece
    std::string first_error;                     // what follows it are consequences
    std::string last_warning;
    bool keeps_lines = false;
    std::vector<std::string> lines;
    void (*last_words)(const char* reason) = nullptr;
};

Complaints& complaints() {
    static Complaints instance;
    return instance;
}

void keep_line(Complaints& kept) {
    while (!kept.pending.empty() && (kept.pending.back() == '\n' || kept.pending.back() == ' ')) {
        kept.pending.pop_back();
    }
    const bool error = kept.level == GGML_LOG_LEVEL_ERROR;
    if (error && kept.first_error.empty()) kept.first_error = kept.pending;
    if (kept.level == GGML_LOG_LEVEL_WARN) kept.last_warning = kept.pending;
    if (kept.keeps_lines) kept.lines.push_back(kept.pending);
    kept.pending.clear();
}

void on_log(ggml_log_level level, const char* text, void*) {
    Complaints& kept = complaints();
    const std::lock_guard lock(kept.mutex);
    if (level != GGML_LOG_LEVEL_CONT) kept.level = level;
    kept.pending += text;
    if (!kept.pending.empty() && kept.pending.back() == '\n') keep_line(kept);
}

// "/build/llama.cpp/src/llama-vocab.cpp:12: GGML_ASSERT(...) failed", without the folders. Asserts
// do not say that they fail for want of memory; the complaint before does.
void say_last_words(const char* reason) {
    const std::string_view text(reason);
    const size_t slash = text.substr(0, text.find(": ")).rfind('/');
    std::string said(slash == std::string_view::npos ? text : text.substr(slash + 1));
    const std::string complaint = llama_complaint();
    if (is_about_memory(complaint)) said += " (" + complaint + ")";
    complaints().last_words(said.c_str());
}

}  // namespace

void on_llama_abort(void (*say)(const char* reason)) {
    complaints().last_words = say;
    ggml_set_abort_callback(say == nullptr ? nullptr : say_last_words);
}

void start_libllama() {
    static const bool started = [] {
        llama_log_set(on_log, nullptr);
        ggml_backend_load_all();
        llama_backend_init();
        return true;
    }();
    static_cast<void>(started);
}

LlamaLines::LlamaLines() {
    const std::lock_guard lock(complaints().mutex);
    complaints().keeps_lines = true;
}

LlamaLines::~LlamaLines() {
    const std::lock_guard lock(complaints().mutex);
    complaints().keeps_lines = false;
    complaints().lines.clear();
}

std::vector<std::string> LlamaLines::all() const {
    const std::lock_guard lock(complaints().mutex);
    return complaints().lines;
}

std::string llama_complaint() {
    Complaints& kept = complaints();
    const std::lock_guard lock(kept.mutex);
    std::string line = kept.first_error.empty() ? kept.last_warning : kept.first_error;
    const size_t function_end = line.find(": ");  // "llama_model_load: error loading model: ..."
    return function_end == std::string::npos ? line : line.substr(function_end + 2);
}

// "unable to allocate CPU buffer", "ggml_aligned_malloc: insufficient memory (...)", "CUDA error:
// out of memory", what the C library and the C++ one say.
bool is_about_memory(std::string_view complaint) {
    constexpr std::string_view kWords[] = {"failed to allocate",     "unable to allocate",
                                           "insufficient memory",    "out of memory",
                                           "Cannot allocate memory", "bad_alloc"};
    return std::ranges::any_of(kWords, [&](std::string_view words) {
        return complaint.find(words) != std::string_view::npos;
    });
}

void forget_llama_complaints() {
    Complaints& kept = complaints();
    const std::lock_guard lock(kept.mutex);
    kept.first_error.clear();
    kept.last_warning.clear();
}

}  // namespace bitgauge
