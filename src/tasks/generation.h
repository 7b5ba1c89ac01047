#pragma once

// Answers written out token by token, many at a time: whoever is done makes room for the next.

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "bitgauge/engine.h"
#include "bitgauge/tasks.h"

#include "engine/token_reader.h"

#include "tasks/ask.h"
#include "tasks/beginnings.h"

namespace bitgauge {

// Answers every prompt and hands each answer on as soon as it is complete, in the order they are.
// A prompt that fills the trained context is Answer::End::kTooLong. Throws Error(kInterrupted)
// between two calls.
void generate_answers(const Model& model, std::span<const TokenizedPrompt> prompts,
                      const AnswerSettings& settings, const EngineOptions& engine,
                      const std::function<void(Answer)>& on_answer);

std::vector<Tokens> tokens_of(std::span<const TokenizedPrompt> prompts);

struct GroupedPrompts {
    std::span<const TokenizedPrompt> prompts;
    std::span<const PromptGroup> groups;  // of them: what a group shares is read once
};

// The same by whatever reads: `window_tokens` of memory for each of `sequences` answers at a time,
// and for one sequence more where a group shares a beginning.
void write_answers(TokenReader& reader, const TokenWords& words, const ContextShape& shape,
                   const GroupedPrompts& grouped, const AnswerSettings& settings,
                   const std::function<void(Answer)>& on_answer);

}  // namespace bitgauge
