#pragma once

// The small models of the tree, quantized files made of them, and what libllama says after a few
// tokens: the truth that tests of this room and of eval compare with.

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "bitgauge/engine.h"

namespace bitgauge {

inline std::filesystem::path fresh_folder(const std::string& name) {
    auto folder = std::filesystem::temp_directory_path() / ("bitgauge_test_" + name);
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    return folder;
}

// Llama, F32, width 128, 105 tokens, tied head, BOS before a text.
inline std::filesystem::path baby_llama() {
    return std::filesystem::path(BITGAUGE_TEST_DATA) / "babyllama105/babyllama105-f32.gguf";
}
// Qwen3.5-MoE, BF16, width 256, 4096 tokens, a head of its own, no BOS.
inline std::filesystem::path tiny_moe() {
    return std::filesystem::path(BITGAUGE_TEST_DATA) / "../../data/tinymoe/tinymoe-BF16.gguf";
}

// Two processes of ggml with several threads each wait for one another.
inline EngineOptions one_thread() {
    return {.threads = 1};
}

// Every matrix of `original` in one type, or llama.cpp's mixture of that name, as libllama itself
// makes it; in `folder`.
std::filesystem::path quantized(const std::filesystem::path& original, const std::string& type,
                                const std::filesystem::path& folder, bool pure = true);

// What libllama allocated for a model and a context that it really loaded, as its log says, buffer
// by buffer.
struct LoadedMemory {
    uint64_t weights = 0;
    uint64_t kept = 0;  // keys, values, states
    uint64_t compute = 0;
    uint64_t output = 0;

    uint64_t total() const { return weights + kept + compute + output; }
};
LoadedMemory loaded_memory(const std::filesystem::path& model, uint32_t tokens,
                           const std::string& key_value_type);

// Tokens that are the same on every machine and visit all of a vocabulary.
inline std::vector<TokenId> some_tokens(size_t n, uint32_t vocabulary) {
    std::vector<TokenId> tokens;
    uint32_t x = 12345;
    for (size_t i = 0; i < n; ++i) {
        x = x * 1664525 + 1013904223;
        tokens.push_back(static_cast<TokenId>((x >> 8) % vocabulary));
    }
    return tokens;
}

// Values in [-1, 1] without a pattern that blocks could profit from.
inline std::vector<float> waves(size_t n, float step = 1) {
    std::vector<float> values(n);
    for (size_t i = 0; i < n; ++i) {
        const auto x = static_cast<float>(i) * step;
        values[i] = std::sin(x) * std::cos(0.37F * x);
    }
    return values;
}

// Final states and logits of libllama itself, one row per token.
struct WholeRun {
    size_t rows = 0, width = 0, vocabulary = 0;
    std::vector<float> states, logits;
};

inline WholeRun run_whole(const std::filesystem::path& path, size_t n_tokens) {
    const Model model = Model::load(path, one_thread());
    const auto n = static_cast<uint32_t>(n_tokens);
    Context context(model, {.window_tokens = n, .sequences = 1, .call_tokens = n}, one_thread());
    const std::vector<TokenId> ids = some_tokens(n_tokens, model.vocabulary());
    std::vector<BatchToken> tokens;
    for (size_t i = 0; i < n_tokens; ++i) {
        tokens.push_back({.token = ids[i], .position = static_cast<int32_t>(i), .output = true});
    }
    context.decode(tokens, Context::Depth::kLogits);
    WholeRun run{.rows = n_tokens, .width = model.width(), .vocabulary = model.vocabulary()};
    run.states.assign(context.states().begin(), context.states().end());
    for (size_t i = 0; i < n_tokens; ++i) {
        const auto row = context.logits(i);
        run.logits.insert(run.logits.end(), row.begin(), row.end());
    }
    return run;
}

}  // namespace bitgauge
