// IQ1_S and IQ1_M: quantize_row_iq1_s_impl and quantize_row_iq1_m_impl of ggml-quants.c.

#include <cstring>

#include "qtype/encode_iq.h"
#include "qtype/encoders_iq.h"
#include "qtype/stable_order.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "qtype/encode_iq1.cpp"
// In Highway's order, which compiles this file once per target.
// clang-format off
#include "qtype/lane_targets.h"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "qtype/columns-inl.h"
#include "qtype/nearest_grid-inl.h"
#include "qtype/split_search-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace bitgauge::iq::HWY_NAMESPACE {

template <class T>
struct Batch1 {
    static constexpr size_t kGroups = T::kSub / 8;
    static constexpr size_t kValues = T::kSub * kColumns;
    alignas(64) float x[kValues];  // in columns
    alignas(64) float w[kValues];
    alignas(64) float wx[kValues];
    alignas(64) float row_x[kValues];
    alignas(64) float row_w[kValues];
    alignas(64) int32_t rank[kValues];  // place in ascending order
    alignas(64) int32_t code[kGroups * kColumns];
    alignas(64) float scale[kColumns];
    alignas(64) int32_t choice[kColumns];  // which levels, in the type's way
    alignas(64) int32_t active[kColumns];  // -1: has a scale; 0: none of its bits is set
    bool failed = false;
};

// ---- order

// Ranks by counting smaller values; equal ones stay in order.
template <class T>
HWY_NOINLINE void rank_by_counting(Batch1<T>* b) {
    const Lanes d;
    const IntLanes di;
    for (size_t c = 0; c < kColumns; c += hn::Lanes(d)) {
        for (size_t i = 0; i < T::kSub; ++i) {
            hn::Store(hn::Set(di, static_cast<int32_t>(i)), di, b->rank + i * kColumns + c);
        }
        for (size_t i = 0; i < T::kSub; ++i) {
            const auto value = hn::Load(d, b->x + i * kColumns + c);
            auto rank = hn::Load(di, b->rank + i * kColumns + c);
            for (size_t j = i + 1; j < T::kSub; ++j) {
                const size_t at = j * kColumns + c;
                const auto less = hn::Lt(hn::Load(d, b->x + at), value);
                const auto one = hn::VecFromMask(di, hn::RebindMask(di, less));
                rank = hn::Sub(rank, one);
                hn::Store(hn::Add(hn::Load(di, b->rank + at), one), di, b->rank + at);
            }
            hn::Store(rank, di, b->rank + i * kColumns + c);
        }
    }
}

template <class T>
HWY_NOINLINE void rank_by_library(Batch1<T>* b) {
    for (size_t c = 0; c < kColumns; ++c) {
        uint32_t order[T::kSub];
        order_by_library(b->row_x + c * T::kSub, T::kSub, order);
        for (size_t j = 0; j < T::kSub; ++j) {
            b->rank[order[j] * kColumns + c] = static_cast<int32_t>(j);
        }
    }
}

// ---- one sub-block

template <class T>
HWY_INLINE void take_sub_block(const SubBlock& from, size_t column, Batch1<T>* b) {
    const StepFloats d;
    float* xs = b->row_x + column * T::kSub;
    float* ws = b->row_w + column * T::kSub;
    for (size_t i = 0; i < T::kSub; i += hn::Lanes(d)) {
        const auto x = hn::LoadU(d, from.x + i);
        auto w = hn::Mul(x, x);
        if (from.importance != nullptr) {
            const auto root = hn::Sqrt(hn::Add(hn::Set(d, from.sigma2), w));
            w = hn::Mul(hn::LoadU(d, from.importance + i), root);
        }
        hn::Store(x, d, xs + i);
        hn::Store(w, d, ws + i);
    }
}

template <class T>
HWY_INLINE void clear_sub_block(size_t column, Batch1<T>* b) {
    std::fill_n(b->row_x + column * T::kSub, T::kSub, 0.0F);
    std::fill_n(b->row_w + column * T::kSub, T::kSub, 0.0F);
}

template <class T>
HWY_INLINE void turn_rows_to_columns(Batch1<T>* b) {
    rows_to_columns(b->row_x, T::kSub, b->x);
    rows_to_columns(b->row_w, T::kSub, b->w);
    const Lanes d;
    for (size_t at = 0; at < Batch1<T>::kValues; at += hn::Lanes(d)) {
        hn::Store(hn::Mul(hn::Load(d, b->w + at), hn::Load(d, b->x + at)), d, b->wx + at);
    }
}

template <class T>
HWY_INLINE Float largest_magnitude(const Batch1<T>& b, size_t c) {
    const Lanes d;
    auto max = hn::Abs(hn::Load(d, b.x + c));
    for (size_t i = 1; i < T::kSub; ++i) {
        const auto x = hn::Abs(hn::Load(d, b.x + i * kColumns + c));
        max = hn::IfThenElse(hn::Gt(max, x), max, x);
    }
    return max;
}

