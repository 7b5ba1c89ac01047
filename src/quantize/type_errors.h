#pragma once

// What each type does to each tensor: found by really encoding it.

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bitgauge/gguf.h"
#include "bitgauge/importance.h"

#include "base/positioned_file.h"

namespace bitgauge {

// Of one tensor.
struct TypeErrors {
    // Type (ggml's name) -> sum h_j (w'_ij - w_ij)^2 / sum h_j w_ij^2 over rows i and channels j:
    // the mean square error of the matrix' output over its mean square, where h is E[x^2] and
    // channels are uncorrelated; h = 1 without importance. Matrices of experts count by the tokens
    // that reached them. Types whose blocks do not divide the rows, and those that need importance
    // where there is none, are absent.
    std::map<std::string, double> relative;
    uint64_t rows = 0;  // of the tensor's that were encoded
};

// Reads rows of one model's tensors and encodes them on all cores. Thread-compatible.
class TypeErrorMeter {
  public:
    // `importance` may be null. Both must outlive it. Of tensors with more than `most_weights`
    // weights evenly spread rows are taken.
    TypeErrorMeter(const GgufFile& model, const Importance* importance, uint64_t most_weights,
                   uint32_t threads);

    // `types`: ggml's names. The original's own type has the error 0. Error(kInput): no such
    // tensor; Error(kNotFinite): a tensor with NaN or infinity.
    TypeErrors measure(const std::string& tensor, std::span<const std::string> types) const;

  private:
    struct Group;
    std::vector<Group> groups_of(const TensorInfo& tensor) const;
    std::vector<float> weights_of(const TensorInfo& tensor) const;

    const GgufFile& model_;
    const Importance* importance_;
    uint64_t most_weights_;
    uint32_t threads_;
    std::vector<PositionedReader> readers_;
};

}  // namespace bitgauge
