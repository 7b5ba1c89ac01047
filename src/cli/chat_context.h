#pragma once

// How many tokens a conversation may have: as many as were asked for, or as there is memory for.

#include <cstdint>
#include <optional>
#include <string>

#include "bitgauge/gguf.h"
#include "bitgauge/hardware.h"

namespace bitgauge {

struct ChatWish {
    // Of the context; nothing: the most that the model was trained with, that fit in memory beside
    // the weights, and 8,192; 0: all that the model was trained with.
    std::optional<uint64_t> tokens;
    std::string key_type = "f16";  // ggml's names
    std::string value_type = "f16";
    // For machines with cards; nothing: as much there as fits.
    std::optional<uint32_t> gpu_layers;
    std::optional<uint32_t> cpu_expert_layers;
};

struct ChatContext {
    uint32_t tokens = 0;
    std::string why;      // "the model was trained with 2,048"
    std::string warning;  // "" for none
};

// On a machine without cards. Error(kEnvironment) when keys and values of what was asked for need
// more memory than there is, Error(kInput) where the file does not say what the model was trained
// with and that was asked for. A pure function.
ChatContext choose_context(const GgufFile& model, const ChatWish& wish, const MemoryRoom& room);

// --- shared with machines that have cards -------------------------------------------------------

// Tokens; 0: the file does not say.
uint64_t trained_tokens(const GgufFile& model);
// The context that is tried first where none was asked for.
uint64_t usual_context(uint64_t trained);
std::string training_text(uint64_t trained);
// What was asked for, of a model that was trained with `trained` tokens; without a warning but that
// the model has seen fewer.
ChatContext asked_context(const ChatWish& wish, uint64_t trained);
[[noreturn]] void refuse_context(uint64_t tokens, uint64_t needed_bytes, const MemoryRoom& room);

constexpr uint64_t kLeastChatTokens = 512;
constexpr uint64_t kContextStep = 256;  // libllama's own, of keys and values

}  // namespace bitgauge