// ---- from splits to grid points

// Points of the split, mirrored where its scale is negative.
template <class T>
HWY_NOINLINE void take_split(const Split& split, LaneMask active, size_t c, Batch1<T>* b) {
    const Lanes d;
    const IntLanes di;
    const auto negative = hn::Lt(split.scale, hn::Zero(d));
    const auto mirrored = hn::RebindMask(di, negative);
    const auto found = hn::And(active, hn::RebindMask(d, hn::Gt(split.first, hn::Set(di, -1))));
    const auto scale = hn::IfThenElse(negative, hn::Neg(split.scale), split.scale);
    hn::Store(hn::IfThenElseZero(found, scale), d, b->scale + c);
    hn::Store(hn::VecFromMask(di, hn::RebindMask(di, found)), di, b->active + c);
    const auto choice = hn::IfThenElse(mirrored, T::mirrored(split.choice), split.choice);
    hn::Store(hn::IfThenElse(hn::RebindMask(di, found), choice, T::no_choice()), di, b->choice + c);
    const auto two = hn::Set(di, 2);
    for (size_t g = 0; g < Batch1<T>::kGroups; ++g) {
        auto code = hn::Zero(di);
        for (size_t i = 0; i < 8; ++i) {
            const auto rank = hn::Load(di, b->rank + (8 * g + i) * kColumns + c);
            // Masks are -1.
            const auto below = hn::Add(hn::VecFromMask(di, hn::Lt(rank, split.first)),
                                       hn::VecFromMask(di, hn::Lt(rank, split.second)));
            const auto level = hn::IfThenElse(mirrored, hn::Neg(below), hn::Add(two, below));
            code = hn::Or(code, hn::ShiftLeftSame(level, static_cast<int>(2 * i)));
        }
        hn::Store(code, di, b->code + g * kColumns + c);
    }
}

template <class T>
HWY_INLINE const float* levels_of(const Batch1<T>& b, size_t column, size_t group) {
    return T::moved_up(b.choice[column], group) ? kUp : kDown;
}

// Moves points onto the grid; false when all were there.
template <class T>
HWY_NOINLINE bool snap_to_grid(const Lattice& lattice, size_t column, Batch1<T>* b) {
    bool moved = false;
    const float scale = b->scale[column];
    for (size_t g = 0; g < Batch1<T>::kGroups; ++g) {
        int32_t& code = b->code[g * kColumns + column];
        const Lattice::Neighbours list = lattice.neighbours(static_cast<uint32_t>(code));
        if (list.steps == 0) continue;
        moved = true;
        const float* levels = levels_of(*b, column, g);
        const size_t at = column * T::kSub + 8 * g;
        const Terms8 terms(b->row_x + at, b->row_w + at, scale * levels[0], scale * levels[1],
                           scale * levels[2]);
        const uint32_t found =
            first_nearest(terms, lattice.candidates(list.first_step), list.steps);
        if (HWY_UNLIKELY(found == kNoGridPoint)) b->failed = true;
        code = static_cast<int32_t>(found & 0xFFFF);
    }
    return moved;
}

// The scale that fits the points best, if it is positive.
template <class T>
HWY_NOINLINE void fit_scale(size_t column, Batch1<T>* b) {
    float sumqx = 0;
    float sumq2 = 0;
    for (size_t g = 0; g < Batch1<T>::kGroups; ++g) {
        const float* levels = levels_of(*b, column, g);
        const auto code = static_cast<uint32_t>(b->code[g * kColumns + column]);
        const size_t at = column * T::kSub + 8 * g;
        for (size_t i = 0; i < 8; ++i) {
            const float q = levels[(code >> 2 * i) & 3];
            const float wq = b->row_w[at + i] * q;
            sumqx += wq * b->row_x[at + i];
            sumq2 += wq * q;
        }
    }
    if (sumqx > 0 && sumq2 > 0) b->scale[column] = sumqx / sumq2;
}

template <class T>
HWY_INLINE void search(const Lattice& lattice, Batch1<T>* b) {
    const Lanes d;
    turn_rows_to_columns(b);
    if (library_keeps_order()) {
        rank_by_counting(b);
    } else {
        rank_by_library(b);
    }
    const typename T::Sorted sorted(*b);
    for (size_t c = 0; c < kColumns; c += hn::Lanes(d)) {
        const auto max = largest_magnitude(*b, c);
        const auto active = hn::Not(hn::Lt(max, hn::Set(d, T::kZeroBelow)));
        take_split(sorted.best_split(c, max), active, c, b);
    }
    for (size_t c = 0; c < kColumns; ++c) {
        if (b->active[c] == 0) continue;
        if (snap_to_grid(lattice, c, b)) fit_scale(c, b);
        if (!(b->scale[c] >= 0)) b->failed = true;
    }
}

