#pragma once

// A made-up sweep that looks like a real one, for tests and for the page's screenshot. Always the
// same.

#include "bitgauge/sweep_table.h"

namespace bitgauge {

// A model of experts with 12 layers: embeddings, head, and six roles, one of which has too short
// rows for types of 256 weights. Every fourth layer and the ends are measured, the other tensors
// not; two probes a tensor over 30 documents. Three whole mixes, one of them on another text.
SweepTable example_model_sweep();

}  // namespace bitgauge
