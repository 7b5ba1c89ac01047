#include "chat/answer_writer.h"

#include <algorithm>
#include <cmath>

#include "base/clock.h"
#include "base/interrupt.h"
#include "text/whole_characters.h"

namespace bitgauge {
namespace {

bool has_nan(std::span<const float> logits) {
    return std::ranges::any_of(logits, [](float logit) { return std::isnan(logit); });
}

}  // namespace

// The answer's text as it grows, given on in whole characters.
class AnswerWriter::GrowingText {
  public:
    GrowingText(ChatTurn& turn, const OnText& on_text) : turn_(turn), on_text_(on_text) {}
    void add(const std::string& bytes) { give(characters_.add(bytes)); }
    void finish() { give(characters_.finish()); }

  private:
    void give(const std::string& text) {
        if (text.empty()) return;
        turn_.text += text;
        on_text_(text);
    }

    ChatTurn& turn_;
    const OnText& on_text_;
    WholeCharacters characters_;
};

AnswerWriter::AnswerWriter(TokenReader& reader, const TokenWords& words,
                           const WriterOptions& options)
    : reader_(reader), words_(words), options_(options) {}

ChatTurn AnswerWriter::write(std::span<const TokenId> prompt, const std::string& begun,
                             const OnText& on_text) {
    ChatTurn turn = {.prompt_tokens = prompt.size()};
    const double started = steady_seconds();
    Sampler sampler(options_.sampling, options_.seed + written_++, options_.vocabulary);
    for (const TokenId token : prompt) sampler.accept(token);
    try {
        turn.reused_tokens = reuse(prompt);
        const bool all = read(prompt.subspan(turn.reused_tokens));
        turn.prompt_s = steady_seconds() - started;
        turn.end = ChatTurn::End::kInterrupted;
        if (all) write_on(turn, begun, on_text, sampler);
    } catch (...) {
        reader_.forget_all();
        read_.clear();
        throw;
    }
    turn.answer_s = steady_seconds() - started - turn.prompt_s;
    return turn;
}

// The longest beginning that was read before stays; the last token is read in any case, because
// what follows it is wanted.
uint64_t AnswerWriter::reuse(std::span<const TokenId> prompt) {
    const auto differ = std::ranges::mismatch(read_, prompt);
    const auto same = std::min<size_t>(differ.in2 - prompt.begin(), prompt.size() - 1);
    if (same == read_.size()) return same;
    const bool kept = same > 0 && reader_.keep(0, static_cast<int32_t>(same));
    if (!kept) reader_.forget_all();
    read_.resize(kept ? same : 0);
    return read_.size();
}

// False at Ctrl-C, between two calls.
bool AnswerWriter::read(std::span<const TokenId> tokens) {
    std::vector<BatchToken> call;
    while (!tokens.empty() && !interrupted()) {
        const size_t n = std::min<size_t>(tokens.size(), reader_.call_tokens());
        call.clear();
        for (size_t i = 0; i < n; ++i) {
            call.push_back({.token = tokens[i],
                            .position = static_cast<int32_t>(read_.size() + i),
                            .output = i + 1 == tokens.size()});
        }
        reader_.read(call);
        read_.insert(read_.end(), tokens.begin(), tokens.begin() + static_cast<ptrdiff_t>(n));
        tokens = tokens.subspan(n);
    }
    return tokens.empty();
}

// Nothing while the answer goes on.
std::optional<ChatTurn::End> AnswerWriter::write_token(ChatTurn& turn, GrowingText& text,
                                                       Sampler& sampler) {
    const auto logits = reader_.logits(0);
    if (has_nan(logits)) return ChatTurn::End::kNotFinite;
    const TokenId token = sampler.next(logits);
    ++turn.answer_tokens;
    if (words_.ends_answer(token)) return ChatTurn::End::kComplete;
    text.add(words_.text(token));
    if (turn.answer_tokens == options_.answer_tokens) return ChatTurn::End::kBudget;
    if (read_.size() >= options_.window_tokens) return ChatTurn::End::kContextFull;
    if (!read({&token, 1})) return ChatTurn::End::kInterrupted;
    return std::nullopt;
}

void AnswerWriter::write_on(ChatTurn& turn, const std::string& begun, const OnText& on_text,
                            Sampler& sampler) {
    GrowingText text(turn, on_text);
    text.add(begun);
    std::optional<ChatTurn::End> end;
    while (!end) end = write_token(turn, text, sampler);
    turn.end = *end;
    text.finish();
}

}  // namespace bitgauge
