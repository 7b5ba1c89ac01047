#pragma once

// Whatever reads tokens in several sequences and says what may follow: a model's context, or the
// script of a test.

#include <memory>
#include <span>
#include <string>

#include "bitgauge/engine.h"

namespace bitgauge {

// Sequences are numbered from 0; each has its own memory of earlier tokens. Thread-compatible.
class TokenReader {
  public:
    virtual ~TokenReader() = default;
    virtual uint32_t call_tokens() const = 0;  // most of one read()
    virtual void forget_all() = 0;
    virtual void forget(int32_t sequence) = 0;
    virtual void copy(int32_t from, int32_t to) = 0;
    virtual bool keep(int32_t sequence, int32_t tokens) = 0;  // as of Context
    virtual void read(std::span<const BatchToken> tokens) = 0;
    // After the i-th token of the last read() that asked for output; one per entry of the
    // vocabulary.
    virtual std::span<const float> logits(size_t output) const = 0;
};

// What tokens stand for.
class TokenWords {
  public:
    virtual ~TokenWords() = default;
    virtual std::string text(TokenId token) const = 0;
    virtual bool ends_answer(TokenId token) const = 0;
};

// Of a model, which must outlive them. `shape.call_tokens` is chosen so that the logits of a call
// fill at most 256 MiB, but is at least what is given.
std::unique_ptr<TokenReader> reader_of(const Model& model, ContextShape shape,
                                       const EngineOptions& engine);
std::unique_ptr<TokenWords> words_of(const Model& model);

}  // namespace bitgauge
