#include "qtype/frozen_blocks.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstring>

#include "qtype/blocks.h"

#include <ggml.h>

namespace bitgauge {
namespace {

// First integer and number of levels where they are even.
template <int kFirst, size_t kCount>
constexpr std::array<float, kCount> even_values() {
    std::array<float, kCount> values{};
    for (size_t i = 0; i < kCount; ++i)
        values[i] = static_cast<float>(kFirst) + static_cast<float>(i);
    return values;
}

constexpr std::array<float, 16> kIq4Values = {-127, -104, -83, -65, -49, -35, -22, -10,
                                              1,    13,   25,  38,  53,  69,  89,  113};
constexpr std::array<float, 15> kE2M1Values = {-12, -8, -6, -4, -3, -2, -1, 0,
                                               1,   2,  3,  4,  6,  8,  12};
// Code of a level, and level of a code, whose highest bit is the sign.
constexpr std::array<uint8_t, 15> kE2M1Codes = {15, 14, 13, 12, 11, 10, 9, 0, 1, 2, 3, 4, 5, 6, 7};
constexpr std::array<uint8_t, 16> kE2M1Levels = {7, 8, 9, 10, 11, 12, 13, 14,
                                                 7, 6, 5, 4,  3,  2,  1,  0};

float as_float(Half bits) {
    return ggml_fp16_to_fp32(bits);
}

// Where weight i of a block keeps its bits, in the orders that ggml has: four bits in pairs of runs
// of `half` weights, two bits in quarters of 128, single ones in runs of 32.
unsigned nibble(const uint8_t* qs, size_t i, size_t half) {
    return qs[i / (2 * half) * half + i % half] >> i / half % 2 * 4 & 15;
}
unsigned crumb(const uint8_t* qs, size_t i) {
    return qs[i / 128 * 32 + i % 32] >> i / 32 % 4 * 2 & 3;
}
unsigned bit(const uint8_t* qs, size_t i) {
    return qs[i % 32] >> i / 32 & 1;
}

// The same for all weights of a block at once, of the level's bits from `shift`.
template <size_t kHalf, size_t kWeights>
void pack_nibbles(const uint8_t* levels, uint8_t* qs) {
    for (size_t first = 0; first < kWeights; first += 2 * kHalf) {
        for (size_t i = 0; i < kHalf; ++i) {
            const int low = levels[first + i] & 15;
            qs[first / 2 + i] = static_cast<uint8_t>(low | levels[first + kHalf + i] << 4);
        }
    }
}
template <int kShift>
void pack_crumbs(const uint8_t* levels, uint8_t* qs) {
    for (size_t first = 0; first < kSuperBlock; first += 128) {
        for (size_t i = 0; i < 32; ++i) {
            const uint8_t* at = levels + first + i;
            qs[first / 4 + i] =
                static_cast<uint8_t>((at[0] >> kShift & 3) | (at[32] >> kShift & 3) << 2 |
                                     (at[64] >> kShift & 3) << 4 | (at[96] >> kShift & 3) << 6);
        }
    }
}
template <int kShift>
void pack_bits(const uint8_t* levels, uint8_t* qs) {
    for (size_t i = 0; i < 32; ++i) {
        int bits = 0;
        for (size_t run = 0; run < 8; ++run) bits |= (levels[32 * run + i] >> kShift & 1) << run;
        qs[i] = static_cast<uint8_t>(bits);
    }
}

struct Pair {
    float step;
    float offset;
};

// Each format: a block's weights, how many share a step, the values, the pair of sub-block `sub`,
// and the level of weight i.
template <class BlockType, size_t kBlockWeights, size_t kStep, bool kOffset>
struct Format {
    using Block = BlockType;
    static constexpr size_t kWeights = kBlockWeights;
    static constexpr size_t kStepWeights = kStep;
    static constexpr bool kHasOffset = kOffset;
    static constexpr bool kEven = true;
};

struct FormatQ40 : Format<BlockQ4Zero, 32, 32, false> {
    static constexpr auto kValues = even_values<-8, 16>();
    static Pair pair(const Block& b, size_t) { return {as_float(b.d), 0}; }
    static unsigned get(const Block& b, size_t i) { return nibble(b.qs, i, 16); }
    static void pack(const uint8_t* levels, Block& b) { pack_nibbles<16, kWeights>(levels, b.qs); }
};

struct FormatQ41 : Format<BlockQ4One, 32, 32, true> {
    static constexpr auto kValues = even_values<0, 16>();
    static Pair pair(const Block& b, size_t) { return {as_float(b.d), as_float(b.m)}; }
    static unsigned get(const Block& b, size_t i) { return nibble(b.qs, i, 16); }
    static void pack(const uint8_t* levels, Block& b) { pack_nibbles<16, kWeights>(levels, b.qs); }
};

// Four bits in qs, the fifth at bit i of qh.
template <class Block>
unsigned get_five(const Block& b, size_t i) {
    return nibble(b.qs, i, 16) | (b.qh[i / 8] >> i % 8 & 1U) << 4;
}
template <class Block>
void pack_five(const uint8_t* levels, Block& b) {
    pack_nibbles<16, 32>(levels, b.qs);
    for (size_t byte = 0; byte < 4; ++byte) {
        int bits = 0;
        for (size_t i = 0; i < 8; ++i) bits |= levels[8 * byte + i] >> 4 << i;
        b.qh[byte] = static_cast<uint8_t>(bits);
    }
}

struct FormatQ50 : Format<BlockQ5Zero, 32, 32, false> {
    static constexpr auto kValues = even_values<-16, 32>();
    static Pair pair(const Block& b, size_t) { return {as_float(b.d), 0}; }
    static unsigned get(const Block& b, size_t i) { return get_five(b, i); }
    static void pack(const uint8_t* levels, Block& b) { pack_five(levels, b); }
};

struct FormatQ51 : Format<BlockQ5One, 32, 32, true> {
    static constexpr auto kValues = even_values<0, 32>();
    static Pair pair(const Block& b, size_t) { return {as_float(b.d), as_float(b.m)}; }
    static unsigned get(const Block& b, size_t i) { return get_five(b, i); }
    static void pack(const uint8_t* levels, Block& b) { pack_five(levels, b); }
};

struct FormatQ80 : Format<BlockQ8Zero, 32, 32, false> {
    static constexpr auto kValues = even_values<-127, 255>();
    static Pair pair(const Block& b, size_t) { return {as_float(b.d), 0}; }
    static unsigned get(const Block& b, size_t i) {
        return static_cast<unsigned>(std::max(-127, int{b.qs[i]}) + 127);
    }
    static void pack(const uint8_t* levels, Block& b) {
        for (size_t i = 0; i < kWeights; ++i) {
            b.qs[i] = static_cast<int8_t>(static_cast<int>(levels[i]) - 127);
        }
    }
};

struct FormatMxfp4 : Format<BlockMxfp4, 32, 32, false> {
    static constexpr bool kEven = false;
    static constexpr auto kValues = kE2M1Values;
    // Values are doubled, so half of 2^(e - 127).
    static Pair pair(const Block& b, size_t) { return {std::ldexp(1.0F, b.e - 128), 0}; }
    static unsigned get(const Block& b, size_t i) { return kE2M1Levels[nibble(b.qs, i, 16)]; }
    static void pack(const uint8_t* levels, Block& b) {
        uint8_t codes[kWeights];
        for (size_t i = 0; i < kWeights; ++i) codes[i] = kE2M1Codes[levels[i]];
        pack_nibbles<16, kWeights>(codes, b.qs);
    }
};

struct FormatIq4Nl : Format<BlockIq4Nl, 32, 32, false> {
    static constexpr bool kEven = false;
    static constexpr auto kValues = kIq4Values;
    static Pair pair(const Block& b, size_t) { return {as_float(b.d), 0}; }
    static unsigned get(const Block& b, size_t i) { return nibble(b.qs, i, 16); }
    static void pack(const uint8_t* levels, Block& b) { pack_nibbles<16, kWeights>(levels, b.qs); }
};

struct FormatIq4Xs : Format<BlockIq4Xs, 256, 32, false> {
    static constexpr bool kEven = false;
    static constexpr auto kValues = kIq4Values;
    static Pair pair(const Block& b, size_t sub) {
        const int low = b.scales_l[sub / 2] >> sub % 2 * 4 & 15;
        const int high = b.scales_h >> 2 * sub & 3;
        return {as_float(b.d) * static_cast<float>((low | high << 4) - 32), 0};
    }
    static unsigned get(const Block& b, size_t i) { return nibble(b.qs, i, 16); }
    static void pack(const uint8_t* levels, Block& b) { pack_nibbles<16, kWeights>(levels, b.qs); }
};

struct FormatQ2K : Format<BlockQ2K, 256, 16, true> {
    static constexpr auto kValues = even_values<0, 4>();
    static Pair pair(const Block& b, size_t sub) {
        return {as_float(b.d) * static_cast<float>(b.scales[sub] & 15),
                -(as_float(b.dmin) * static_cast<float>(b.scales[sub] >> 4))};
    }
    static unsigned get(const Block& b, size_t i) { return crumb(b.qs, i); }
    static void pack(const uint8_t* levels, Block& b) { pack_crumbs<0>(levels, b.qs); }
};

struct FormatQ3K : Format<BlockQ3K, 256, 16, false> {
    static constexpr auto kValues = even_values<-4, 8>();
    static Pair pair(const Block& b, size_t sub) {
        const int low = b.scales[sub % 8] >> sub / 8 * 4 & 15;
        const int high = b.scales[8 + sub % 4] >> sub / 4 * 2 & 3;
        return {as_float(b.d) * static_cast<float>((low | high << 4) - 32), 0};
    }
    static unsigned get(const Block& b, size_t i) { return crumb(b.qs, i) | bit(b.hmask, i) << 2; }
    static void pack(const uint8_t* levels, Block& b) {
        pack_crumbs<0>(levels, b.qs);
        pack_bits<2>(levels, b.hmask);
    }
};

// Eight scales and eight minimums of six bits in twelve bytes.
Pair six_bit_pair(const uint8_t* scales, size_t sub, Half d, Half dmin) {
    int scale = scales[sub] & 63;
    int minimum = scales[sub + 4] & 63;
    if (sub >= 4) {
        scale = (scales[sub + 4] & 15) | scales[sub - 4] >> 6 << 4;
        minimum = scales[sub + 4] >> 4 | scales[sub] >> 6 << 4;
    }
    return {as_float(d) * static_cast<float>(scale),
            -(as_float(dmin) * static_cast<float>(minimum))};
}

struct FormatQ4K : Format<BlockQ4K, 256, 32, true> {
    static constexpr auto kValues = even_values<0, 16>();
    static Pair pair(const Block& b, size_t sub) {
        return six_bit_pair(b.scales, sub, b.d, b.dmin);
    }
    static unsigned get(const Block& b, size_t i) { return nibble(b.qs, i, 32); }
    static void pack(const uint8_t* levels, Block& b) { pack_nibbles<32, kWeights>(levels, b.qs); }
};

struct FormatQ5K : Format<BlockQ5K, 256, 32, true> {
    static constexpr auto kValues = even_values<0, 32>();
    static Pair pair(const Block& b, size_t sub) {
        return six_bit_pair(b.scales, sub, b.d, b.dmin);
    }
    static unsigned get(const Block& b, size_t i) {
        return nibble(b.qs, i, 32) | bit(b.qh, i) << 4;
    }
    static void pack(const uint8_t* levels, Block& b) {
        pack_nibbles<32, kWeights>(levels, b.qs);
        pack_bits<4>(levels, b.qh);
    }
};

struct FormatQ6K : Format<BlockQ6K, 256, 16, false> {
    static constexpr auto kValues = even_values<-32, 64>();
    static Pair pair(const Block& b, size_t sub) {
        return {as_float(b.d) * static_cast<float>(b.scales[sub]), 0};
    }
    static unsigned get(const Block& b, size_t i) {
        return nibble(b.ql, i, 64) | crumb(b.qh, i) << 4;
    }
    static void pack(const uint8_t* levels, Block& b) {
        pack_nibbles<64, kWeights>(levels, b.ql);
        pack_crumbs<4>(levels, b.qh);
    }
};

template <class F, class Visit>
void for_each_block(std::span<const std::byte> row, const Visit& visit) {
    assert(row.size() % sizeof(typename F::Block) == 0);
    for (size_t block = 0; block < row.size() / sizeof(typename F::Block); ++block) {
        typename F::Block copy;
        std::memcpy(&copy, row.data() + block * sizeof(copy), sizeof(copy));
        visit(copy, block);
    }
}

template <class F>
void steps_of(std::span<const std::byte> row, float* steps, float* offsets) {
    constexpr size_t kSubs = F::kWeights / F::kStepWeights;
    for_each_block<F>(row, [&](const auto& block, size_t at) {
        for (size_t sub = 0; sub < kSubs; ++sub) {
            const Pair pair = F::pair(block, sub);
            steps[at * kSubs + sub] = pair.step;
            offsets[at * kSubs + sub] = pair.offset;
        }
    });
}

template <class F>
void levels_of(std::span<const std::byte> row, uint8_t* levels) {
    for_each_block<F>(row, [&](auto& block, size_t at) {
        for (size_t i = 0; i < F::kWeights; ++i) {
            levels[at * F::kWeights + i] = static_cast<uint8_t>(F::get(block, i));
        }
    });
}

template <class F>
void write_levels_of(const uint8_t* levels, std::span<std::byte> row) {
    for_each_block<F>(row, [&](auto& block, size_t at) {
        F::pack(levels + at * F::kWeights, block);
        std::memcpy(row.data() + at * sizeof(block), &block, sizeof(block));
    });
}

struct FrozenType {
    ggml_type type;
    FrozenGrid grid;
    void (*steps)(std::span<const std::byte>, float*, float*);
    void (*levels)(std::span<const std::byte>, uint8_t*);
    void (*write)(const uint8_t*, std::span<std::byte>);
};

template <class F>
constexpr FrozenType frozen(ggml_type type) {
    return {type,
            {F::kStepWeights, F::kValues, F::kEven, F::kHasOffset},
            steps_of<F>,
            levels_of<F>,
            write_levels_of<F>};
}

// One line per type.
// clang-format off
constexpr std::array kFrozenTypes = {
    frozen<FormatQ40>(GGML_TYPE_Q4_0),
    frozen<FormatQ41>(GGML_TYPE_Q4_1),
    frozen<FormatQ50>(GGML_TYPE_Q5_0),
    frozen<FormatQ51>(GGML_TYPE_Q5_1),
    frozen<FormatQ80>(GGML_TYPE_Q8_0),
    frozen<FormatQ2K>(GGML_TYPE_Q2_K),
    frozen<FormatQ3K>(GGML_TYPE_Q3_K),
    frozen<FormatQ4K>(GGML_TYPE_Q4_K),
    frozen<FormatQ5K>(GGML_TYPE_Q5_K),
    frozen<FormatQ6K>(GGML_TYPE_Q6_K),
    frozen<FormatIq4Nl>(GGML_TYPE_IQ4_NL),
    frozen<FormatIq4Xs>(GGML_TYPE_IQ4_XS),
    frozen<FormatMxfp4>(GGML_TYPE_MXFP4),
};
// clang-format on

const FrozenType* find(int type_id) {
    const auto* found =
        std::find_if(kFrozenTypes.begin(), kFrozenTypes.end(),
                     [&](const FrozenType& frozen) { return frozen.type == type_id; });
    return found == kFrozenTypes.end() ? nullptr : found;
}

}  // namespace

const FrozenGrid* frozen_grid(int type_id) {
    const FrozenType* found = find(type_id);
    return found == nullptr ? nullptr : &found->grid;
}

void read_steps(int type_id, std::span<const std::byte> row, std::span<float> steps,
                std::span<float> offsets) {
    assert(steps.size() == offsets.size());
    find(type_id)->steps(row, steps.data(), offsets.data());
}

void read_levels(int type_id, std::span<const std::byte> row, std::span<uint8_t> levels) {
    find(type_id)->levels(row, levels.data());
}

void write_levels(int type_id, std::span<const uint8_t> levels, std::span<std::byte> row) {
    find(type_id)->write(levels.data(), row);
}

}  // namespace bitgauge
