#pragma once

// The parts of the table of tiny models; private to tiny_models_testing.

#include "engine/tiny_models_testing.h"

namespace bitgauge {

inline TinyKeys operator+(TinyKeys keys, const TinyKeys& more) {
    keys.insert(keys.end(), more.begin(), more.end());
    return keys;
}

// 8 experts of 64, of which 2 are chosen.
TinyKeys experts();
// Beside them one that always runs, of 96.
TinyKeys experts_and_shared();

std::vector<TinyModel> tiny_dense_models();
std::vector<TinyModel> tiny_expert_models();
std::vector<TinyModel> tiny_recurrent_models();

}  // namespace bitgauge
