#pragma once

// How much of a history a context has room for.

#include <cstdint>
#include <functional>
#include <vector>

#include "bitgauge/chat.h"
#include "bitgauge/token.h"

namespace bitgauge {

struct FittedHistory {
    std::vector<TokenId> tokens;  // of the prompt
    size_t left_out = 0;          // turns
};

// The prompt of a history without its first `left_out` turns.
using PromptOf = std::function<std::vector<TokenId>(size_t left_out)>;

// All of the history if `room` tokens are left for the answer in a context of `window` tokens. Else
// without the oldest of its `turns`, as few as it takes to leave half of the context free (and the
// room), so that not every turn from then on begins with another prompt. The newest message, which
// is no turn yet, is always there: Error(kInput) where it leaves no room for a single token.
// Requires a longer history to have a longer prompt.
FittedHistory fit_history(size_t turns, uint32_t window, uint32_t room, const PromptOf& prompt_of);

// Tokens of the context that are kept free for an answer of at most `answer_tokens` (0: any
// length).
uint32_t room_for_answer(uint32_t window, uint32_t answer_tokens);

}  // namespace bitgauge
