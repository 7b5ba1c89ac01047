#include "engine/tiny_model_tables_testing.h"

namespace bitgauge {

std::vector<TinyModel> tiny_dense_models() {
    return {
        {.name = "llama", .architecture = "llama"},
        {.name = "gemma3",
         .architecture = "gemma3",
         .keys = {{"attention.sliding_window", 16}, {"rope.freq_base_swa", 10000.0}},
         .tied = true},
    };
}

}  // namespace bitgauge
