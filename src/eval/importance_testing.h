#pragma once

// Importance of the small models over a short text: small windows, one thread.

#include <algorithm>
#include <filesystem>
#include <functional>
#include <vector>

#include "eval/baseline_testing.h"
#include "eval/corpus_pass.h"
#include "eval/encode_corpus.h"

namespace bitgauge {

inline ImportanceOptions options_of(const std::filesystem::path& text,
                                    int32_t stages = kStagesOff) {
    ImportanceOptions options{.texts = {text},
                              .protocol = {.window_tokens = 32, .warmup_tokens = 0},
                              .ubatch_tokens = 32,
                              .engine = one_thread()};
    options.engine.stages = stages;
    return options;
}

inline ImportanceOutcome measured(const std::filesystem::path& model,
                                  const std::filesystem::path& out,
                                  const ImportanceOptions& options,
                                  Progress& progress = silent_progress()) {
    return measure_importance(model, out, options, progress);
}

// In the order in which they are read: long ones first.
inline std::vector<Window> windows_of(const std::filesystem::path& model,
                                      const ImportanceOptions& options) {
    Corpus corpus = read_corpus(options.texts);
    Protocol protocol = options.protocol;
    std::vector<Window> windows =
        encode_corpus(corpus, Model::load_vocabulary(model), protocol).windows;
    for (Window& window : windows) window.first_scored = 0;
    std::ranges::stable_sort(windows, std::greater(),
                             [](const Window& window) { return window.tokens.size(); });
    return windows;
}

}  // namespace bitgauge
