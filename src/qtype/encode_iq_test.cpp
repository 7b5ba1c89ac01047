#include <cmath>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <random>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>
#include <hwy/targets.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "bitgauge/error.h"

#include "qtype/encoders_iq.h"

#include <ggml.h>

namespace bitgauge {
namespace {

using Encoder = void (*)(const float*, size_t, size_t, const float*, std::byte*);
using Bytes = std::vector<std::byte>;

struct IqType {
    ggml_type type;
    Encoder encode;
};

const std::vector<IqType> kTypes = {
    {GGML_TYPE_IQ1_S, encode_iq1_s_rows},     {GGML_TYPE_IQ1_M, encode_iq1_m_rows},
    {GGML_TYPE_IQ2_XXS, encode_iq2_xxs_rows}, {GGML_TYPE_IQ2_XS, encode_iq2_xs_rows},
    {GGML_TYPE_IQ2_S, encode_iq2_s_rows},     {GGML_TYPE_IQ3_S, encode_iq3_s_rows},
    {GGML_TYPE_IQ3_XXS, encode_iq3_xxs_rows},
};

enum class Pattern {
    kZeros,
    kConstant,
    kNegativeConstant,
    kTies,
    kOutliers,
    kTiny,
    kThresholds,
    kDenormal,
    kNormal,
    kHalfPrecision,
    kUniform,
    kAllPositive,
    kAllNegative,
    kZeroBlocks,
    kMixedScales,
    kHuge,
    kCount,
};

constexpr const char* kPatternNames[] = {
    "zeros",        "constant",    "negative constant", "ties",
    "outliers",     "tiny",        "thresholds",        "denormal",
    "normal",       "bfloat16",    "uniform",           "all positive",
    "all negative", "zero blocks", "mixed scales",      "huge",
};

float bfloat16(float x) {
    uint32_t bits = 0;
    std::memcpy(&bits, &x, sizeof(bits));
    bits &= 0xFFFF0000U;
    std::memcpy(&x, &bits, sizeof(bits));
    return x;
}

float pattern_value(Pattern pattern, size_t i, float normal, float uniform) {
    switch (pattern) {
        case Pattern::kZeros:
            return i % 3 == 0 ? -0.0F : 0.0F;
        case Pattern::kConstant:
            return 0.37F;
        case Pattern::kNegativeConstant:
            return -1.25F;
        case Pattern::kTies:
            return 0.5F * std::floor(8 * uniform - 4);
        case Pattern::kOutliers:
            return i % 97 == 5 ? 60 * normal : 0.02F * normal;
        case Pattern::kTiny:
            return 1e-12F * normal;
        case Pattern::kThresholds:
            return normal * std::pow(10.0F, -6.0F - static_cast<float>(i / 32 % 12));
        case Pattern::kDenormal:
            return 1e-39F * normal;
        case Pattern::kHalfPrecision:
            return bfloat16(0.02F * normal);
        case Pattern::kUniform:
            return 2 * uniform - 1;
        case Pattern::kAllPositive:
            return std::abs(normal);
        case Pattern::kAllNegative:
            return -std::abs(normal) - 1e-3F;
        case Pattern::kZeroBlocks:
            return i / 16 % 3 == 1 || i / 32 % 4 == 2 ? 0.0F : normal;
        case Pattern::kMixedScales:
            return normal * std::pow(10.0F, static_cast<float>(i / 16 % 9) - 6.0F);
        case Pattern::kHuge:
            return normal * std::pow(10.0F, 8.0F + static_cast<float>(i / 256 % 24));
        default:
            return 0.02F * normal;
    }
}

// Box and Muller 1958, on a generator of fixed output.
std::vector<float> pattern_weights(Pattern pattern, size_t count, uint32_t seed) {
    std::mt19937 random(seed);
    const auto draw = [&] { return (static_cast<float>(random() >> 8) + 0.5F) / 16777216.0F; };
    std::vector<float> weights(count);
    for (size_t i = 0; i < count; ++i) {
        const float radius = std::sqrt(-2 * std::log(draw()));
        const float uniform = draw();
        weights[i] = pattern_value(pattern, i, radius * std::cos(6.2831853F * uniform), uniform);
    }
    return weights;
}

enum class Importance { kNone, kPlain, kWithZeros, kWide, kAllZero };

std::vector<float> importance_values(Importance kind, size_t count, uint32_t seed) {
    if (kind == Importance::kNone) return {};
    std::vector<float> values = pattern_weights(Pattern::kNormal, count, seed + 99);
    for (size_t i = 0; i < count; ++i) {
        values[i] = 50 * values[i] * 50 * values[i];
        if (kind == Importance::kWithZeros && (i % 5 == 0 || i / 32 % 3 == 0)) values[i] = 0;
        if (kind == Importance::kWide) values[i] = std::exp(1.5F * values[i] - 10);
        if (kind == Importance::kAllZero) values[i] = 0;
    }
    return values;
}

struct Case {
    IqType type;
    std::vector<float> weights;
    size_t row_weights;
    std::vector<float> importance;
    std::string name;

