#pragma once

// Where a conversation's model goes on a machine with cards, and how many tokens it may have there:
// what `bitgauge fit` says, with a context that is chosen too.

#include <cstdint>
#include <filesystem>
#include <string>

#include "bitgauge/engine.h"
#include "bitgauge/gguf.h"
#include "bitgauge/placement.h"
#include "bitgauge/progress.h"

#include "cli/chat_context.h"

namespace bitgauge {

struct ChatPlacement {
    ChatContext context;
    Placement placement;  // kNowhere: it is tried nevertheless, as it was asked for
    std::string where;    // "all on the card: 21.28 GiB of 23.00 GiB there are taken"
};

// What is not asked for is chosen: of the context the most up to usual_context(), but rather fewer
// tokens, down to 4,096, than anything in main memory; llama.cpp's own programs shorten the context
// to the same length before they move a layer. What does not fit is placed as if main memory had no
// end, with a warning. Error(kEnvironment) when keys and values of the context that was asked for
// are more than all memories. A pure function; `curve` knows what contexts take with the wish's
// types.
ChatPlacement place_chat(const ModelParts& parts, const ContextCurve& curve, uint64_t trained,
                         const Machine& machine, const ChatWish& wish);

// The same for a file, of which libllama says what contexts take. Errors as of simulate_loading().
ChatPlacement place_chat(const std::filesystem::path& path, const GgufFile& model,
                         const Machine& machine, const ChatWish& wish, const Isolation& isolation,
                         Progress& progress);

}  // namespace bitgauge