template <class T>
void encode_iq1_rows(const IqRows& rows, std::byte* out) {
    constexpr size_t kSubBlocks = kIqBlockWeights / T::kSub;
    const Lattice& lattice = Lattice::of(LatticeKind::kIq1);
    Batch1<T> batch;
    for_batches<T::kSub>(rows, [&](size_t first, size_t blocks, const float* sums) {
        batch.failed = false;
        for_sub_blocks<T::kSub, true>(
            rows, first, blocks, sums,
            [&](size_t c, const SubBlock& from) { take_sub_block(from, c, &batch); },
            [&](size_t c) { clear_sub_block(c, &batch); });
        search(lattice, &batch);
        if (HWY_UNLIKELY(batch.failed)) rows.refuse(first);
        for (size_t k = 0; k < blocks; ++k) {
            T::pack(lattice, batch, k * kSubBlocks, out + (first + k) * T::kBlockBytes);
        }
    });
}

template <class T>
HWY_INLINE float largest_scale(const Batch1<T>& b, size_t first) {
    float largest = 0;
    for (size_t s = 0; s < kIqBlockWeights / T::kSub; ++s) {
        largest = std::max(largest, b.scale[first + s]);
    }
    return largest;
}

template <class T>
HWY_INLINE uint32_t grid_index(const Lattice& lattice, const Batch1<T>& b, size_t column,
                               size_t group) {
    if (b.active[column] == 0) return 0;
    return lattice.index_of(static_cast<uint32_t>(b.code[group * kColumns + column]));
}

// ---- IQ1_S

struct Iq1S {
    static constexpr size_t kSub = 32;
    static constexpr size_t kBlockBytes = 50;
    static constexpr float kZeroBelow = 1e-12F;

    static HWY_INLINE Int mirrored(Int choice) { return hn::Neg(choice); }
    static HWY_INLINE Int no_choice() { return hn::Set(IntLanes(), 1); }
    static HWY_INLINE bool moved_up(int32_t choice, size_t) { return choice == 1; }

    class Sorted {
      public:
        HWY_INLINE explicit Sorted(const Batch1<Iq1S>& b) {
            for (size_t at = 0; at < Batch1<Iq1S>::kValues; ++at) {
                const size_t to = static_cast<size_t>(b.rank[at]) * kColumns + at % kColumns;
                wx_[to] = b.wx[at];
                w_[to] = b.w[at];
            }
        }
        HWY_INLINE Split best_split(size_t c, Float max) const {
            return WholeSplits<kSub>(wx_ + c, w_ + c).best(max);
        }

      private:
        alignas(64) float wx_[kSub * kColumns];
        alignas(64) float w_[kSub * kColumns];
    };

    // d | low 8 bits of 32 grid indices | eight words: their high 3 bits, scale, move.
    static void pack(const Lattice& lattice, const Batch1<Iq1S>& b, size_t first, std::byte* out) {
        uint8_t block[kBlockBytes] = {};
        const float max_scale = largest_scale(b, first);
        const float d = max_scale / 15;
        if (max_scale != 0) {
            const uint16_t half = iq_half(d * 1.125F);
            std::memcpy(block, &half, sizeof(half));
        }
        for (size_t s = 0; s < 8; ++s) {
            uint32_t word = 0;
            for (size_t g = 0; g < 4; ++g) {
                const uint32_t index = grid_index(lattice, b, first + s, g);
                block[2 + 4 * s + g] = static_cast<uint8_t>(index & 255);
                word |= (index >> 8) << 3 * g;
            }
            if (max_scale != 0) {
                word |= static_cast<uint32_t>(iq_scale_code(b.scale[first + s], 1 / d, 7)) << 12;
                if (b.choice[first + s] == -1) word |= 0x8000;
            }
            const auto stored = static_cast<uint16_t>(word);
            std::memcpy(block + 34 + 2 * s, &stored, sizeof(stored));
        }
        std::memcpy(out, block, kBlockBytes);
    }
};

// ---- IQ1_M

struct Iq1M {
    static constexpr size_t kSub = 16;
    static constexpr size_t kBlockBytes = 56;
    static constexpr float kZeroBelow = 1e-7F;

    static HWY_INLINE Int mirrored(Int choice) { return hn::Sub(hn::Set(IntLanes(), 3), choice); }
    static HWY_INLINE Int no_choice() { return hn::Zero(IntLanes()); }
    static HWY_INLINE bool moved_up(int32_t choice, size_t half) {
        return ((choice >> (1 - half)) & 1) == 0;
    }