    size_t rows() const { return weights.size() / row_weights; }
    size_t bytes() const {
        return rows() * ggml_row_size(type.type, static_cast<int64_t>(row_weights));
    }
    const float* importance_or_null() const {
        return importance.empty() ? nullptr : importance.data();
    }
};

Case make_case(IqType type, Pattern pattern, Importance importance, size_t rows, size_t row_weights,
               uint32_t seed) {
    return {type, pattern_weights(pattern, rows * row_weights, seed), row_weights,
            importance_values(importance, row_weights, seed),
            std::string(ggml_type_name(type.type)) + ", " +
                kPatternNames[static_cast<size_t>(pattern)] + ", importance " +
                std::to_string(static_cast<int>(importance)) + ", rows of " +
                std::to_string(row_weights)};
}

void encode_by_ggml(const Case& c, void* out) {
    ggml_quantize_chunk(c.type.type, c.weights.data(), out, 0, static_cast<int64_t>(c.rows()),
                        static_cast<int64_t>(c.row_weights), c.importance_or_null());
}

// nullopt where ggml ends the process: it works in a child of ours.
std::optional<Bytes> reference_bytes(const Case& c) {
    ggml_quantize_init(c.type.type);
    void* shared =
        mmap(nullptr, c.bytes(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const pid_t child = fork();
    if (child == 0) {
        setenv("GGML_NO_BACKTRACE", "1", 1);
        if (freopen("/dev/null", "w", stderr) == nullptr ||
            freopen("/dev/null", "w", stdout) == nullptr)
            _exit(2);
        encode_by_ggml(c, shared);
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    Bytes bytes(c.bytes());
    std::memcpy(bytes.data(), shared, bytes.size());
    munmap(shared, c.bytes());
    if (WIFSIGNALED(status)) return std::nullopt;
    EXPECT_EQ(status, 0);
    return bytes;
}

// nullopt where ours throws kNotFinite.
std::optional<Bytes> our_bytes(const Case& c) {
    Bytes bytes(c.bytes(), std::byte{0xAA});
    try {
        c.type.encode(c.weights.data(), c.rows(), c.row_weights, c.importance_or_null(),
                      bytes.data());
    } catch (const Error& e) {
        EXPECT_EQ(e.kind(), ErrorKind::kNotFinite);
        return std::nullopt;
    }
    return bytes;
}

void expect_equal(const Case& c, const Bytes& ours, const Bytes& theirs) {
    const size_t block = ggml_type_size(c.type.type);
    for (size_t i = 0; i < ours.size(); ++i) {
        if (ours[i] == theirs[i]) continue;
        FAIL() << c.name << ": byte " << i % block << " of block " << i / block << " is "
               << static_cast<int>(ours[i]) << ", ggml has " << static_cast<int>(theirs[i]);
    }
}

void expect_reference_bytes(const Case& c) {
    Bytes theirs(c.bytes(), std::byte{0x55});
    encode_by_ggml(c, theirs.data());
    const auto ours = our_bytes(c);
    ASSERT_TRUE(ours.has_value()) << c.name << ": refused";
    expect_equal(c, *ours, theirs);
}

class EncodeIq : public ::testing::TestWithParam<IqType> {
  protected:
    std::vector<Importance> importances() const {
        std::vector<Importance> all = {Importance::kPlain, Importance::kWithZeros,
                                       Importance::kWide, Importance::kAllZero};
        if (!ggml_quantize_requires_imatrix(GetParam().type)) all.push_back(Importance::kNone);
        return all;
    }

    void expect_all_patterns(size_t rows, size_t row_weights) const {
        for (int p = 0; p < static_cast<int>(Pattern::kHuge); ++p) {
            for (const Importance importance : importances()) {
                expect_reference_bytes(make_case(GetParam(), static_cast<Pattern>(p), importance,
                                                 rows, row_weights, static_cast<uint32_t>(p)));
            }
        }
    }
};

TEST_P(EncodeIq, EveryPatternGivesTheBytesOfGgml) {
    expect_all_patterns(3, 768);
}

TEST_P(EncodeIq, EveryRowLengthGivesTheBytesOfGgml) {
    for (const size_t row_weights : {256, 512, 1280, 2048, 4096, 16384}) {
        for (const Importance importance : importances()) {
            expect_reference_bytes(make_case(GetParam(), Pattern::kNormal, importance,
                                             1 + 2048 / row_weights, row_weights, 7));
        }
    }
}

TEST_P(EncodeIq, EveryInstructionSetGivesTheBytesOfGgml) {
    for (int64_t targets = hwy::SupportedTargets(); targets != 0; targets &= targets - 1) {
        SCOPED_TRACE(hwy::TargetName(targets & -targets));
        hwy::SetSupportedTargetsForTest(targets & -targets);
        hwy::GetChosenTarget().Update(hwy::SupportedTargets());
        expect_all_patterns(1, 768);
    }
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

// Where the reference ends the process ours throws; elsewhere the bytes are the same.
TEST_P(EncodeIq, HugeWeightsAreRefusedWhereGgmlAborts) {
    for (const Importance importance : importances()) {
        const Case all = make_case(GetParam(), Pattern::kHuge, importance, 1, 256 * 24, 3);
        for (size_t block = 0; block < 24; ++block) {
            Case one = all;
            one.row_weights = 256;
            one.weights.assign(all.weights.begin() + static_cast<long>(block) * 256,
                               all.weights.begin() + static_cast<long>(block + 1) * 256);
            if (!one.importance.empty()) one.importance.resize(256);
            one.name += ", block " + std::to_string(block);
            const auto theirs = reference_bytes(one);
            const auto ours = our_bytes(one);
            ASSERT_EQ(ours.has_value(), theirs.has_value()) << one.name;
            if (ours) expect_equal(one, *ours, *theirs);
        }
    }
}

TEST_P(EncodeIq, ValuesThatAreNoNumbersAreRefused) {
    for (const float bad : {NAN, INFINITY, -INFINITY}) {
        Case c = make_case(GetParam(), Pattern::kNormal, Importance::kPlain, 2, 512, 1);
        c.weights[700] = bad;
        EXPECT_FALSE(our_bytes(c).has_value());
    }
}

INSTANTIATE_TEST_SUITE_P(Types, EncodeIq, ::testing::ValuesIn(kTypes), [](const auto& each) {
    return std::string(ggml_type_name(each.param.type));
});

}  // namespace
}  // namespace bitgauge
