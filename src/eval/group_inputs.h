#pragma once

// Second moments of the inputs of some matrices, expert by expert, from two runs of a text: one of
// the original, one of the model that is quantized up to there.

#include <cstddef>
#include <vector>

#include "eval/product_rows.h"

#include "rounding/input_moments.h"

namespace bitgauge {

// Tokens that roundings are made from, and others that they are judged by.
struct SplitMoments {
    InputMoments fit;
    InputMoments check;
    InputMoments original;  // of the original's inputs, over the tokens of `check`

    InputMoments all() const;
};

// One for a matrix, or for each expert of [first, last) of a group.
class GroupMoments {
  public:
    GroupMoments(const InputGroup& group, size_t first, size_t last);

    // The same call of both runs. `for_check`: these tokens judge. A token that an expert took in
    // the quantized model alone counts as if the original gave it the same row.
    void add(const ProductRows& quantized, const ProductRows& original, bool for_check);

    bool routed() const { return routed_; }
    size_t first() const { return first_; }
    const std::vector<SplitMoments>& experts() const { return experts_; }
    // All of the group together: what a rare expert's inputs are likely to be.
    InputMoments pooled() const;

  private:
    void add_expert(size_t index, const ProductRows& quantized, const ProductRows& original,
                    bool for_check);

    bool routed_;
    size_t first_;
    std::vector<SplitMoments> experts_;
};

}  // namespace bitgauge
