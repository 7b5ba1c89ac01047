// Q4_0, Q4_1, Q5_0 and Q5_1 with importance: blocks of 32 with one scale, and a minimum where the
// name ends in 1. Reproduces quantize_row_q{4,5}_{0,1}_impl of ggml-quants.c; without importance
// encode_nearest.cpp does.

#include <cstring>

#include "qtype/blocks.h"
#include "qtype/encode_nearest.h"
#include "qtype/encoders.h"
#include "qtype/lane_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "qtype/encode_plain.cpp"
// In Highway's order, which compiles this file once per target.
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "qtype/groups-inl.h"
#include "qtype/search_affine-inl.h"
#include "qtype/search_symmetric-inl.h"
// clang-format on

#include <ggml.h>

HWY_BEFORE_NAMESPACE();
namespace bitgauge::HWY_NAMESPACE {

constexpr size_t kPair = 2;
constexpr size_t kBlocks = kPair * kLanes;

// What the searches leave of each block.
struct Fits {
    HWY_ALIGN float scale[kBlocks];
    HWY_ALIGN float minimum[kBlocks];
    HWY_ALIGN float inverse[kBlocks];
    HWY_ALIGN float offset[kBlocks];
    uint64_t exact_blocks;
};

// Blocks of a call that are encoded together, and the mean square of each one's row.
struct Batch {
    const float* x[kBlocks];
    const float* importance[kBlocks];
    HWY_ALIGN float mean_square[kBlocks];
};

struct Tiles {
    HWY_ALIGN float x[kBlocks * kPlainBlock];
    HWY_ALIGN float weights[kBlocks * kPlainBlock];
    HWY_ALIGN float scratch[kBlocks * kPlainBlock];
};

HWY_INLINE void fill(const Batch& batch, Tiles& tiles) {
    for (size_t p = 0; p < kPair; ++p) {
        const size_t at = p * kLanes * kPlainBlock;
        make_tile(batch.x + p * kLanes, kPlainBlock, tiles.x + at);
        make_tile(batch.importance + p * kLanes, kPlainBlock, tiles.weights + at);
        weigh_importance(tiles.x + at, kPlainBlock, load(batch.mean_square + p * kLanes),
                         tiles.weights + at);
    }
}

HWY_INLINE void fit_symmetric(int half, Tiles& tiles, Fits& fits) {
    SymmetricFit found[kPair];
    search_symmetric<kPlainBlock, kPair>(half, tiles.x, tiles.weights, tiles.scratch, found);
    fits.exact_blocks = 0;
    for (size_t p = 0; p < kPair; ++p) {
        store(found[p].scale, fits.scale + p * kLanes);
        store(found[p].inverse, fits.inverse + p * kLanes);
        fits.exact_blocks |= bits_of(found[p].exact) << p * kLanes;
    }
}

HWY_INLINE void fit_affine(int highest_level, Tiles& tiles, Fits& fits) {
    AffineFit found[kPair];
    const AffineTrials trials = {highest_level, -0.9F, 0.05F, 36};
    search_affine<kPlainBlock, kPair, Deviation::kSquare>(trials, tiles.x, tiles.weights,
                                                          tiles.scratch, found);
    fits.exact_blocks = 0;
    for (size_t p = 0; p < kPair; ++p) {
        store(found[p].scale, fits.scale + p * kLanes);
        store(hn::Neg(found[p].minimum), fits.minimum + p * kLanes);
        store(found[p].inverse, fits.inverse + p * kLanes);
        store(found[p].offset, fits.offset + p * kLanes);
        fits.exact_blocks |= bits_of(found[p].exact) << p * kLanes;
    }
}

template <class Block>
struct Format;

template <>
struct Format<BlockQ4Zero> {
    static constexpr ggml_type kType = GGML_TYPE_Q4_0;
    static constexpr int kHalf = 8;
    static constexpr bool kAffine = false;
    static HWY_INLINE void pack(const uint8_t* levels, BlockQ4Zero& block) {
        pack_nibbles(levels, block.qs);
    }
};

template <>
struct Format<BlockQ5Zero> {
    static constexpr ggml_type kType = GGML_TYPE_Q5_0;
    static constexpr int kHalf = 16;
    static constexpr bool kAffine = false;
    static HWY_INLINE void pack(const uint8_t* levels, BlockQ5Zero& block) {
        pack_nibbles(levels, block.qs);
        pack_fifth_bits(levels, block.qh);
    }
};

template <>
struct Format<BlockQ4One> {
    static constexpr ggml_type kType = GGML_TYPE_Q4_1;
    static constexpr int kHalf = 8;
    static constexpr bool kAffine = true;
    static HWY_INLINE void pack(const uint8_t* levels, BlockQ4One& block) {
        pack_nibbles(levels, block.qs);
    }
};

template <>
struct Format<BlockQ5One> {
    static constexpr ggml_type kType = GGML_TYPE_Q5_1;
    static constexpr int kHalf = 16;
    static constexpr bool kAffine = true;
    static HWY_INLINE void pack(const uint8_t* levels, BlockQ5One& block) {
        pack_nibbles(levels, block.qs);
        pack_fifth_bits(levels, block.qh);
    }
};

template <class Block>
HWY_INLINE void write(const Fits& fits, size_t at, const float* x, std::byte* out) {
    using F = Format<Block>;
    Block block;
    uint8_t levels[kPlainBlock];
    block.d = ggml_fp32_to_fp16(fits.scale[at]);
    if constexpr (F::kAffine) {
        block.m = ggml_fp32_to_fp16(fits.minimum[at]);
        searched_levels(x, kPlainBlock, fits.inverse[at], fits.offset[at], 2 * F::kHalf - 1,
                        levels);
    } else {
        searched_signed_levels(x, kPlainBlock, fits.inverse[at], F::kHalf, levels);
    }
    F::pack(levels, block);
    std::memcpy(out, &block, sizeof(block));
}

// Up to kLanes rows of a call. The mean square of a row scales the weights of all its blocks, so a
// row with one block that is not exact goes to the reference as a whole.
template <class Block>
class Strip {
  public:
    Strip(const float* in, size_t rows, size_t row_weights, const float* importance, std::byte* out)
        : in_(in),
          rows_(rows),
          row_weights_(row_weights),
          row_blocks_(row_weights / kPlainBlock),
          importance_(importance),
          out_(out) {}

