#pragma once

// Where every byte of the quantized file, or of its shards, comes from and goes to.
//
// Order: as llama-quantize writes, layer by layer and by name within one; with keep_split as in the
// original. Shards: named and keyed as llama-gguf-split does it, all key-values in the first one.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "bitgauge/gguf.h"
#include "bitgauge/quantize.h"

#include "quantize/choice_check.h"

namespace bitgauge {

struct OutputTensor {
    const TensorInfo* source = nullptr;  // of the original, which must outlive this
    int type_id = 0;
    uint64_t offset = 0;  // from the beginning of its file
    uint64_t bytes = 0;

    bool copied() const { return type_id == source->type_id; }
    uint64_t row_weights() const { return std::max<uint64_t>(1, source->shape[0]); }
    uint64_t rows() const { return source->elements() / row_weights(); }
    // Rows that share one set of importance: those of one expert.
    uint64_t matrix_rows() const {
        return source->shape.size() > 1 ? std::max<uint64_t>(1, source->shape[1]) : 1;
    }
};

struct OutputFile {
    std::filesystem::path path;
    std::vector<std::byte> header;
    std::vector<OutputTensor> tensors;
    uint64_t bytes = 0;  // of the whole file
};

// `original_hash` goes into the header. Error(kInput) when both ways of splitting are asked for.
std::vector<OutputFile> plan_output(const GgufFile& original, const TypeOfTensor& types,
                                    const QuantizeJob& job, const Importance* importance,
                                    const std::string& original_hash);

}  // namespace bitgauge
