#pragma once

// How long a model takes to read a prompt or to generate, timed as llama-bench times it: the same
// context, the same calls of libllama and the same boundaries, so that its figures compare.
//
// As in llama-bench: tokens are random; a context has room for just the run and what stands before
// it; it is warmed up once; what stands before a run (its depth) is read outside the time and kept
// for the next one; flash attention, the file's mapping and the cache's type are libllama's
// defaults. Several models and contexts may live at once; one thread at a time per object.

#include <cstdint>
#include <filesystem>
#include <memory>

#include "bitgauge/engine.h"

namespace bitgauge {

// One run: `prompt` tokens are read or `generate` tokens are generated, one of them 0, in each of
// `sequences` at once, after `depth` tokens.
struct SpeedShape {
    uint32_t prompt = 0;
    uint32_t generate = 0;
    uint32_t depth = 0;
    uint32_t sequences = 1;
    uint32_t batch_tokens = 2048;  // most tokens of one call (llama-bench's -b)
    uint32_t ubatch_tokens = 512;  // most tokens of one graph (-ub)
};

class SpeedModel {
  public:
    // Throws as Model::load does.
    SpeedModel(const std::filesystem::path& path, const EngineOptions& options);
    ~SpeedModel();
    SpeedModel(SpeedModel&&) noexcept;

  private:
    friend class SpeedRun;
    struct State;
    std::unique_ptr<State> state_;
};

// A context for one shape, warmed up; its model must outlive it.
class SpeedRun {
  public:
    // Error(kEnvironment) where libllama has no memory for such a context.
    SpeedRun(SpeedModel& model, const SpeedShape& shape);
    ~SpeedRun();
    SpeedRun(SpeedRun&&) noexcept;

    // One repetition, in seconds. Error(kEnvironment) when libllama refuses; Error(kInterrupted).
    double seconds();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace bitgauge