    HWY_INLINE void encode() {
        measure_rows();
        for (size_t first = 0; first < rows_ * row_blocks_; first += kBlocks) encode_batch(first);
        for (size_t row = 0; row < rows_; ++row) {
            if ((exact_rows_ >> row & 1) != 0) continue;
            encode_by_ggml(F::kType, in_ + row * row_weights_, 1, row_weights_, importance_,
                           out_ + row * row_blocks_ * sizeof(Block));
        }
    }

  private:
    using F = Format<Block>;

    // Sums of squares in order, a row per lane.
    HWY_INLINE void measure_rows() {
        Vec sums = hn::Zero(Floats());
        const float* rows[kLanes];
        for (size_t at = 0; at < row_weights_; at += kPlainBlock) {
            for (size_t lane = 0; lane < kLanes; ++lane) {
                rows[lane] = in_ + std::min(lane, rows_ - 1) * row_weights_ + at;
            }
            make_tile(rows, kPlainBlock, tiles_.x);
            for (size_t i = 0; i < kPlainBlock; ++i) {
                const Vec x = load(tiles_.x + i * kLanes);
                sums = hn::Add(sums, hn::Mul(x, x));
            }
        }
        store(hn::Div(sums, set(static_cast<float>(row_weights_))), mean_squares_);
        exact_rows_ = bits_of(is_finite(sums));
    }

    HWY_NOINLINE void encode_batch(size_t first) {
        const size_t used = std::min(kBlocks, rows_ * row_blocks_ - first);
        Batch batch;
        for (size_t i = 0; i < kBlocks; ++i) {
            const size_t block = first + std::min(i, used - 1);
            batch.x[i] = in_ + block * kPlainBlock;
            batch.importance[i] = importance_ + block % row_blocks_ * kPlainBlock;
            batch.mean_square[i] = mean_squares_[block / row_blocks_];
        }
        fill(batch, tiles_);
        if constexpr (F::kAffine) {
            fit_affine(2 * F::kHalf - 1, tiles_, fits_);
        } else {
            fit_symmetric(F::kHalf, tiles_, fits_);
        }
        for (size_t i = 0; i < used; ++i) {
            const size_t block = first + i;
            write<Block>(fits_, i, batch.x[i], out_ + block * sizeof(Block));
            if ((fits_.exact_blocks >> i & 1) == 0) {
                exact_rows_ &= ~(uint64_t{1} << block / row_blocks_);
            }
        }
    }

    const float* in_;
    size_t rows_;
    size_t row_weights_;
    size_t row_blocks_;
    const float* importance_;
    std::byte* out_;
    Tiles tiles_;
    Fits fits_;
    HWY_ALIGN float mean_squares_[kLanes];
    uint64_t exact_rows_ = 0;
};

template <class Block>
HWY_INLINE void encode_plain_rows(const float* in, size_t rows, size_t row_weights,
                                  const float* importance, std::byte* out) {
    const size_t row_bytes = row_weights / kPlainBlock * sizeof(Block);
    for (size_t row = 0; row < rows; row += kLanes) {
        Strip<Block>(in + row * row_weights, std::min(kLanes, rows - row), row_weights, importance,
                     out + row * row_bytes)
            .encode();
    }
}

void q4_0_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
               std::byte* out) {
    encode_plain_rows<BlockQ4Zero>(in, rows, row_weights, importance, out);
}

void q4_1_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
               std::byte* out) {
    encode_plain_rows<BlockQ4One>(in, rows, row_weights, importance, out);
}

void q5_0_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
               std::byte* out) {
    encode_plain_rows<BlockQ5Zero>(in, rows, row_weights, importance, out);
}

void q5_1_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
               std::byte* out) {
    encode_plain_rows<BlockQ5One>(in, rows, row_weights, importance, out);
}

}  // namespace bitgauge::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bitgauge {

HWY_EXPORT(q4_0_rows);
HWY_EXPORT(q4_1_rows);
HWY_EXPORT(q5_0_rows);
HWY_EXPORT(q5_1_rows);

void encode_q4_0_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                      std::byte* out) {
    const auto searched = HWY_DYNAMIC_DISPATCH(q4_0_rows);
    (importance == nullptr ? nearest_q4_0_rows : searched)(in, rows, row_weights, importance, out);
}

void encode_q4_1_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                      std::byte* out) {
    const auto searched = HWY_DYNAMIC_DISPATCH(q4_1_rows);
    (importance == nullptr ? nearest_q4_1_rows : searched)(in, rows, row_weights, importance, out);
}

void encode_q5_0_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                      std::byte* out) {
    const auto searched = HWY_DYNAMIC_DISPATCH(q5_0_rows);
    (importance == nullptr ? nearest_q5_0_rows : searched)(in, rows, row_weights, importance, out);
}

void encode_q5_1_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                      std::byte* out) {
    const auto searched = HWY_DYNAMIC_DISPATCH(q5_1_rows);
    (importance == nullptr ? nearest_q5_1_rows : searched)(in, rows, row_weights, importance, out);
}

}  // namespace bitgauge
#endif  // HWY_ONCE
