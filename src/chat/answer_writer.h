#pragma once

// One conversation's place in a model's memory: reads what is new of a prompt, writes the answer.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bitgauge/chat.h"

#include "engine/sampler.h"
#include "engine/token_reader.h"

namespace bitgauge {

struct WriterOptions {
    uint32_t window_tokens = 0;  // of the reader's sequence 0
    uint32_t vocabulary = 0;
    uint32_t answer_tokens = 0;  // 0: as many as the window holds
    SamplingOptions sampling;
    uint32_t seed = 0;
};

// Reader and words must outlive it. Thread-compatible.
class AnswerWriter {
  public:
    AnswerWriter(TokenReader& reader, const TokenWords& words, const WriterOptions& options);

    // `prompt`: 1 to window_tokens - 1 tokens. `begun`: what of the answer stands in the prompt
    // already. Stops at Ctrl-C after the token at hand: End::kInterrupted. An Error of the reader
    // leaves nothing read.
    ChatTurn write(std::span<const TokenId> prompt, const std::string& begun,
                   const OnText& on_text);

  private:
    class GrowingText;

    uint64_t reuse(std::span<const TokenId> prompt);
    bool read(std::span<const TokenId> tokens);
    void write_on(ChatTurn& turn, const std::string& begun, const OnText& on_text,
                  Sampler& sampler);
    std::optional<ChatTurn::End> write_token(ChatTurn& turn, GrowingText& text, Sampler& sampler);

    TokenReader& reader_;
    const TokenWords& words_;
    WriterOptions options_;
    std::vector<TokenId> read_;  // by the reader
    uint32_t written_ = 0;       // answers
};

}  // namespace bitgauge
