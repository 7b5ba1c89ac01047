#include "qtype/lattice.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <ggml.h>

namespace bitgauge {
namespace {

constexpr size_t kBlockWeights = 256;
constexpr size_t kMaxBlockBytes = 128;
constexpr uint16_t kHalfOne = 0x3C00;
constexpr size_t kNotOnGrid = SIZE_MAX;

// Where a block of the type keeps the grid index of its first group, and how its decoder and
// ggml's table of neighbours see the grid (iq2xs_init_impl and iq3xs_init_impl in ggml-quants.c).
struct GridLayout {
    ggml_type type;
    size_t grid_size;
    size_t dims;
    size_t levels;
    size_t level_bits;
    size_t shells;     // distinct distances in a list of neighbours
    size_t low_byte;   // offset of the index's low 8 bits
    size_t high_byte;  // offset of the bits above them, in the lowest bits there
};

GridLayout layout_of(LatticeKind kind) {
    switch (kind) {
        case LatticeKind::kIq2Xxs:
            return {GGML_TYPE_IQ2_XXS, 256, 8, 3, 2, 2, 2, 2};
        case LatticeKind::kIq2Xs:
            return {GGML_TYPE_IQ2_XS, 512, 8, 3, 2, 2, 2, 3};
        case LatticeKind::kIq2S:
            return {GGML_TYPE_IQ2_S, 1024, 8, 3, 2, 1, 2, 66};
        case LatticeKind::kIq3Xxs:
            return {GGML_TYPE_IQ3_XXS, 256, 4, 8, 3, 2, 2, 2};
        case LatticeKind::kIq3S:
            return {GGML_TYPE_IQ3_S, 512, 4, 8, 3, 3, 2, 66};
        case LatticeKind::kIq1:
            break;
    }
    return {GGML_TYPE_IQ1_S, 2048, 8, 3, 2, 3, 2, 34};
}

// The decoded values of the group with this grid index, up to a common factor.
std::array<float, 8> decoded_group(const GridLayout& layout, size_t index) {
    std::array<uint8_t, kMaxBlockBytes> block{};
    std::array<float, kBlockWeights> values{};
    std::memcpy(block.data(), &kHalfOne, sizeof(kHalfOne));
    block[layout.low_byte] = static_cast<uint8_t>(index & 255);
    if (index > 255) block[layout.high_byte] = static_cast<uint8_t>(index >> 8);
    ggml_get_type_traits(layout.type)->to_float(block.data(), values.data(), kBlockWeights);
    std::array<float, 8> group{};
    std::copy_n(values.begin(), layout.dims, group.begin());
    return group;
}

// Codes by grid index: a value's level is its rank among all values of the grid.
std::vector<uint32_t> grid_codes(const GridLayout& layout) {
    std::vector<std::array<float, 8>> groups(layout.grid_size);
    std::vector<float> values;
    for (size_t g = 0; g < layout.grid_size; ++g) {
        groups[g] = decoded_group(layout, g);
        values.insert(values.end(), groups[g].begin(), groups[g].begin() + layout.dims);
    }
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    std::vector<uint32_t> codes(layout.grid_size);
    for (size_t g = 0; g < layout.grid_size; ++g) {
        for (size_t i = 0; i < layout.dims; ++i) {
            const auto rank = std::lower_bound(values.begin(), values.end(), groups[g][i]);
            codes[g] |= static_cast<uint32_t>(rank - values.begin()) << (i * layout.level_bits);
        }
    }
    return codes;
}

bool is_point(const GridLayout& layout, uint32_t code) {
    const uint32_t mask = (1U << layout.level_bits) - 1;
    for (size_t i = 0; i < layout.dims; ++i) {
        if (((code >> (i * layout.level_bits)) & mask) >= layout.levels) return false;
    }
    return true;
}

// Squared distances between halves of points, in levels.
class HalfDistances {
  public:
    explicit HalfDistances(const GridLayout& layout)
        : bits_(layout.dims / 2 * layout.level_bits), table_(size_t{1} << (2 * bits_)) {
        const uint32_t mask = (1U << layout.level_bits) - 1;
        for (size_t at = 0; at < table_.size(); ++at) {
            int sum = 0;
            for (size_t b = 0; b < bits_; b += layout.level_bits) {
                const int difference = static_cast<int>((at >> b) & mask) -
                                       static_cast<int>((at >> (b + bits_)) & mask);
                sum += difference * difference;
            }
            table_[at] = static_cast<uint16_t>(sum);
        }
    }

