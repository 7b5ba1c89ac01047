#include "cli/chat_context.h"

#include <algorithm>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/bisection.h"
#include "base/units.h"

namespace bitgauge {
namespace {

constexpr uint64_t kUsualTokens = 8192;
constexpr uint64_t kLeastTokens = 512;
constexpr uint64_t kStep = 256;  // libllama's own, of keys and values
constexpr uint64_t kCallTokens = 512;

// Scores are none of it: libllama uses flash attention where it can.
uint64_t needed_bytes(const GgufFile& model, uint64_t tokens) {
    const EvaluationMemory memory = evaluation_memory(model, tokens, 1, kCallTokens);
    return memory.weights + memory.context() + memory.compute;
}

// 0: the file does not say.
uint64_t trained_tokens(const GgufFile& model) {
    const auto tokens = model.integer(model.architecture() + ".context_length");
    return static_cast<uint64_t>(std::max<int64_t>(tokens.value_or(0), 0));
}

// A multiple of kStep, not above `most`; 0 where nothing fits.
uint64_t most_that_fit(const GgufFile& model, uint64_t most, uint64_t bytes) {
    const auto fits = [&](uint64_t n) { return needed_bytes(model, n * kStep) <= bytes; };
    return (first_beyond(1, most / kStep + 1, fits) - 1) * kStep;
}

std::string short_of_memory(const GgufFile& model, uint64_t tokens, const MemoryRoom& room) {
    const uint64_t needed = needed_bytes(model, tokens);
    if (needed <= room.bytes) return "";
    return fmt::format(
        "{} are needed with a context of {} tokens, and {} has {} left: reading will "
        "be slow",
        format_bytes(needed), format_count(tokens), room.bound_by, format_bytes(room.bytes));
}

ChatContext asked_context(const GgufFile& model, uint64_t asked, const MemoryRoom& room) {
    const uint64_t context = evaluation_memory(model, asked, 1, kCallTokens).context();
    if (context > room.bytes) {
        throw Error(ErrorKind::kEnvironment,
                    fmt::format("a context of {} tokens needs {} beside the weights, and {} has {} "
                                "left",
                                format_count(asked), format_bytes(context), room.bound_by,
                                format_bytes(room.bytes)),
                    "a smaller --ctx-size needs less");
    }
    ChatContext chosen = {.tokens = static_cast<uint32_t>(asked),
                          .why = "as asked for",
                          .warning = short_of_memory(model, asked, room)};
    const uint64_t trained = trained_tokens(model);
    if (trained > 0 && asked > trained) {
        chosen.warning = fmt::format(
            "the model was trained with {} tokens, fewer than the {} of the "
            "context",
            format_count(trained), format_count(asked));
    }
    return chosen;
}

}  // namespace

ChatContext choose_context(const GgufFile& model, uint64_t asked, const MemoryRoom& room) {
    if (asked > 0) return asked_context(model, asked, room);
    const uint64_t trained = trained_tokens(model);
    const bool short_training = trained > 0 && trained <= kUsualTokens;
    const uint64_t wanted = short_training ? trained : kUsualTokens;
    const std::string trained_text =
        trained > 0 ? fmt::format("the model was trained with {}", format_count(trained))
                    : "the file does not say what the model was trained with";
    if (needed_bytes(model, wanted) <= room.bytes) {
        return {static_cast<uint32_t>(wanted), trained_text, ""};
    }
    const uint64_t fitting =
        std::max(most_that_fit(model, wanted, room.bytes), std::min(wanted, kLeastTokens));
    return {
        static_cast<uint32_t>(fitting),
        fmt::format("{}, {} has {} left", trained_text, room.bound_by, format_bytes(room.bytes)),
        short_of_memory(model, fitting, room)};
}

}  // namespace bitgauge
