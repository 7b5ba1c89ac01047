#pragma once

// Single tensors of a model in other types, in memory.

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "bitgauge/importance.h"

#include "engine/staged_model.h"

namespace bitgauge {

// How a changed tensor is computed with.
enum class VariantUse {
    kBlocks,      // as a quantized file would: libllama's kernels for that type
    kDequantized  // its values in the type the original is loaded in, in the original's place
};

struct EncodedTensor {
    int type_id = 0;
    std::vector<std::byte> bytes;
};

// Encodes on all cores. The model must outlive it. Thread-safe.
class TensorEncoder {
  public:
    // `importance` may be empty: none. Errors as Importance::read's.
    TensorEncoder(const StagedModel& model, const std::filesystem::path& importance);

    // `type`: ggml's name. kDequantized: the encoded values, in the type the original is loaded in.
    // Error(kInput): no such tensor or type, rows that are no whole blocks, importance missing
    // where the type needs it.
    EncodedTensor encode(const std::string& tensor, const std::string& type, VariantUse use) const;

  private:
    std::vector<float> importance_of(const std::string& tensor) const;

    const StagedModel& model_;
    std::optional<Importance> importance_;
};

}  // namespace bitgauge