    int between(uint32_t a, uint32_t b) const {
        const uint32_t mask = (1U << bits_) - 1;
        return table_[((a & mask) << bits_) | (b & mask)] +
               table_[((a >> bits_) << bits_) | (b >> bits_)];
    }

  private:
    size_t bits_;
    std::vector<uint16_t> table_;
};

// Grid indices in the nearest `shells` distances, by distance, then by index.
void append_neighbours(const std::vector<int>& distances, size_t shells,
                       std::vector<uint32_t>* list) {
    int last = -1;
    for (size_t shell = 0; shell < shells; ++shell) {
        int nearest = INT32_MAX;
        for (const int d : distances) {
            if (d > last && d < nearest) nearest = d;
        }
        for (size_t g = 0; g < distances.size(); ++g) {
            if (distances[g] == nearest) list->push_back(static_cast<uint32_t>(g));
        }
        last = nearest;
    }
}

}  // namespace

Lattice::Lattice(LatticeKind kind) {
    const GridLayout layout = layout_of(kind);
    dims_ = layout.dims;
    levels_ = layout.levels;
    level_bits_ = layout.level_bits;
    codes_ = grid_codes(layout);
    const size_t cube = size_t{1} << (dims_ * level_bits_);
    index_.resize(cube);
    lists_.resize(cube);
    std::vector<size_t> place(cube, kNotOnGrid);
    for (size_t g = 0; g < codes_.size(); ++g) {
        place[codes_[g]] = g;
        index_[codes_[g]] = static_cast<uint16_t>(g);
    }
    const HalfDistances half(layout);
    std::vector<int> distances(codes_.size());
    std::vector<uint32_t> list;
    for (uint32_t code = 0; code < cube; ++code) {
        if (place[code] != kNotOnGrid || !is_point(layout, code)) continue;
        for (size_t g = 0; g < codes_.size(); ++g) distances[g] = half.between(code, codes_[g]);
        list.clear();
        append_neighbours(distances, layout.shells, &list);
        lists_[code] = add_list(list);
    }
}

Lattice::Neighbours Lattice::add_list(const std::vector<uint32_t>& list) {
    const size_t steps = (list.size() + kStep - 1) / kStep;
    const Neighbours added{static_cast<uint32_t>(candidates_.size() / kStep) & 0xFFFFFF,
                           static_cast<uint32_t>(steps) & 0xFF};
    for (size_t n = 0; n < steps * kStep; ++n) {
        candidates_.push_back(static_cast<uint16_t>(codes_[list[std::min(n, list.size() - 1)]]));
    }
    return added;
}

const Lattice& Lattice::of(LatticeKind kind) {
    switch (kind) {
        case LatticeKind::kIq2Xxs: {
            static const Lattice lattice(kind);
            return lattice;
        }
        case LatticeKind::kIq2Xs: {
            static const Lattice lattice(kind);
            return lattice;
        }
        case LatticeKind::kIq2S: {
            static const Lattice lattice(kind);
            return lattice;
        }
        case LatticeKind::kIq3Xxs: {
            static const Lattice lattice(kind);
            return lattice;
        }
        case LatticeKind::kIq3S: {
            static const Lattice lattice(kind);
            return lattice;
        }
        case LatticeKind::kIq1:
            break;
    }
    static const Lattice lattice(kind);
    return lattice;
}

}  // namespace bitgauge
