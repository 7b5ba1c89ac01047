#pragma once

// Where a model's parts go in the memories of a machine, as llama.cpp places them, and how fast it
// may generate from there. Sizes in bytes, rates in bytes per second. Pure functions; thread-safe.
//
// llama.cpp's rules: the embedding stays in main memory; `-ngl N` puts the last N of the layers and
// the head on the cards; `--n-cpu-moe N` keeps the experts of the first N layers in main memory; a
// layer's keys, values and states are where the layer is.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bitgauge/context_memory.h"
#include "bitgauge/gguf.h"

namespace bitgauge {

// --- the machine --------------------------------------------------------------------------------

struct Memory {
    std::string name;  // "NVIDIA GeForce RTX 4090"
    uint64_t bytes = 0;
    double bytes_per_second = 0;  // 0: unknown
    std::string source;           // of the two numbers
    uint64_t never_free_bytes = 0;

    // What a model may have: of what can be free without 5 %, at most 1 GiB, for what is allocated
    // while it runs and for the screen; llama.cpp's own programs leave as much.
    uint64_t usable_bytes() const;
};

// Of a card that is known by its size alone, the share that its driver and a program's own context
// take before anything is loaded. Drivers have reported 23,605 and 23,860 MiB free on idle cards of
// 24 GiB (RTX 4090, 3090) and 15,711 on one of 16 GiB (RTX 5060 Ti).
constexpr double kNeverFreeOnACard = 0.04;
uint64_t never_free_on_a_card(uint64_t bytes);

struct Machine {
    std::string name;           // "2 x NVIDIA GeForce RTX 3090"
    std::vector<Memory> cards;  // all alike to llama.cpp; of unified memory the one there is
    std::optional<Memory> ram;  // none: nobody said how much there is
    bool unified = false;       // the cards' memory is also the processor's
};

// "rtx4090", "2x3090", "m4-max-64gb", of data/devices/devices.json. Error(kInput) with the nearest
// name for others, and for a memory that such a device does not come with.
Machine named_machine(const std::string& name);
std::vector<std::string> device_names();

// --- the model ----------------------------------------------------------------------------------

struct PartBytes {
    uint64_t weights = 0;
    uint64_t read_per_token = 0;  // when text is generated; of experts the share in use

    PartBytes& operator+=(const PartBytes& other);
};

struct LayerParts {
    PartBytes shared;             // attention, norms, router, experts that every token passes
    PartBytes experts;            // that tokens are routed to
    uint64_t kept_per_token = 0;  // keys and values in 16 bits: the layer's share of them
    uint64_t kept_per_sequence = 0;
};

struct ModelParts {
    PartBytes embedding;
    PartBytes output;         // head and last norm
    uint64_t tied_bytes = 0;  // of the output: the head is the embedding, cards get a copy
    std::vector<LayerParts> layers;
    // After them, that only predict further tokens (nextn): llama.cpp counts them in -ngl and -ts,
    // but does not load them unless it is told to.
    uint32_t skipped_layers = 0;
    uint64_t largest_matrix = 0;  // inside a layer

    uint64_t weights() const;  // in one memory
    bool has_experts() const;
};

// From the header alone.
ModelParts model_parts(const GgufFile& file);

// The same model in a file of another size: every part changes by the same factor.
ModelParts scaled(const ModelParts& parts, double factor);

// --- contexts -----------------------------------------------------------------------------------

// Between the contexts that are known, what they take lies on a straight line; beyond the last one
// the line goes on.
class ContextCurve {
  public:
    // At least one point.
    explicit ContextCurve(std::vector<ContextMemory> known);
    void add(const ContextMemory& point);
    ContextMemory at(uint64_t tokens) const;
    bool knows(uint64_t tokens) const;

  private:
    std::vector<ContextMemory> known_;  // by tokens
};

// --- placement ----------------------------------------------------------------------------------

// From the fastest to none at all.
enum class Fit { kOnCards, kExpertsInRam, kLayersInRam, kInRam, kNowhere };

// What one memory holds and is read of.
struct MemoryUse {
    uint64_t weights = 0;
    uint64_t kept = 0;     // keys, values, states
    uint64_t compute = 0;  // with logits that are handed out
    uint64_t read_per_token = 0;

    uint64_t total() const { return weights + kept + compute; }
};

struct Placement {
    Fit fit = Fit::kNowhere;
    uint32_t gpu_layers = 0;         // -ngl: with the head and the skipped layers
    uint32_t cpu_expert_layers = 0;  // --n-cpu-moe
    std::vector<uint32_t> split;     // -ts: layers on each card, where there are several
    std::vector<MemoryUse> cards;
    MemoryUse ram;
    uint64_t missing_bytes = 0;  // kNowhere: so much more memory would do, on the cards if any

    // At most so many tokens a second: every byte is read at its memory's full rate and nothing
    // else takes time. None where a rate is unknown.
    std::optional<double> most_tokens_per_second;         // with little text before
    std::optional<double> most_tokens_per_second_at_end;  // with the context full
};

// The first way that fits: all on the cards; the experts of as few layers as possible in RAM; as
// few layers as possible in RAM; all in RAM. Where no RAM is known, only the cards count.
Placement place(const ModelParts& parts, const ContextMemory& context, const Machine& machine);

// As -ngl and --n-cpu-moe say, more than there is for all; kNowhere where that does not fit.
Placement place_as(const ModelParts& parts, const ContextMemory& context, const Machine& machine,
                   uint32_t gpu_layers, uint32_t cpu_expert_layers);

// The largest context of at most `most` tokens, in steps of 256, that fits `worst` or better; 0:
// none.
uint64_t largest_context(const ModelParts& parts, const ContextCurve& curve, const Machine& machine,
                         Fit worst, uint64_t most);

}  // namespace bitgauge
