#pragma once

// Prompts that begin alike, so that what they share is read once and copied.

#include <cstddef>
#include <span>
#include <vector>

#include "engine/token_reader.h"

namespace bitgauge {

using Tokens = std::span<const TokenId>;

// Prompts, by their index, and how many tokens all of them begin with: fewer than any of them has.
// 0: of those that nothing is gained for, which are one group.
struct PromptGroup {
    std::vector<size_t> prompts;
    size_t shared = 0;
};

// Every prompt in one group, so that the most tokens are saved of what reading each by itself
// takes; a copy and a further call count as some. Prompts keep their order within a group, groups
// that of their first prompts. For n prompts of which u at most begin alike: n * u steps.
std::vector<PromptGroup> group_by_beginning(std::span<const Tokens> prompts);

// The longest beginning that a group shares, in tokens.
size_t longest_shared(std::span<const PromptGroup> groups);

// Reads `beginning` into a sequence, in calls of its own, and no further: recurrent layers cannot
// go back, so what is copied from there goes on after its last token. Throws Error(kInterrupted)
// between two calls.
void read_beginning(TokenReader& reader, Tokens beginning, int32_t sequence);

}  // namespace bitgauge
