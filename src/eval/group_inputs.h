#pragma once

// Inputs of matrices that share them, from two runs of a text: one of the original, one of the
// model that is quantized up to there; and their second moments, matrix by matrix.
//
// Many experts' moments are larger than all their inputs: those are kept on the disk, and an
// expert's moments are made when it is rounded.

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "eval/kept_rows.h"
#include "eval/product_rows.h"

#include "rounding/input_moments.h"

namespace bitgauge {

// Tokens that roundings are made from, and others that they are judged by.
struct SplitMoments {
    explicit SplitMoments(size_t width)
        : fit{.width = width}, check{.width = width}, original{.width = width} {}

    InputMoments fit;
    InputMoments check;
    InputMoments original;  // of the original's inputs, over the tokens of `check`

    InputMoments all() const;
};

class GroupInputs {
  public:
    // `originals`: the original's, call by call under `name`; null where they are the same. They
    // outlive this. `path`: of experts' inputs while this lives.
    GroupInputs(const InputGroup& group, const KeptRows* originals, std::string name,
                const std::filesystem::path& path);

    // The next call's. `for_check`: these tokens judge.
    void add(ProductRows quantized, bool for_check);

    bool routed() const { return kept_ != nullptr; }
    // Of one matrix, or of one expert. A token that an expert took in the quantized model alone
    // counts as if the original gave it the same row. What there is of a single matrix is handed
    // out once. Thread-safe.
    SplitMoments take(size_t matrix);
    // Of all experts' tokens to round from together: what a rare expert's inputs are likely to be.
    // Means are theirs; where experts share a token's row, it is counted once.
    InputMoments pooled() const;

  private:
    class RowPairs;
    void add_expert(int32_t expert, bool for_check, SplitMoments& moments) const;
    void add_rows(size_t call, int32_t expert, RowPairs& rows) const;
    std::vector<float> beside(size_t call, const ProductRows& quantized) const;

    size_t width_;
    const KeptRows* originals_;
    std::string name_;
    std::vector<bool> for_check_;  // of each call
    SplitMoments single_;
    std::unique_ptr<KeptRows> kept_;  // of experts
};

}  // namespace bitgauge
