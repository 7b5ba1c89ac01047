#pragma once

// Which of several texts a model finds likeliest, many questions per call.

#include <functional>
#include <span>
#include <vector>

#include "bitgauge/engine.h"
#include "bitgauge/tasks.h"

#include "engine/token_reader.h"

#include "tasks/ask.h"
#include "tasks/beginnings.h"

namespace bitgauge {

// The tokens of one question: what all choices begin with, and what each goes on with.
struct ChoiceTokens {
    std::vector<TokenId> common;
    std::vector<std::vector<TokenId>> own;  // one per choice, not empty

    size_t required() const;  // tokens of memory
};

// The longest common beginning is taken off, but for the last token of the shortest. Prompt and
// choice are tokenized together, as llama-perplexity does: a blank may become part of the choice.
ChoiceTokens choice_tokens(std::span<const std::vector<TokenId>> whole);

struct TokenizedChoices {
    std::string key;
    ChoiceTokens tokens;
};

// How much of a reader's memory is used at a time.
struct ReaderRoom {
    size_t tokens = 4096;   // over all sequences; a beginning that is shared counts once
    size_t sequences = 64;  // one per choice
};

struct GroupedChoices {
    std::span<const TokenizedChoices> questions;
    std::span<const PromptGroup> groups;  // of them: what a group shares is read once
};
std::vector<PromptGroup> group_choices(std::span<const TokenizedChoices> questions);

// Answers every question, group by group, and hands each on as soon as it is known. Requires that
// each fits into the room by itself; a beginning that a group shares has a sequence of its own
// beyond the room. Throws Error(kInterrupted) between two calls.
void weigh_choices(TokenReader& reader, const ReaderRoom& room, const GroupedChoices& grouped,
                   const std::function<void(Answer)>& on_answer);

// The same for texts, by a model.
void weigh_choices(const Model& model, std::span<const ChoicePrompt> prompts,
                   const EngineOptions& engine, const std::function<void(Answer)>& on_answer);

}  // namespace bitgauge
