#include "engine/token_reader.h"

#include <algorithm>

namespace bitgauge {
namespace {

constexpr uint64_t kLogitBytes = uint64_t{256} << 20;
constexpr uint64_t kMostCallTokens = 512;
constexpr uint64_t kLeastCallTokens = 32;

uint32_t call_tokens_for(uint32_t vocabulary, uint32_t least) {
    const uint64_t rows = kLogitBytes / (uint64_t{4} * std::max(vocabulary, 1U));
    return std::max(least,
                    static_cast<uint32_t>(std::clamp(rows, kLeastCallTokens, kMostCallTokens)));
}

class ContextReader : public TokenReader {
  public:
    ContextReader(const Model& model, const ContextShape& shape, const EngineOptions& engine)
        : call_tokens_(shape.call_tokens), context_(model, shape, engine) {}

    uint32_t call_tokens() const override { return call_tokens_; }
    void forget_all() override { context_.clear(); }
    void forget(int32_t sequence) override { context_.forget(sequence); }
    void copy(int32_t from, int32_t to) override { context_.copy(from, to); }
    bool keep(int32_t sequence, int32_t tokens) override { return context_.keep(sequence, tokens); }
    void read(std::span<const BatchToken> tokens) override {
        context_.decode(tokens, Context::Depth::kLogits);
    }
    std::span<const float> logits(size_t output) const override { return context_.logits(output); }

  private:
    uint32_t call_tokens_;
    Context context_;
};

class ModelWords : public TokenWords {
  public:
    explicit ModelWords(const Model& model) : model_(model) {}
    std::string text(TokenId token) const override { return model_.token_text(token); }
    bool ends_answer(TokenId token) const override { return model_.ends_answer(token); }

  private:
    const Model& model_;
};

}  // namespace

std::unique_ptr<TokenReader> reader_of(const Model& model, ContextShape shape,
                                       const EngineOptions& engine) {
    shape.call_tokens = call_tokens_for(model.vocabulary(), shape.call_tokens);
    shape.logits_only = true;
    return std::make_unique<ContextReader>(model, shape, engine);
}

std::unique_ptr<TokenWords> words_of(const Model& model) {
    return std::make_unique<ModelWords>(model);
}

}  // namespace bitgauge
