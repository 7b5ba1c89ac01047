#pragma once

// Rounds the matrices that share an input, expert by expert, from that input's second moments.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bitgauge/feedback.h"

#include "engine/staged_model.h"
#include "eval/group_inputs.h"

#include "rounding/choose_setting.h"

namespace bitgauge {

// A matrix, or the matrices of experts, in work.
struct TensorRounding {
    RoundedTensor report;
    int type_id = 0;
    size_t width = 0, rows = 0;  // of one matrix
    int original_type = 0;
    std::vector<std::byte> original;  // its weights, as they stand in the file
    std::vector<std::byte> blocks;    // rounded

    std::vector<float> matrix(size_t index) const;
    std::span<std::byte> matrix_blocks(size_t index);
    // Rows evenly spread over a matrix, at most 64.
    std::vector<float> sample(size_t index) const;

  private:
    void decode(size_t row, std::span<float> values) const;
};

// With the original's weights, and nothing rounded yet. Error(kInput) for a type that the tensor
// cannot have.
TensorRounding open_tensor(const StagedModel& model, const std::string& tensor,
                           const std::string& type);

// run(i) for matrices [0, count) with inputs of `width`, on all cores, as many at once as
// `moment_bytes` have room for: one or more.
void for_each_matrix(size_t count, size_t width, uint64_t moment_bytes,
                     const std::function<void(size_t)>& run);

class GroupRounding {
  public:
    // `types`: tensor -> ggml's name. Reads the members' weights. Error(kInput) for a type that a
    // tensor cannot have.
    GroupRounding(const StagedModel& model, const InputGroup& group,
                  const std::map<std::string, std::string>& types);

    // Rounds all matrices, as for_each_matrix().
    const std::vector<TensorRounding>& round(GroupInputs& inputs, uint64_t moment_bytes);

  private:
    // Of one matrix of one tensor.
    struct MatrixOutcome {
        RoundingChoice choice;
        // Of the original's outputs, and what of the errors no rounding can change; per token.
        double energy = 0, constant = 0;
        uint64_t tokens = 0;
    };
    void sum_up();
    void round_matrix(size_t matrix, const SplitMoments& moments, const InputMoments* prior);
    static MatrixOutcome round_member(TensorRounding& tensor, size_t matrix,
                                      const SplitMoments& moments, const InputMoments* prior,
                                      const RoundingCandidates& candidates);

    std::vector<TensorRounding> tensors_;
    std::vector<std::vector<MatrixOutcome>> outcomes_;  // [tensor][matrix]
};

}  // namespace bitgauge
