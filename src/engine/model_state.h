#pragma once

// What a Model owns; shared by the files of this room alone.

#include <cstdint>
#include <string>
#include <vector>

#include "bitgauge/engine.h"
#include "bitgauge/error.h"

#include "engine/handles.h"

namespace bitgauge {

// What a run of layers does at its ends; a whole model has neither.
struct StageEnds {
    bool takes_states = false;  // states take the place of the embedding
    bool hands_states = false;  // it stops at `exit_node`
    std::string exit_node;
    std::string entry_node;        // one more beside the usual ones; "" for none
    std::vector<uint32_t> layers;  // of the whole model; empty: all of them
};

struct Model::State {
    ModelHandle model;
    const llama_vocab* vocab = nullptr;
    uint32_t trained_context = 0;
    StageEnds ends;
};

// Why libllama did not load `what`, from its last complaint: Error(kEnvironment) for want of
// memory, else Error(kInput) with `hint`.
Error loading_error(const std::string& what, const std::string& hint);

// Where EngineOptions says that weights go; what `params()` points to lives as long as it does.
class WeightPlaces {
  public:
    // Error(kInput) for a split over more accelerators than libllama knows.
    explicit WeightPlaces(const EngineOptions& options);
    WeightPlaces(const WeightPlaces&) = delete;
    WeightPlaces& operator=(const WeightPlaces&) = delete;
    void set(llama_model_params& params) const;

  private:
    int32_t gpu_layers_;
    std::vector<std::string> patterns_;  // of tensors that stay in main memory
    std::vector<llama_model_tensor_buft_override> overrides_;
    std::vector<float> split_;
};

// ggml's number of a type of keys or values. Error(kInput) for a name it does not have.
int kept_type(const std::string& name);

// The model of a file; throws loading_error().
ModelHandle load_handle(const std::filesystem::path& path, llama_model_params params);

}  // namespace bitgauge
