#include "qtype/frozen_lattice.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstring>

#include "qtype/blocks.h"

#include <ggml.h>

namespace bitgauge {
namespace {

constexpr size_t kUnits = kSuperBlock / kUnitWeights;

constexpr std::array<float, 3> kIq2Values = {8, 25, 43};
constexpr std::array<float, 8> kIq3XxsValues = {4, 12, 20, 28, 36, 44, 52, 62};
constexpr std::array<float, 8> kIq3SValues = {1, 3, 5, 7, 9, 11, 13, 15};

template <class Word>
Word load(const uint8_t* from) {
    Word word;
    std::memcpy(&word, from, sizeof(word));
    return word;
}
template <class Word>
void store(Word word, uint8_t* to) {
    std::memcpy(to, &word, sizeof(word));
}

// `bits` of the word at bit `shift`.
template <class Word>
void put(uint8_t* at, unsigned shift, unsigned bits, uint32_t value) {
    const uint32_t mask = ((1U << bits) - 1) << shift;
    store(static_cast<Word>((load<Word>(at) & ~mask) | (value << shift & mask)), at);
}
template <class Word>
uint32_t take(const uint8_t* at, unsigned shift, unsigned bits) {
    return uint32_t{load<Word>(at)} >> shift & ((1U << bits) - 1);
}

// The eighth sign makes their number even.
uint8_t with_eighth(uint32_t seven) {
    return static_cast<uint8_t>(seven | static_cast<uint32_t>(std::popcount(seven) & 1) << 7);
}

unsigned in_quad(size_t unit, unsigned width) {
    return static_cast<unsigned>(unit % 4) * width;
}

float nibble(const uint8_t* bytes, size_t i) {
    return static_cast<float>(bytes[i / 2] >> i % 2 * 4 & 15);
}

// Each format: bytes of a block, weights with one step, the factor of the block's scale for
// sub-block `sub`, and the point of unit `u`.
struct Iq2Xxs {
    static constexpr FrozenLattice kLattice = {LatticeKind::kIq2Xxs, 32, true, kIq2Values};
    static constexpr size_t kBytes = 66;

    static float factor(const uint8_t* b, size_t sub) {
        return (0.5F + static_cast<float>(load<uint32_t>(b + 6 + 8 * sub) >> 28)) * 0.25F;
    }
    static UnitPoint get(const uint8_t* b, size_t u) {
        const uint8_t* words = b + 2 + 8 * (u / 4);
        return {{words[u % 4], 0}, with_eighth(take<uint32_t>(words + 4, in_quad(u, 7), 7))};
    }
    static void set(uint8_t* b, size_t u, const UnitPoint& point) {
        uint8_t* words = b + 2 + 8 * (u / 4);
        words[u % 4] = static_cast<uint8_t>(point.index[0]);
        put<uint32_t>(words + 4, in_quad(u, 7), 7, point.signs);
    }
};

struct Iq2Xs {
    static constexpr FrozenLattice kLattice = {LatticeKind::kIq2Xs, 16, true, kIq2Values};
    static constexpr size_t kBytes = 74;

    static float factor(const uint8_t* b, size_t sub) {
        return (0.5F + nibble(b + 66, sub)) * 0.25F;
    }
    static UnitPoint get(const uint8_t* b, size_t u) {
        const uint8_t* word = b + 2 + 2 * u;
        return {{static_cast<uint16_t>(take<uint16_t>(word, 0, 9)), 0},
                with_eighth(take<uint16_t>(word, 9, 7))};
    }
    static void set(uint8_t* b, size_t u, const UnitPoint& point) {
        put<uint16_t>(b + 2 + 2 * u, 0, 9, point.index[0]);
        put<uint16_t>(b + 2 + 2 * u, 9, 7, point.signs);
    }
};

struct Iq2S {
    static constexpr FrozenLattice kLattice = {LatticeKind::kIq2S, 16, false, kIq2Values};
    static constexpr size_t kBytes = 82;

    static float factor(const uint8_t* b, size_t sub) {
        return (0.5F + nibble(b + 74, sub)) * 0.25F;
    }
    static UnitPoint get(const uint8_t* b, size_t u) {
        const uint32_t high = take<uint8_t>(b + 66 + u / 4, in_quad(u, 2), 2);
        return {{static_cast<uint16_t>(b[2 + u] | high << 8), 0}, b[34 + u]};
    }
    static void set(uint8_t* b, size_t u, const UnitPoint& point) {
        b[2 + u] = static_cast<uint8_t>(point.index[0]);
        b[34 + u] = point.signs;
        put<uint8_t>(b + 66 + u / 4, in_quad(u, 2), 2, point.index[0] >> 8);
    }
};

struct Iq3Xxs {
    static constexpr FrozenLattice kLattice = {LatticeKind::kIq3Xxs, 32, true, kIq3XxsValues};
    static constexpr size_t kBytes = 98;

