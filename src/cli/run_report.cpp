#include "cli/run_report.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/units.h"

namespace bitgauge {
namespace {

std::string rate_text(uint64_t tokens, double seconds) {
    if (tokens == 0 || seconds <= 0) return "";
    const double rate = static_cast<double>(tokens) / seconds;
    return rate < 100 ? fmt::format(", {:.3g} tokens/s", rate)
                      : fmt::format(", {:.0f} tokens/s", rate);
}

}  // namespace

// The first token of an answer comes with the prompt's last call.
void ChatTotals::add(const ChatTurn& turn) {
    read_tokens += turn.prompt_tokens - turn.reused_tokens;
    reused_tokens += turn.reused_tokens;
    decoded_tokens += turn.answer_tokens - std::min<uint64_t>(turn.answer_tokens, 1);
    answer_tokens += turn.answer_tokens;
    prompt_s += turn.prompt_s;
    answer_s += turn.answer_s;
}

std::string speed_text(const ChatTotals& totals) {
    const std::string reused =
        totals.reused_tokens > 0
            ? fmt::format(" ({} more were known)", format_count(totals.reused_tokens))
            : "";
    return fmt::format("prompt {}{}{}; answer {}{}", counted(totals.read_tokens, "token"),
                       rate_text(totals.read_tokens, totals.prompt_s), reused,
                       counted(totals.answer_tokens, "token"),
                       rate_text(totals.decoded_tokens, totals.answer_s));
}

std::string end_note(const ChatTurn& turn, uint32_t context_tokens) {
    if (turn.end == ChatTurn::End::kContextFull) {
        return fmt::format("the answer ends here: the context of {} tokens is full",
                           format_count(context_tokens));
    }
    return turn.end == ChatTurn::End::kInterrupted ? "(stopped)" : "";
}

std::string left_out_note(const ChatTurn& turn, uint32_t context_tokens) {
    if (turn.left_out == 0) return "";
    return fmt::format(
        "the context of {} tokens is full: the oldest {} left out from here on, {} "
        "stay; this is said once",
        format_count(context_tokens),
        counted(turn.left_out, "turn") + (turn.left_out == 1 ? " is" : " are"),
        format_count(turn.kept));
}

}  // namespace bitgauge
