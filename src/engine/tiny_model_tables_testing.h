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

// 8 experts of 64, of which 2 are chosen.
TinyKeys experts();
// Beside them one that always runs, of 96.
TinyKeys experts_and_shared();

std::vector<TinyModel> tiny_dense_models();
std::vector<TinyModel> tiny_expert_models();
std::vector<TinyModel> tiny_recurrent_models();

}  // namespace bitgauge
