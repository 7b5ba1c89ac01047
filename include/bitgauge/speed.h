#pragma once

// How fast files read prompts and generate text on this machine, and how fast each type of weights
// is multiplied with.
//
// Prompts and generation follow llama-bench (defaults, calls and what is timed), so the tokens per
// second compare with its tables. Several files take turns, repetition by repetition, every other
// round in reverse order: what slows the machine for a while slows them all, and ratios are taken
// within a round. One bench at a time per process, and none beside other work: threads of two
// programs wait for each other.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "bitgauge/estimate.h"
#include "bitgauge/eval.h"
#include "bitgauge/progress.h"

namespace bitgauge {

struct SpeedOptions {
    uint32_t prompt = 512;                  // tokens of a prompt; 0: no prompt is timed
    uint32_t generate = 128;                // tokens generated; 0: none
    std::vector<uint32_t> depths = {0};     // tokens that stand before
    std::vector<uint32_t> sequences = {1};  // at once
    uint32_t repetitions = 5;
    uint32_t batch_tokens = 2048;  // most tokens of one call
    uint32_t ubatch_tokens = 512;  // most tokens of one graph
    EngineOptions engine;          // `stages` and `single_precision` are not used
    Isolation isolation;
};

// Middle and ends of a few repetitions; all 0 for none.
struct Spread {
    double median = 0;
    double least = 0;
    double most = 0;
};

// One file in one test.
struct FileSpeed {
    std::vector<double> seconds;  // one per repetition
    Spread tokens_per_second;
    // Tokens per second of this file over those of the first one: exp of the mean of the
    // repetitions' log ratios, 95 % by Student's t; no interval for one repetition, 1 for the first
    // file.
    Estimate ratio_to_first;
    // Generation in one sequence alone, else 0: the file's decoded_weight_bytes plus the keys and
    // values at the middle of the run (as if every layer looked at all tokens); times tokens per
    // second.
    double bytes_per_token = 0;
    double bytes_per_second = 0;
};

struct SpeedTest {
    bool generates = false;
    uint32_t tokens = 0;
    uint32_t depth = 0;
    uint32_t sequences = 1;
    std::vector<FileSpeed> files;  // in the order they were given

    std::string name() const;  // as llama-bench has it: "pp512", "tg128 @ d4096"; "tg128 x 4"
};

struct BenchedFile {
    std::filesystem::path path;
    uint64_t file_bytes = 0;
    uint64_t decoded_weight_bytes = 0;  // for one token; of experts those that are used
};

struct SpeedReport {
    std::vector<BenchedFile> files;
    std::vector<SpeedTest> tests;  // by depth, then sequences, prompt before generation
    bool took_turns = true;        // false: not all files fit in memory at once
    uint32_t threads = 1;
    // What memory gives when it is only read, before and after, the better; 0 where weights are on
    // an accelerator or nothing is generated.
    double peak_bytes_per_second = 0;
    EngineDescription engine;
};

// Error(kInput) for a damaged file, with its name, or where there is nothing to time;
// Error(kEnvironment) for want of memory, libllama's or, far beyond what is free, ours;
// Error(kInterrupted). Warns of what is beyond the trained context and of what may not fit.
SpeedReport measure_speed(const std::vector<std::filesystem::path>& files,
                          const SpeedOptions& options, Progress& progress);

// --- types --------------------------------------------------------------------------------------

struct TypeSpeedOptions {
    std::vector<std::string> types;  // ggml's names; empty: all that can be encoded
    uint32_t repetitions = 5;
    uint32_t threads = 0;  // 0: one per core
};

// One type, one shape: weights in `rows` rows of `columns`, times `tokens` columns of inputs.
struct TypeSpeed {
    std::string type;
    uint32_t rows = 0;
    uint32_t columns = 0;
    uint32_t tokens = 0;
    uint64_t bytes = 0;     // of the matrix
    Spread seconds;         // of one product
    Estimate time_ratio;    // to q8_0's, taken in turns with it; above 1 is slower
    bool laid_out = false;  // libllama stores this type in another order for this processor

    double weights() const { return static_cast<double>(rows) * columns; }
    double bytes_per_second() const { return static_cast<double>(bytes) / seconds.median; }
    double weights_per_second() const { return weights() / seconds.median; }
    // What one weight of this type adds to the time of a token, in this shape.
    double seconds_per_weight() const { return seconds.median / weights() / tokens; }
};

struct TypeSpeedReport {
    std::vector<TypeSpeed> types;  // by shape, within it in the order of the types
    uint32_t threads = 1;
    double peak_bytes_per_second = 0;
    EngineDescription engine;
};

// ggml's products on the processor, in this process: 4096 x 4096 and 2048 x 512, one token and
// 512. Error(kInput) for a type that is unknown or cannot be encoded.
TypeSpeedReport measure_type_speed(const TypeSpeedOptions& options, Progress& progress);

}  // namespace bitgauge
