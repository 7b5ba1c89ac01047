#include "engine/integer_product.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <ggml-cpu.h>
#include <ggml.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace bitgauge {
namespace {

constexpr size_t kBlock = kIntegerBlock;
constexpr size_t kSteps = kIntegerSteps;
constexpr size_t kStep = kIntegerStep;
constexpr size_t kScales = 16;  // of 16 weights each, in a block
constexpr size_t kGroup = kIntegerInputs;
constexpr size_t kChunk = 32;  // rows of weights that stay in the second-level cache

// ggml's blocks (ggml-common.h, stable since 2023).
struct BlockQ6K {
    uint8_t ql[128];    // low four bits
    uint8_t qh[64];     // high two bits
    int8_t scales[16];  // of 16 weights each
    ggml_fp16_t d;
};
struct BlockQ8K {
    float d;
    int8_t qs[256];
    int16_t bsums[16];
};
static_assert(sizeof(BlockQ6K) == 210 && sizeof(BlockQ8K) == 292);

static_assert(sizeof(WeightBlock) == 416 && sizeof(InputBlock) == 1152);

constexpr size_t place_in_step(size_t value) {
    return (value % 16) / 8 * 32 + value / 16 * 8 + value % 8;
}

std::array<uint8_t, kBlock> unpack_q6_k(const BlockQ6K& block) {
    std::array<uint8_t, kBlock> q;
    for (size_t half = 0; half < 2; ++half) {
        const uint8_t* low = block.ql + 64 * half;
        const uint8_t* high = block.qh + 32 * half;
        uint8_t* to = q.data() + 128 * half;
        for (size_t l = 0; l < 32; ++l) {
            to[l] = static_cast<uint8_t>((low[l] & 15) | (high[l] & 3) << 4);
            to[l + 32] = static_cast<uint8_t>((low[l + 32] & 15) | (high[l] >> 2 & 3) << 4);
            to[l + 64] = static_cast<uint8_t>(low[l] >> 4 | (high[l] >> 4 & 3) << 4);
            to[l + 96] = static_cast<uint8_t>(low[l + 32] >> 4 | high[l] >> 6 << 4);
        }
    }
    return q;
}

void arrange(const BlockQ6K& block, WeightBlock& to) {
    const std::array<uint8_t, kBlock> q = unpack_q6_k(block);
    for (size_t step = 0; step < kSteps; ++step) {
        for (size_t eight = 0; eight < 8; ++eight) {
            std::memcpy(to.steps[step].q + place_in_step(8 * eight), &q[step * kStep + 8 * eight],
                        8);
        }
        for (size_t lane = 0; lane < 16; ++lane) {
            to.steps[step].scale[lane] =
                static_cast<int16_t>(int{block.scales[4 * step + lane / 4]});
        }
    }
    std::copy_n(block.scales, kScales, to.scales);
}

#if defined(__x86_64__)

__attribute__((target("avx2,fma"), always_inline)) inline __m256i load(const void* from) {
    return _mm256_load_si256(static_cast<const __m256i*>(from));
}

// Integer sums of a block, one vector of partial sums per input row. The products of unsigned
// weights come first; 32 times the sums of the inputs is taken off again.
__attribute__((target("avx2,fma"), always_inline)) inline void sum_block(const InputBlock& a,
                                                                         const WeightBlock& w,
                                                                         __m256i (&sums)[kGroup]) {
#pragma GCC unroll 4
    for (size_t i = 0; i < kGroup; ++i) {
        sums[i] = _mm256_slli_epi32(_mm256_madd_epi16(load(a.minus_sums[i]), load(w.scales)), 5);
    }
    for (size_t step = 0; step < kSteps; ++step) {
        const __m256i w0 = load(w.steps[step].q);
        const __m256i w1 = load(w.steps[step].q + 32);
        const __m256i scale = load(w.steps[step].scale);
#pragma GCC unroll 4
        for (size_t i = 0; i < kGroup; ++i) {
            const __m256i first = _mm256_maddubs_epi16(w0, load(a.q[step][i]));
            const __m256i second = _mm256_maddubs_epi16(w1, load(a.q[step][i] + 32));
            // at most 4 * 63 * 127 = 32,004
            const __m256i both = _mm256_add_epi16(first, second);
            sums[i] = _mm256_add_epi32(sums[i], _mm256_madd_epi16(both, scale));
            asm("" : "+x"(sums[i]));  // GCC otherwise adds in an order that spills registers
        }
    }
}

__attribute__((target("avx2,fma"))) float total(__m256 lanes) {
    __m128 sum = _mm_add_ps(_mm256_castps256_ps128(lanes), _mm256_extractf128_ps(lanes, 1));
    sum = _mm_hadd_ps(sum, sum);
    return _mm_cvtss_f32(_mm_hadd_ps(sum, sum));
}

__attribute__((target("avx2,fma"))) void multiply_group(const InputBlock* a, const float* a_scales,
                                                        const WeightBlock* w, const float* w_scales,
                                                        size_t blocks, float (&products)[kGroup]) {
    __m256 lanes[kGroup];
    for (auto& lane : lanes) lane = _mm256_setzero_ps();
    for (size_t b = 0; b < blocks; ++b) {
        __m256i sums[kGroup];
        sum_block(a[b], w[b], sums);
#pragma GCC unroll 4
        for (size_t i = 0; i < kGroup; ++i) {
            const __m256 scale = _mm256_set1_ps(a_scales[b * kGroup + i] * w_scales[b]);
            lanes[i] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums[i]), scale, lanes[i]);
        }
    }
    for (size_t i = 0; i < kGroup; ++i) products[i] = total(lanes[i]);
}

