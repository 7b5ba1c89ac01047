#pragma once

// When a generated answer is right. Text is UTF-8. Everything is thread-safe.
//
// Reasoning comes first: what stands before the last "</think>" does not count, and where a
// "<think>" follows it without its end, the answer is wrong. A caller whose chat template has
// opened the block already puts "<think>" in front of the answer. Then, by kind:
//
// kLetter  The last "Answer: X" (also "answer is X", with **, $, brackets or \boxed around X), else
//          the last "\boxed{X}", else the last "(X)", else a text that is X alone. X counts only
//          where no letter or digit follows, and after "Answer:" only where no further word follows
//          without punctuation ("Answer: I think" names nothing). Small letters count except in
//          "(X)". A letter that is not one of the choices is wrong.
// kValue   The last "\boxed{...}", else what follows the last "Answer:" or "####" on its line.
// Right
//          if equal as text (blanks, $, \left, \text and thousands' commas aside), as plain
//          numbers, or to math-verify (Kydlíček 2025), a Python package on SymPy.
// kCode    The last block fenced as ```python, ```py or ```; else the whole text. It runs after
//          `prelude` and, where that is complete Python, `starter`; an answer that is not complete
//          Python itself is taken to go on from `starter`. Right if all tests or cases pass.
//
// Code is only ever run inside bubblewrap: without network and home, with a file system that is
// read-only but for 64 MiB of /tmp, as a user without rights, under limits on time, memory,
// processes, output (16 MiB) and sizes of files (16 MiB). The limit on memory is each process's
// own. It is a fence against accidents and against malice without an exploit of the kernel. A
// program that looks for the way its tests tell success may find it; what models write does not
// look.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "bitgauge/questions.h"

namespace bitgauge {

struct Verdict {
    bool correct = false;
    std::string found;  // letter, expression or program that was taken from the answer; "": none
    std::string note;   // why it is wrong, in words; "" where nothing is to be said
};

struct JudgeLimits {
    std::chrono::milliseconds code_time{10'000};     // wall clock; all tests together, or each case
    uint64_t code_memory_bytes = uint64_t{1} << 30;  // address space of each process
    uint64_t code_processes = 16;
    std::chrono::milliseconds value_time{5'000};  // wall clock of one comparison by math-verify
};

// One verdict per question, in their order; answers[i] is the text generated for questions[i].
// Requires equally many of both. Error(kInput) for kContinuation. Error(kEnvironment) where a
// comparison needs math-verify and there is none, or code is to be run and there is no sandbox;
// Error(kInterrupted).
std::vector<Verdict> judge_answers(std::span<const Question> questions,
                                   std::span<const std::string> answers,
                                   const JudgeLimits& limits = {});

struct SandboxState {
    bool available = false;
    std::string reason;  // why not
};

// Tries it: a program that does nothing has to end well.
SandboxState sandbox_available();

}  // namespace bitgauge
