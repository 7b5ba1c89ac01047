#pragma once

// Judges of one kind of answer each, after the reasoning was taken off (answer_text.h).

#include <span>
#include <string>
#include <vector>

#include "bitgauge/verdict.h"

#include "questions/sandbox.h"

namespace bitgauge {

Verdict judge_letter(const Question& question, const std::string& text);

// Right as text or as a number, else to be compared.
Verdict judge_value_text(const Question& question, const std::string& text);

// A value that was found, and whether it is right is for math-verify to say.
struct OpenValue {
    std::string right;
    Verdict* verdict;
};

// One process for all. Error(kEnvironment) where there is no math-verify.
void judge_open_values(std::span<const OpenValue> values, const JudgeLimits& limits);

Verdict judge_code(const Question& question, const std::string& text, const Sandbox& sandbox);

}  // namespace bitgauge
