#include "cli/chat_context.h"

#include <algorithm>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"

#include "base/bisection.h"
#include "base/units.h"

namespace bitgauge {
namespace {

constexpr uint64_t kUsualTokens = 8192;
constexpr uint64_t kCallTokens = 512;

// What keys and values take, of those in 16 bits.
double kept_share(const ChatWish& wish) {
    return (find_type(wish.key_type)->bits_per_weight() +
            find_type(wish.value_type)->bits_per_weight()) /
           32;
}

// Of the machine's memory, beside the weights.
class NeededMemory {
  public:
    NeededMemory(const GgufFile& model, const ChatWish& wish)
        : model_(model), kept_share_(kept_share(wish)) {}

    uint64_t context(uint64_t tokens) const { return context_of(memory(tokens)); }
    // Scores are none of it: libllama uses flash attention where it can.
    uint64_t all(uint64_t tokens) const {
        const EvaluationMemory needs = memory(tokens);
        return needs.weights + context_of(needs) + needs.compute;
    }
    // A multiple of the step, not above `most`; 0 where nothing fits.
    uint64_t most_tokens(uint64_t most, uint64_t bytes) const {
        const auto fits = [&](uint64_t n) { return all(n * kContextStep) <= bytes; };
        return (first_beyond(1, most / kContextStep + 1, fits) - 1) * kContextStep;
    }
    std::string shortage(uint64_t tokens, const MemoryRoom& room) const {
        const uint64_t needed = all(tokens);
        if (needed <= room.bytes) return "";
        return fmt::format(
            "{} are needed with a context of {} tokens, and {} has {} left: reading will "
            "be slow",
            format_bytes(needed), format_count(tokens), room.bound_by, format_bytes(room.bytes));
    }

  private:
    EvaluationMemory memory(uint64_t tokens) const {
        return evaluation_memory(model_, tokens, 1, kCallTokens);
    }
    uint64_t context_of(const EvaluationMemory& needs) const {
        return needs.recurrent +
               static_cast<uint64_t>(static_cast<double>(needs.keys_values) * kept_share_);
    }

    const GgufFile& model_;
    double kept_share_;
};

ChatContext asked_within(const NeededMemory& needed, const ChatWish& wish, uint64_t trained,
                         const MemoryRoom& room) {
    ChatContext context = asked_context(wish, trained);
    const uint64_t kept = needed.context(context.tokens);
    if (kept > room.bytes) refuse_context(context.tokens, kept, room);
    if (context.warning.empty()) context.warning = needed.shortage(context.tokens, room);
    return context;
}

}  // namespace

uint64_t trained_tokens(const GgufFile& model) {
    const auto tokens = model.integer(model.architecture() + ".context_length");
    return static_cast<uint64_t>(std::clamp<int64_t>(tokens.value_or(0), 0, INT32_MAX));
}

uint64_t usual_context(uint64_t trained) {
    return trained > 0 ? std::min(trained, kUsualTokens) : kUsualTokens;
}

std::string training_text(uint64_t trained) {
    return trained > 0 ? fmt::format("the model was trained with {}", format_count(trained))
                       : "the file does not say what the model was trained with";
}

ChatContext asked_context(const ChatWish& wish, uint64_t trained) {
    const uint64_t asked = wish.tokens.value_or(0);
    if (asked == 0 && trained == 0) {
        throw Error(ErrorKind::kInput, training_text(trained), "give --ctx-size a number");
    }
    if (asked == 0) return {static_cast<uint32_t>(trained), "all the model was trained with", ""};
    ChatContext context{static_cast<uint32_t>(asked), "as asked for", ""};
    if (trained > 0 && asked > trained) {
        context.warning =
            fmt::format("the model was trained with {} tokens, fewer than the {} of the context",
                        format_count(trained), format_count(asked));
    }
    return context;
}

void refuse_context(uint64_t tokens, uint64_t needed_bytes, const MemoryRoom& room) {
    throw Error(ErrorKind::kEnvironment,
                fmt::format("a context of {} tokens needs {} beside the weights, and {} has {} "
                            "left",
                            format_count(tokens), format_bytes(needed_bytes), room.bound_by,
                            format_bytes(room.bytes)),
                "a smaller --ctx-size needs less");
}

ChatContext choose_context(const GgufFile& model, const ChatWish& wish, const MemoryRoom& room) {
    const NeededMemory needed(model, wish);
    const uint64_t trained = trained_tokens(model);
    if (wish.tokens) return asked_within(needed, wish, trained, room);
    const uint64_t wanted = usual_context(trained);
    if (needed.all(wanted) <= room.bytes) {
        return {static_cast<uint32_t>(wanted), training_text(trained), ""};
    }
    const uint64_t fitting =
        std::max(needed.most_tokens(wanted, room.bytes), std::min(wanted, kLeastChatTokens));
    return {static_cast<uint32_t>(fitting),
            fmt::format("{}, {} has {} left", training_text(trained), room.bound_by,
                        format_bytes(room.bytes)),
            needed.shortage(fitting, room)};
}

}  // namespace bitgauge
