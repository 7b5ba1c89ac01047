#pragma once

// What libllama would take for a model, as it says itself, without loading it: the file's header is
// enough (the rest may be a hole), and nothing is allocated but recurrent states.
//
// Goals: keys, values, states and compute buffers of every architecture that libllama knows, to
// 0.01 MiB. Non-goals: how weights are spread over cards (see placement.h); a card's own graphs.
// The processor's graph is simulated, with flash attention where it can; a card's differs from it
// by alignment. Sizes in bytes. Thread-safe, but libllama's log is read: one simulation at a time.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "bitgauge/context_memory.h"
#include "bitgauge/engine.h"
#include "bitgauge/progress.h"

namespace bitgauge {

struct LoadShape {
    std::vector<uint32_t> contexts;  // tokens, each simulated in turn
    std::string key_type = "f16";    // ggml's names
    std::string value_type = "f16";
    uint32_t call_tokens = 512;  // of one graph: llama.cpp's --ubatch-size
    // Layers that see a window keep all tokens nevertheless (--swa-full), so that a conversation
    // can go back.
    bool whole_windows = false;
};

// One entry for each context, in order; `tokens` are those asked for, also where libllama rounds
// them up. `folder` is for the words to the child. Error(kInput) with libllama's reason: damaged,
// unknown architecture, a type of keys or values whose blocks do not divide a head.
std::vector<ContextMemory> simulate_loading(const std::filesystem::path& model,
                                            const LoadShape& shape, const Isolation& isolation,
                                            const std::filesystem::path& folder,
                                            Progress& progress);

// What libllama can compute on beside the processor.
struct ComputingDevice {
    std::string name;         // "CUDA0"
    std::string description;  // "NVIDIA GeForce RTX 4090"
    uint64_t free_bytes = 0;
    bool shares_memory = false;  // with the processor
};
std::vector<ComputingDevice> computing_devices();

}  // namespace bitgauge
