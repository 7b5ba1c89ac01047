#pragma once

// The parts of the table of tiny models; private to tiny_models_testing.

#include "engine/tiny_models_testing.h"

namespace bitgauge {

// Lists one behind the other.
template <class Row>
std::vector<Row> operator+(std::vector<Row> rows, const std::vector<Row>& more) {
    rows.insert(rows.end(), more.begin(), more.end());
    return rows;
}

// Every head has keys and values of its own.
TinyKeys all_heads();
// Windows of 16 tokens, in the layers that the architecture gives them to unless told otherwise.
TinyKeys windows();
// 8 experts of 64, of which 2 are chosen.
TinyKeys experts();
// Beside them one that always runs, of 96.
TinyKeys experts_and_shared();
// For architectures whose experts are as wide as a layer without them.
TinyKeys narrow();
// A layer without experts comes first.
TinyKeys leading_dense();
// Attention through latent keys and values of 64, of which 16 more carry the position.
TinyKeys latent_attention();

enum ExpertGate { kSoftmax = 1, kSigmoid = 2 };  // llama.cpp's numbers

std::vector<TinyModel> tiny_dense_models();
std::vector<TinyModel> tiny_expert_models();
std::vector<TinyModel> tiny_recurrent_models();
std::vector<TinyModel> tiny_rare_models();

}  // namespace bitgauge
