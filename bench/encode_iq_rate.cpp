// How many million weights a second one core encodes in IQ1, IQ2 and IQ3, beside ggml.
//
//     encode_iq_rate [TYPE...]
//
// Normal weights in rows of 4096 with importance; ours and ggml's by turns, medians of the pairs.
// Stops with status 1 when the bytes differ.

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <random>
#include <string>
#include <time.h>
#include <vector>

#include "qtype/encoders_iq.h"

#include <ggml.h>

namespace bitgauge {
namespace {

constexpr size_t kRows = 16;
constexpr size_t kRowWeights = 4096;
constexpr int kPairs = 7;

struct IqType {
    ggml_type type;
    void (*encode)(const float*, size_t, size_t, const float*, std::byte*);
};

const std::vector<IqType> kTypes = {
    {GGML_TYPE_IQ1_S, encode_iq1_s_rows},     {GGML_TYPE_IQ1_M, encode_iq1_m_rows},
    {GGML_TYPE_IQ2_XXS, encode_iq2_xxs_rows}, {GGML_TYPE_IQ2_XS, encode_iq2_xs_rows},
    {GGML_TYPE_IQ2_S, encode_iq2_s_rows},     {GGML_TYPE_IQ3_S, encode_iq3_s_rows},
    {GGML_TYPE_IQ3_XXS, encode_iq3_xxs_rows},
};

std::vector<float> normal_values(size_t count, float deviation, uint32_t seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0, deviation);
    std::vector<float> values(count);
    for (float& value : values) value = normal(random);
    return values;
}

// Processor time of this thread: other programs on the machine count less.
double thread_seconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

template <class Work>
double seconds_of(Work work) {
    const double start = thread_seconds();
    work();
    return thread_seconds() - start;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

bool compare(const IqType& type) {
    const std::vector<float> weights = normal_values(kRows * kRowWeights, 0.02F, 1);
    std::vector<float> importance = normal_values(kRowWeights, 1, 2);
    for (float& value : importance) value *= value;
    std::vector<std::byte> ours(kRows * ggml_row_size(type.type, kRowWeights));
    std::vector<std::byte> theirs(ours.size());
    std::vector<double> our_seconds;
    std::vector<double> their_seconds;
    std::vector<double> ratios;
    type.encode(weights.data(), 1, kRowWeights, importance.data(), ours.data());
    ggml_quantize_init(type.type);
    for (int pair = 0; pair < kPairs; ++pair) {
        our_seconds.push_back(seconds_of([&] {
            type.encode(weights.data(), kRows, kRowWeights, importance.data(), ours.data());
        }));
        their_seconds.push_back(seconds_of([&] {
            ggml_quantize_chunk(type.type, weights.data(), theirs.data(), 0, kRows, kRowWeights,
                                importance.data());
        }));
        ratios.push_back(their_seconds.back() / our_seconds.back());
    }
    const double millions = kRows * kRowWeights * 1e-6;
    std::printf("%-8s  ours %7.1f Mweights/s   ggml %6.2f Mweights/s   %5.1f times\n",
                ggml_type_name(type.type), millions / median(our_seconds),
                millions / median(their_seconds), median(ratios));
    return ours == theirs;
}

}  // namespace
}  // namespace bitgauge

int main(int argc, char** argv) {
    using bitgauge::kTypes;
    const std::vector<std::string> names(argv + 1, argv + argc);
    for (const auto& type : kTypes) {
        const std::string name = ggml_type_name(type.type);
        if (!names.empty() && std::find(names.begin(), names.end(), name) == names.end()) continue;
        if (bitgauge::compare(type)) continue;
        std::fprintf(stderr, "%s: the bytes differ\n", name.c_str());
        return 1;
    }
    return 0;
}
