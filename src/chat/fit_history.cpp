#include "chat/fit_history.h"

#include <algorithm>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/bisection.h"
#include "base/units.h"

namespace bitgauge {
namespace {

void require_fits(size_t tokens, uint32_t window) {
    if (tokens == 0) {
        throw Error(ErrorKind::kInput, "no token is left of the message",
                    "the tokenizer or the chat template drops all of it");
    }
    if (tokens < window) return;
    throw Error(ErrorKind::kInput,
                fmt::format("the message has {} tokens with all that goes with it, and the context "
                            "of {} has room for {}",
                            format_count(tokens), format_count(window), format_count(window - 1)),
                "give a shorter text, or a larger --ctx-size");
}

}  // namespace

FittedHistory fit_history(size_t turns, uint32_t window, uint32_t room, const PromptOf& prompt_of) {
    FittedHistory fitted = {.tokens = prompt_of(0)};
    if (turns > 0 && fitted.tokens.size() + room > window) {
        const size_t goal = std::min(window - room, window / 2);
        const auto is_too_long = [&](size_t left_out) {
            fitted = {prompt_of(left_out), left_out};
            return fitted.tokens.size() > goal;
        };
        const size_t least = first_beyond(1, turns, is_too_long);  // or all
        if (fitted.left_out != least) fitted = {prompt_of(least), least};
    }
    require_fits(fitted.tokens.size(), window);
    return fitted;
}

uint32_t room_for_answer(uint32_t window, uint32_t answer_tokens) {
    const uint32_t usual = window / 4;
    return answer_tokens == 0 ? usual : std::min(answer_tokens, window / 2);
}

}  // namespace bitgauge
