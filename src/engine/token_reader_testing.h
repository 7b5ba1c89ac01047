#pragma once

// A reader whose logits are written by the test: what follows a sequence's tokens.

#include <functional>
#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "engine/token_reader.h"

namespace bitgauge {

class ScriptedReader : public TokenReader {
  public:
    using Script = std::function<std::vector<float>(const std::vector<TokenId>& read)>;

    explicit ScriptedReader(Script script, uint32_t call_tokens = 7)
        : script_(std::move(script)), call_tokens_(call_tokens) {}

    uint32_t call_tokens() const override { return call_tokens_; }
    void forget_all() override { read_.clear(); }
    void forget(int32_t sequence) override { read_.erase(sequence); }
    void copy(int32_t from, int32_t to) override { read_[to] = read_[from]; }
    bool keep(int32_t sequence, int32_t first) override {
        if (can_go_back) read_[sequence].resize(static_cast<size_t>(first));
        return can_go_back;
    }

    void read(std::span<const BatchToken> batch) override {
        ASSERT_LE(batch.size(), call_tokens_);
        ++calls;
        tokens += batch.size();
        logits_.clear();
        int32_t last = -1;
        for (const BatchToken& token : batch) {
            if (token.sequence != last && token.sequence != last + 1) ++gaps;
            last = token.sequence;
            auto& sequence = read_[token.sequence];
            ASSERT_EQ(static_cast<size_t>(token.position), sequence.size());
            sequence.push_back(token.token);
            if (token.output) logits_.push_back(script_(sequence));
        }
    }
    std::span<const float> logits(size_t output) const override { return logits_.at(output); }

    int calls = 0;
    size_t tokens = 0;  // of all calls
    int gaps = 0;       // sequences that do not follow the one before, counted from 0 in each call
    bool can_go_back = true;

  private:
    Script script_;
    uint32_t call_tokens_;
    std::map<int32_t, std::vector<TokenId>> read_;
    std::vector<std::vector<float>> logits_;
};

// Token n reads as the letter 'a' + n; the last of `vocabulary` ends an answer.
class LetterWords : public TokenWords {
  public:
    explicit LetterWords(TokenId vocabulary) : vocabulary_(vocabulary) {}
    std::string text(TokenId token) const override {
        return std::string(1, static_cast<char>('a' + token));
    }
    bool ends_answer(TokenId token) const override { return token == vocabulary_ - 1; }

  private:
    TokenId vocabulary_;
};

}  // namespace bitgauge
