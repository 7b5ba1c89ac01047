#pragma once

// What a model's header says of its layers, as far as cutting it needs to know.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bitgauge/gguf.h"

#include "engine/cut_rules.h"
#include "gguf/data.h"

namespace bitgauge {

struct LayerFacts {
    bool recurrent = false;  // a state-space, delta-net or short-convolution layer
    bool attention = false;  // reads a cache of earlier tokens, and nothing recurrent
    bool windowed = false;   // ... through a sliding window
    bool sparse = false;     // has experts
    bool cut_before = true;  // a run may begin here
    uint64_t bytes = 0;
};

// A model's layers without those that predict further tokens (nextn). Thread-safe once built.
class Anatomy {
  public:
    explicit Anatomy(GgufFile file);

    const GgufFile& file() const { return file_; }
    const GgufArrays& arrays() const { return arrays_; }
    const CutRule& rule() const { return *rule_; }
    const std::vector<LayerFacts>& layers() const { return layers_; }
    uint32_t count() const { return static_cast<uint32_t>(layers_.size()); }
    uint32_t stated_count() const { return stated_; }  // block_count, with nextn layers

    std::string key(std::string_view suffix) const;  // "<architecture>.<suffix>"
    uint32_t number(std::string_view suffix, uint32_t otherwise) const;
    bool tied() const { return file_.find_tensor("output.weight") == nullptr; }

    // "blk.12.attn_q.weight" -> 12; -1 for tensors outside of layers.
    static int64_t layer_of(const std::string& tensor);

  private:
    void read_tensors();
    void read_windows();
    void read_cuts();

    GgufFile file_;
    GgufArrays arrays_;
    const CutRule* rule_;
    uint32_t stated_ = 0;
    std::vector<LayerFacts> layers_;
};

}  // namespace bitgauge