    static float factor(const uint8_t* b, size_t sub) {
        return (0.5F + static_cast<float>(load<uint32_t>(b + 66 + 4 * sub) >> 28)) * 0.5F;
    }
    static UnitPoint get(const uint8_t* b, size_t u) {
        return {{b[2 + 2 * u], b[3 + 2 * u]},
                with_eighth(take<uint32_t>(b + 66 + 4 * (u / 4), in_quad(u, 7), 7))};
    }
    static void set(uint8_t* b, size_t u, const UnitPoint& point) {
        b[2 + 2 * u] = static_cast<uint8_t>(point.index[0]);
        b[3 + 2 * u] = static_cast<uint8_t>(point.index[1]);
        put<uint32_t>(b + 66 + 4 * (u / 4), in_quad(u, 7), 7, point.signs);
    }
};

struct Iq3S {
    static constexpr FrozenLattice kLattice = {LatticeKind::kIq3S, 32, false, kIq3SValues};
    static constexpr size_t kBytes = 110;

    static float factor(const uint8_t* b, size_t sub) { return 1 + 2 * nibble(b + 106, sub); }
    static UnitPoint get(const uint8_t* b, size_t u) {
        const uint32_t high = take<uint8_t>(b + 66 + u / 4, in_quad(u, 2), 2);
        return {{static_cast<uint16_t>(b[2 + 2 * u] | (high & 1) << 8),
                 static_cast<uint16_t>(b[3 + 2 * u] | high >> 1 << 8)},
                b[74 + u]};
    }
    static void set(uint8_t* b, size_t u, const UnitPoint& point) {
        b[2 + 2 * u] = static_cast<uint8_t>(point.index[0]);
        b[3 + 2 * u] = static_cast<uint8_t>(point.index[1]);
        b[74 + u] = point.signs;
        const auto high = static_cast<uint32_t>(point.index[0] >> 8 | point.index[1] >> 8 << 1);
        put<uint8_t>(b + 66 + u / 4, in_quad(u, 2), 2, high);
    }
};

template <class F>
void steps_of(const uint8_t* row, size_t blocks, float* steps) {
    constexpr size_t kSubs = kSuperBlock / F::kLattice.step_weights;
    for (size_t at = 0; at < blocks; ++at) {
        const uint8_t* block = row + at * F::kBytes;
        const float scale = ggml_fp16_to_fp32(load<Half>(block));
        for (size_t sub = 0; sub < kSubs; ++sub) *steps++ = scale * F::factor(block, sub);
    }
}

template <class F>
void points_of(const uint8_t* row, size_t blocks, UnitPoint* points) {
    for (size_t u = 0; u < blocks * kUnits; ++u) {
        points[u] = F::get(row + u / kUnits * F::kBytes, u % kUnits);
    }
}

template <class F>
void write_points_of(const UnitPoint* points, uint8_t* row, size_t blocks) {
    for (size_t u = 0; u < blocks * kUnits; ++u) {
        F::set(row + u / kUnits * F::kBytes, u % kUnits, points[u]);
    }
}

struct FrozenType {
    ggml_type type;
    FrozenLattice lattice;
    size_t block_bytes;
    void (*steps)(const uint8_t*, size_t, float*);
    void (*points)(const uint8_t*, size_t, UnitPoint*);
    void (*write)(const UnitPoint*, uint8_t*, size_t);
};

template <class F>
constexpr FrozenType frozen(ggml_type type) {
    return {type, F::kLattice, F::kBytes, steps_of<F>, points_of<F>, write_points_of<F>};
}

constexpr std::array kFrozenTypes = {
    frozen<Iq2Xxs>(GGML_TYPE_IQ2_XXS), frozen<Iq2Xs>(GGML_TYPE_IQ2_XS),
    frozen<Iq2S>(GGML_TYPE_IQ2_S),     frozen<Iq3Xxs>(GGML_TYPE_IQ3_XXS),
    frozen<Iq3S>(GGML_TYPE_IQ3_S),
};

const FrozenType* find(int type_id) {
    const auto* found =
        std::find_if(kFrozenTypes.begin(), kFrozenTypes.end(),
                     [&](const FrozenType& frozen) { return frozen.type == type_id; });
    return found == kFrozenTypes.end() ? nullptr : found;
}

const uint8_t* bytes_of(std::span<const std::byte> row) {
    return reinterpret_cast<const uint8_t*>(row.data());
}

}  // namespace

const FrozenLattice* frozen_lattice(int type_id) {
    const FrozenType* found = find(type_id);
    return found == nullptr ? nullptr : &found->lattice;
}

void read_lattice_steps(int type_id, std::span<const std::byte> row, std::span<float> steps) {
    const FrozenType& type = *find(type_id);
    const size_t blocks = row.size() / type.block_bytes;
    assert(steps.size() == blocks * kSuperBlock / type.lattice.step_weights);
    type.steps(bytes_of(row), blocks, steps.data());
}

void read_points(int type_id, std::span<const std::byte> row, std::span<UnitPoint> points) {
    const FrozenType& type = *find(type_id);
    const size_t blocks = row.size() / type.block_bytes;
    assert(points.size() == blocks * kUnits);
    type.points(bytes_of(row), blocks, points.data());
}

void write_points(int type_id, std::span<const UnitPoint> points, std::span<std::byte> row) {
    const FrozenType& type = *find(type_id);
    const size_t blocks = row.size() / type.block_bytes;
    assert(points.size() == blocks * kUnits);
    type.write(points.data(), reinterpret_cast<uint8_t*>(row.data()), blocks);
}

}  // namespace bitgauge