bool machine_can() {
    static const bool can = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    return can;
}

#else

void multiply_group(const InputBlock*, const float*, const WeightBlock*, const float*, size_t,
                    float (&)[kGroup]) {}

bool machine_can() {
    return false;
}

#endif

}  // namespace

bool has_integer_product(int type_id, size_t width) {
    return type_id == GGML_TYPE_Q6_K && width % kBlock == 0 && machine_can();
}

IntegerInputs::IntegerInputs(std::span<const float> states, size_t width) : width_(width) {
    const size_t rows = states.size() / width;
    const size_t groups = (rows + kGroup - 1) / kGroup;
    blocks_.resize(groups * blocks());
    scales_.resize(groups * blocks() * kGroup);
    for (size_t row = 0; row < rows; ++row) {
        for (size_t b = 0; b < blocks(); ++b) {
            place(row, b, states.data() + row * width + b * kBlock);
        }
    }
}

void IntegerInputs::place(size_t row, size_t block, const float* values) {
    BlockQ8K rounded;
    ggml_get_type_traits_cpu(GGML_TYPE_Q8_K)->from_float(values, &rounded, kBlock);
    const size_t index = row / kGroup * blocks() + block;
    const size_t member = row % kGroup;
    InputBlock& to = blocks_[index];
    for (size_t i = 0; i < kBlock; ++i) {
        to.q[i / kStep][member][place_in_step(i % kStep)] = rounded.qs[i];
    }
    for (size_t i = 0; i < kScales; ++i) {
        to.minus_sums[member][i] = static_cast<int16_t>(-rounded.bsums[i]);
    }
    scales_[index * kGroup + member] = rounded.d;
}

void IntegerWeights::decode(std::span<const std::byte> blocks, size_t width) {
    const size_t n = blocks.size() / sizeof(BlockQ6K);
    row_blocks_ = width / kBlock;
    rows_ = n / row_blocks_;
    blocks_.resize(n);
    scales_.resize(n);
    const auto* from = reinterpret_cast<const BlockQ6K*>(blocks.data());
    for (size_t i = 0; i < n; ++i) {
        arrange(from[i], blocks_[i]);
        scales_[i] = ggml_fp16_to_fp32(from[i].d);
    }
}

void integer_product(const IntegerInputs& inputs, size_t first, size_t n_inputs,
                     const IntegerWeights& weights, std::span<float> out) {
    for (size_t chunk = 0; chunk < weights.rows(); chunk += kChunk) {
        const size_t end = std::min(weights.rows(), chunk + kChunk);
        for (size_t i = 0; i < n_inputs; i += kGroup) {
            const size_t group = (first + i) / kGroup;
            const size_t members = std::min(kGroup, n_inputs - i);
            for (size_t j = chunk; j < end; ++j) {
                float products[kGroup];
                multiply_group(inputs.group(group), inputs.scales(group), weights.row(j),
                               weights.scales(j), inputs.blocks(), products);
                for (size_t g = 0; g < members; ++g) {
                    out[(i + g) * weights.rows() + j] = products[g];
                }
            }
        }
    }
}

}  // namespace bitgauge
