#pragma once

// What a Model owns; shared by the files of this room alone.

#include <cstdint>

#include "bitgauge/engine.h"

#include "engine/handles.h"

namespace bitgauge {

struct Model::State {
    ModelHandle model;
    const llama_vocab* vocab = nullptr;
    uint32_t trained_context = 0;
};

}  // namespace bitgauge
