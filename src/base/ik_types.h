#pragma once

// The tensor types that only ik_llama.cpp has, so that its files can be read, sized and compared.
//
// Numbers, names, blocks: ggml/include/ggml.h, ggml/src/ggml.c (type_traits) and ggml-common.h of
// ikawrakow/ik_llama.cpp at commit 8337e4cd3861406fc04e0854b1409cd1b027fbc9 (2026-08-15). Left out:
// formats of activations, and I2_S, whose size is no multiple of a block's.

#include <cstdint>
#include <span>

namespace bitgauge {

// A row is `row_extra_bytes` (its scale), then whole blocks. Names that end in _r4, _r8 or _r16
// hold so many rows interleaved; their size is that of the rows.
struct IkType {
    int id;
    const char* name;
    uint32_t block_weights;
    uint32_t block_bytes;
    uint32_t row_extra_bytes;
};

// In ascending order of id; no id or name is also ggml's. Thread-safe.
std::span<const IkType> ik_types();

// nullptr when there is none.
const IkType* ik_type_by_id(int id);

}  // namespace bitgauge
