#pragma once

// Products of Q6_K weights with inputs of 8 bits, as ggml multiplies them: exact integer sums
// within a block of 256, scaled and added in single precision; only the order of the blocks' sums
// differs. Both sides are rearranged once so that a pass over many rows needs no decoding, which
// makes it about 1.8 times as fast as a product in single precision. Needs AVX2.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace bitgauge {

// Whether this machine and rows of `width` weights of ggml's type can be multiplied here.
bool has_integer_product(int type_id, size_t width);

// What the kernel reads of a block of 256. Within a step of 64 values, byte 8 g + t of the first
// half is value 16 g + t and of the second half value 16 g + 8 + t: the halves of the four groups
// that have a scale of their own lie in the same lanes.
constexpr size_t kIntegerBlock = 256;
constexpr size_t kIntegerStep = 64;
constexpr size_t kIntegerSteps = kIntegerBlock / kIntegerStep;
constexpr size_t kIntegerInputs = 4;  // input rows that are multiplied together

struct alignas(32) WeightBlock {
    struct {
        uint8_t q[kIntegerStep];  // 0 ... 63: the weight before 32 is taken off
        int16_t scale[16];        // of the four groups, each four times
    } steps[kIntegerSteps];
    int16_t scales[16];
};

struct alignas(32) InputBlock {
    int8_t q[kIntegerSteps][kIntegerInputs][kIntegerStep];
    int16_t minus_sums[kIntegerInputs][16];  // of 16 inputs each, times -1
};

// Rows of inputs, rounded as ggml rounds them (Q8_K), in groups that are multiplied together.
class IntegerInputs {
  public:
    // `states`: rows of `width` values.
    IntegerInputs(std::span<const float> states, size_t width);

    size_t width() const { return width_; }
    size_t blocks() const { return width_ / kIntegerBlock; }
    const InputBlock* group(size_t i) const { return &blocks_[i * blocks()]; }
    // of group i: per block, per row
    const float* scales(size_t i) const { return &scales_[i * blocks() * kIntegerInputs]; }

  private:
    void place(size_t row, size_t block, const float* values);

    size_t width_;
    std::vector<InputBlock> blocks_;
    std::vector<float> scales_;
};

// Rows of weights, decoded from blocks of Q6_K; may be filled again and again.
class IntegerWeights {
  public:
    void decode(std::span<const std::byte> blocks, size_t width);

    size_t rows() const { return rows_; }
    const WeightBlock* row(size_t i) const { return &blocks_[i * row_blocks_]; }
    const float* scales(size_t i) const { return &scales_[i * row_blocks_]; }  // per block

  private:
    size_t rows_ = 0;
    size_t row_blocks_ = 0;
    std::vector<WeightBlock> blocks_;
    std::vector<float> scales_;
};

// out[i * weights.rows() + j] is the product of input row first + i and weight row j. `first` is a
// multiple of kIntegerInputs. Thread-safe.
void integer_product(const IntegerInputs& inputs, size_t first, size_t n_inputs,
                     const IntegerWeights& weights, std::span<float> out);

}  // namespace bitgauge
