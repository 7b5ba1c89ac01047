// One sub-block of weights per lane: names that the IQ encoders share.

// Included once per target (Highway's way).
#if defined(BITGAUGE_QTYPE_COLUMNS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BITGAUGE_QTYPE_COLUMNS_INL_H_
#undef BITGAUGE_QTYPE_COLUMNS_INL_H_
#else
#define BITGAUGE_QTYPE_COLUMNS_INL_H_
#endif

#include <algorithm>
#include <cfloat>
#include <cstddef>
#include <cstdint>

#include <hwy/highway.h>

#include "qtype/encode_iq.h"

HWY_BEFORE_NAMESPACE();
namespace bitgauge::iq::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Sub-blocks in a batch. An array "in columns" holds value i of sub-block c at i * kColumns + c.
constexpr size_t kColumns = 16;

using Lanes = hn::CappedTag<float, kColumns>;
using IntLanes = hn::RebindToSigned<Lanes>;
using Float = hn::Vec<Lanes>;
using Int = hn::Vec<IntLanes>;
using LaneMask = hn::Mask<Lanes>;

// nearest_int() of ggml-quants.c, with its results far outside of +-2^22.
HWY_INLINE Int nearest_int(Float value) {
    const IntLanes di;
    const auto shifted = hn::Add(value, hn::Set(Lanes(), 12582912.0F));
    const auto bits = hn::And(hn::BitCast(di, shifted), hn::Set(di, 0x007fffff));
    return hn::Sub(bits, hn::Set(di, 0x00400000));
}

// Sums of squares, each in the order of its values; four at a time, as each is one long chain.
HWY_INLINE void sums_of_squares(const float* HWY_RESTRICT x, size_t blocks, float* sums) {
    size_t b = 0;
    for (; b + 4 <= blocks; b += 4) {
        float s[4] = {};
        const float* at = x + b * kIqBlockWeights;
        for (size_t i = 0; i < kIqBlockWeights; ++i) {
            for (size_t k = 0; k < 4; ++k) {
                const float v = at[k * kIqBlockWeights + i];
                s[k] += v * v;
            }
        }
        std::copy_n(s, 4, sums + b);
    }
    for (; b < blocks; ++b) {
        sums[b] = 0;
        for (size_t i = 0; i < kIqBlockWeights; ++i) {
            const float v = x[b * kIqBlockWeights + i];
            sums[b] += v * v;
        }
    }
}

// Weights and importance (nullptr: none) of one sub-block, and the mean square of its super-block.
struct SubBlock {
    const float* x;
    const float* importance;
    float sigma2;
};

// Calls take(column, sub-block) for each sub-block of `blocks` super-blocks from `first` on, and
// leave_out(column) for the columns that remain. `sums`: of squares, by super-block.
template <size_t kSub, bool kDoubleSigma, class Take, class LeaveOut>
HWY_INLINE void for_sub_blocks(const IqRows& rows, size_t first, size_t blocks, const float* sums,
                               Take take, LeaveOut leave_out) {
    constexpr size_t kSubBlocks = kIqBlockWeights / kSub;
    for (size_t c = 0; c < kColumns; ++c) {
        const size_t k = c / kSubBlocks;
        if (k >= blocks) {
            leave_out(c);
            continue;
        }
        if (HWY_UNLIKELY(!(sums[k] <= FLT_MAX))) rows.require_numbers(first + k);
        const float sigma2 = (kDoubleSigma ? 2 * sums[k] : sums[k]) / kIqBlockWeights;
        const size_t at = c % kSubBlocks * kSub;
        const float* importance = rows.importance_of(first + k);
        take(c, SubBlock{rows.weights_of(first + k) + at, importance ? importance + at : nullptr,
                         sigma2});
    }
}

// Calls encode(first super-block, number of them, sums of squares) for each batch of rows.
template <size_t kSub, class Encode>
HWY_INLINE void for_batches(const IqRows& rows, Encode encode) {
    constexpr size_t kBatchBlocks = kColumns * kSub / kIqBlockWeights;
    constexpr size_t kSums = 8;
    float sums[kSums] = {};
    for (size_t block = 0; block < rows.blocks(); block += kBatchBlocks) {
        if (block % kSums == 0) {
            sums_of_squares(rows.weights_of(block), std::min(kSums, rows.blocks() - block), sums);
        }
        encode(block, std::min(kBatchBlocks, rows.blocks() - block), sums + block % kSums);
    }
}

// `count` values of each column, in columns.
HWY_INLINE void rows_to_columns(const float* HWY_RESTRICT rows, size_t count,
                                float* HWY_RESTRICT columns) {
    for (size_t c = 0; c < kColumns; ++c) {
        for (size_t i = 0; i < count; ++i) columns[i * kColumns + c] = rows[c * count + i];
    }
}

}  // namespace bitgauge::iq::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