    class Sorted {
      public:
        HWY_INLINE explicit Sorted(const Batch1<Iq1M>& b) {
            constexpr size_t kHalf = Batch1<Iq1M>::kValues / 2;
            for (size_t at = 0; at < Batch1<Iq1M>::kValues; ++at) {
                const size_t to = static_cast<size_t>(b.rank[at]) * kColumns + at % kColumns;
                const size_t half = at / kHalf;
                wx_[half][to] = b.wx[at];
                w_[half][to] = b.w[at];
                wx_[1 - half][to] = 0;
                w_[1 - half][to] = 0;
            }
        }
        HWY_INLINE Split best_split(size_t c, Float max) const {
            return HalvedSplits<kSub>(wx_, w_, c).best(max);
        }

      private:
        alignas(64) float wx_[2][kSub * kColumns];
        alignas(64) float w_[2][kSub * kColumns];
    };

    // The scale that fits all points of the super-block best, with the sub-blocks' scales rounded.
    static float fitted_scale(const Lattice& lattice, const Batch1<Iq1M>& b, size_t first,
                              const int32_t* codes, float d) {
        float sumqx = 0;
        float sumq2 = 0;
        for (size_t s = 0; s < 16; ++s) {
            const auto factor = static_cast<float>(2 * codes[s] + 1);
            for (size_t g = 0; g < 2; ++g) {
                const float* levels = levels_of(b, first + s, g);
                const uint32_t code = lattice.code_at(grid_index(lattice, b, first + s, g));
                const size_t at = (first + s) * kSub + 8 * g;
                for (size_t i = 0; i < 8; ++i) {
                    const float q = levels[(code >> 2 * i) & 3] * factor;
                    const float wq = b.row_w[at + i] * q;
                    sumqx += wq * b.row_x[at + i];
                    sumq2 += wq * q;
                }
            }
        }
        return sumq2 > 0 ? sumqx / sumq2 : d;
    }

    // low 8 bits of 32 grid indices | their high 3 bits and moves | scales and d in four words.
    static void pack(const Lattice& lattice, const Batch1<Iq1M>& b, size_t first, std::byte* out) {
        uint8_t block[kBlockBytes] = {};
        const float max_scale = largest_scale(b, first);
        for (size_t s = 0; s < 16; ++s) {
            for (size_t g = 0; g < 2; ++g) {
                const uint32_t index = grid_index(lattice, b, first + s, g);
                const bool down = max_scale != 0 && !moved_up(b.choice[first + s], g);
                block[2 * s + g] = static_cast<uint8_t>(index & 255);
                block[32 + s] |= static_cast<uint8_t>((index >> 8 | (down ? 8U : 0U)) << 4 * g);
            }
        }
        if (max_scale != 0) pack_scales(lattice, b, first, max_scale / 15, block + 48);
        std::memcpy(out, block, kBlockBytes);
    }

    static void pack_scales(const Lattice& lattice, const Batch1<Iq1M>& b, size_t first, float d,
                            uint8_t* out) {
        int32_t codes[16];
        uint16_t words[4] = {};
        for (size_t s = 0; s < 16; ++s) {
            codes[s] = iq_scale_code(b.scale[first + s], 1 / d, 7);
            words[s / 4] |= static_cast<uint16_t>(codes[s] << 3 * (s % 4));
        }
        const uint16_t half = iq_half(fitted_scale(lattice, b, first, codes, d) * 1.1125F);
        for (size_t i = 0; i < 4; ++i) {
            words[i] |= static_cast<uint16_t>(((half >> 4 * i) & 15) << 12);
        }
        std::memcpy(out, words, sizeof(words));
    }
};

void encode_iq1_s(const IqRows& rows, std::byte* out) {
    encode_iq1_rows<Iq1S>(rows, out);
}
void encode_iq1_m(const IqRows& rows, std::byte* out) {
    encode_iq1_rows<Iq1M>(rows, out);
}

}  // namespace bitgauge::iq::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bitgauge {
namespace iq {
HWY_EXPORT(encode_iq1_s);
HWY_EXPORT(encode_iq1_m);
}  // namespace iq

using namespace iq;  // NOLINT(google-build-using-namespace): tables of HWY_EXPORT

void encode_iq1_s_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                       std::byte* out) {
    const IqRows all{in, rows, row_weights, importance, "IQ1_S"};
    all.require_importance();
    HWY_DYNAMIC_DISPATCH(encode_iq1_s)(all, out);
}

void encode_iq1_m_rows(const float* in, size_t rows, size_t row_weights, const float* importance,
                       std::byte* out) {
    HWY_DYNAMIC_DISPATCH(encode_iq1_m)({in, rows, row_weights, importance, "IQ1_M"}, out);
}

}  // namespace bitgauge
#endif  // HWY_ONCE
