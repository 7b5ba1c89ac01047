#pragma once

// What a Model owns; shared by the files of this room alone.

#include "bitgauge/engine.h"

#include "engine/handles.h"

namespace bitgauge {

struct Model::State {
    ModelHandle model;
    const llama_vocab* vocab = nullptr;
};

}  // namespace bitgauge
