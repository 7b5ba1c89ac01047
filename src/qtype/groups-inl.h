// Blocks of many rows, handed to an encoder a lane each, and what is done with one block at the
// end.

// Included once per instruction set.
#if defined(BITGAUGE_QTYPE_GROUPS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef BITGAUGE_QTYPE_GROUPS_INL_H
#undef BITGAUGE_QTYPE_GROUPS_INL_H
#else
#define BITGAUGE_QTYPE_GROUPS_INL_H
#endif

#include "qtype/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bitgauge::HWY_NAMESPACE {

// Blocks that are encoded together; those from `used` on repeat the last one and are not written.
template <size_t kBlocks>
struct GroupOf {
    size_t used;
    const float* x[kBlocks];
    const float* importance[kBlocks];  // nullptr without importance
    std::byte* out[kBlocks];
};
using Group = GroupOf<kLanes>;

struct BlockShape {
    size_t weights;
    size_t bytes;
};

// Calls encode(group) for all blocks of all rows in order.
template <size_t kBlocks = kLanes, class Encode>
HWY_INLINE void for_each_group(BlockShape shape, const float* in, size_t rows, size_t row_weights,
                               const float* importance, std::byte* out, const Encode& encode) {
    const size_t row_blocks = row_weights / shape.weights;
    const size_t blocks = rows * row_blocks;
    for (size_t first = 0; first < blocks; first += kBlocks) {
        GroupOf<kBlocks> group;
        group.used = std::min(kBlocks, blocks - first);
        for (size_t i = 0; i < kBlocks; ++i) {
            const size_t block = first + std::min(i, group.used - 1);
            group.x[i] = in + block * shape.weights;
            group.out[i] = out + block * shape.bytes;
            group.importance[i] =
                importance == nullptr ? nullptr : importance + block % row_blocks * shape.weights;
        }
        encode(group);
    }
}

#if HWY_TARGET == HWY_SCALAR
HWY_INLINE void pack_nibbles(const uint8_t* levels, uint8_t* bytes) {
    for (size_t i = 0; i < 16; ++i) {
        bytes[i] = static_cast<uint8_t>((levels[i] & 15) | (levels[i + 16] & 15) << 4);
    }
}
HWY_INLINE void pack_fifth_bits(const uint8_t* levels, uint8_t* bytes) {
    std::fill_n(bytes, 4, uint8_t{0});
    for (size_t i = 0; i < 32; ++i) {
        bytes[i / 8] = static_cast<uint8_t>(bytes[i / 8] | (levels[i] >> 4 & 1) << i % 8);
    }
}
#else
// Low four bits of 32 levels: the first sixteen in the low halves of the bytes.
HWY_INLINE void pack_nibbles(const uint8_t* levels, uint8_t* bytes) {
    const hn::FixedTag<uint8_t, 16> d;
    const auto mask = hn::Set(d, 15);
    const auto low = hn::And(hn::LoadU(d, levels), mask);
    const auto high = hn::And(hn::LoadU(d, levels + 16), mask);
    hn::StoreU(hn::Or(low, hn::ShiftLeft<4>(high)), d, bytes);
}

// Bit i: the fifth bit of level i, of 32.
HWY_INLINE void pack_fifth_bits(const uint8_t* levels, uint8_t* bytes) {
    const hn::FixedTag<uint8_t, 16> d;
    const auto fifth = hn::Set(d, 16);
    for (size_t half = 0; half < 2; ++half) {
        uint8_t bits[8];
        hn::StoreMaskBits(d, hn::TestBit(hn::LoadU(d, levels + 16 * half), fifth), bits);
        std::copy_n(bits, 2, bytes + 2 * half);
    }
}
#endif

// Levels of one sub-block for a scale and minimum as stored.
HWY_INLINE void levels_of(const float* x, size_t count, float scale, float minimum, int highest,
                          uint8_t* levels) {
    const Floats d;
    for (size_t i = 0; i < count; i += kLanes) {
        const Vec v = hn::Div(hn::Add(hn::LoadU(d, x + i), set(minimum)), set(scale));
        hn::StoreU(hn::DemoteTo(Bytes(), clamp(nearest_int(v), 0, highest)), Bytes(), levels + i);
    }
}

// Levels of one sub-block as the search rounded them.
HWY_INLINE void searched_levels(const float* x, size_t count, float inverse, float offset,
                                int highest, uint8_t* levels) {
    const Floats d;
    for (size_t i = 0; i < count; i += kLanes) {
        const Vec v = hn::Mul(set(inverse), hn::Sub(hn::LoadU(d, x + i), set(offset)));
        hn::StoreU(hn::DemoteTo(Bytes(), clamp(nearest_int(v), 0, highest)), Bytes(), levels + i);
    }
}

// Levels of one sub-block of signed levels, plus `half`, for a scale as stored.
HWY_INLINE void signed_levels_of(const float* x, size_t count, float scale, int half,
                                 uint8_t* levels) {
    const Floats d;
    for (size_t i = 0; i < count; i += kLanes) {
        const Vec v = hn::Div(hn::LoadU(d, x + i), set(scale));
        const IntVec level = hn::Add(clamp(nearest_int(v), -half, half - 1), hn::Set(Ints(), half));
        hn::StoreU(hn::DemoteTo(Bytes(), level), Bytes(), levels + i);
    }
}

// The same as the search rounded them; an inverse of zero marks a block of zeros, whose levels ggml
// stores as zero, not as half.
HWY_INLINE void searched_signed_levels(const float* x, size_t count, float inverse, int half,
                                       uint8_t* levels) {
    if (inverse == 0) {
        std::fill_n(levels, count, uint8_t{0});
        return;
    }
    const Floats d;
    for (size_t i = 0; i < count; i += kLanes) {
        const Vec v = hn::Mul(set(inverse), hn::LoadU(d, x + i));
        const IntVec level = hn::Add(clamp(nearest_int(v), -half, half - 1), hn::Set(Ints(), half));
        hn::StoreU(hn::DemoteTo(Bytes(), level), Bytes(), levels + i);
    }
}

}  // namespace bitgauge::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
