#pragma once

// What `bitgauge run` says of a conversation beside the answers.

#include <string>

#include "bitgauge/chat.h"

namespace bitgauge {

// Sums over the answers of a session.
struct ChatTotals {
    uint64_t read_tokens = 0;     // of prompts
    uint64_t reused_tokens = 0;   // of prompts, not read again
    uint64_t decoded_tokens = 0;  // of answers, one call each
    uint64_t answer_tokens = 0;
    double prompt_s = 0;
    double answer_s = 0;

    void add(const ChatTurn& turn);
};

// "prompt 12 tokens, 345 tokens/s; answer 32 tokens, 120 tokens/s"
std::string speed_text(const ChatTotals& totals);

// Why an answer is not complete, or what it did not see; "" for neither.
std::string end_note(const ChatTurn& turn, uint32_t context_tokens);
std::string left_out_note(const ChatTurn& turn, uint32_t context_tokens);

}  // namespace bitgauge
