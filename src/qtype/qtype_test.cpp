#include "bitgauge/qtype.h"

#include <array>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "bitgauge/error.h"

namespace bitgauge {
namespace {

struct Published {
    const char* name;
    int id;
    uint32_t block_weights;
    uint32_t block_bytes;
};

class KnownType : public testing::TestWithParam<Published> {};

// Numbers and layouts of ggml's specification of the GGUF format and ggml-common.h.
TEST_P(KnownType, HasThePublishedLayout) {
    const QType* type = find_type(GetParam().name);
    ASSERT_NE(type, nullptr);
    EXPECT_EQ(type->id, GetParam().id);
    EXPECT_EQ(type->block_weights, GetParam().block_weights);
    EXPECT_EQ(type->block_bytes, GetParam().block_bytes);
    EXPECT_EQ(type_by_id(type->id), type);
}

INSTANTIATE_TEST_SUITE_P(
    Ggml, KnownType,
    testing::Values(Published{"f32", 0, 1, 4}, Published{"f16", 1, 1, 2},
                    Published{"q4_0", 2, 32, 18}, Published{"q8_0", 8, 32, 34},
                    Published{"q2_K", 10, 256, 84}, Published{"q3_K", 11, 256, 110},
                    Published{"q4_K", 12, 256, 144}, Published{"q5_K", 13, 256, 176},
                    Published{"q6_K", 14, 256, 210}, Published{"iq2_xxs", 16, 256, 66},
                    Published{"iq4_xs", 23, 256, 136}, Published{"iq1_m", 29, 256, 56},
                    Published{"bf16", 30, 1, 2}, Published{"mxfp4", 39, 32, 17}));

TEST(QType, BitsPerWeightAreExact) {
    EXPECT_EQ(find_type("q6_K")->bits_per_weight(), 6.5625);
    EXPECT_EQ(find_type("iq4_xs")->bits_per_weight(), 4.25);
}

TEST(QType, LetterCaseDoesNotMatterAndUnknownNamesAreNot) {
    EXPECT_EQ(find_type("Q4_K"), find_type("q4_K"));
    EXPECT_EQ(find_type("q4_k"), find_type("q4_K"));
    EXPECT_EQ(find_type("q4"), nullptr);
    EXPECT_EQ(type_by_id(4), nullptr);  // Q4_2, retired
    EXPECT_EQ(type_by_id(-1), nullptr);
}

TEST(QType, FallbacksNeverHaveFewerBits) {
    for (const QType& type : all_types()) {
        const QType* fallback = type_by_id(type.fallback_id);
        if (fallback == nullptr || !type.quantized) continue;
        EXPECT_GE(fallback->bits_per_weight(), type.bits_per_weight()) << type.name;
        EXPECT_LE(fallback->block_weights, 32U) << type.name;
    }
    EXPECT_EQ(find_type("q4_K")->fallback_id, find_type("q5_0")->id);
    EXPECT_EQ(find_type("iq4_xs")->fallback_id, find_type("iq4_nl")->id);
    EXPECT_EQ(find_type("q8_0")->fallback_id, find_type("f16")->id);
}

// Rates that ik_llama.cpp's pull requests name; a row's scale adds 16 or 32 bits to each row.
TEST(QType, TypesOfIkLlamaHaveTheirPublishedRates) {
    const std::vector<std::pair<const char*, double>> published = {
        {"iq2_k", 2.375},   {"iq3_k", 3.4375},  {"iq4_k", 4.5},     {"iq5_k", 5.5},
        {"iq6_k", 6.625},   {"iq4_ks", 4.25},   {"iq4_kss", 4.0},   {"iq5_ks", 5.25},
        {"iq3_ks", 3.1875}, {"iq2_kl", 2.6875}, {"iq2_ks", 2.1875}, {"iq2_kt", 2.125},
        {"iq3_kt", 3.125},  {"iq4_kt", 4.0},    {"iq1_kt", 1.75},   {"q6_0", 6.5}};
    for (const auto& [name, rate] : published) {
        const QType* type = find_type(name);
        ASSERT_NE(type, nullptr) << name;
        EXPECT_TRUE(type->ik_only) << name;
        EXPECT_EQ(type->bits_per_weight(), rate) << name;
        EXPECT_EQ(type_by_id(type->id), type);
    }
    EXPECT_EQ(find_type("iq4_ks")->row_bytes(512), 4 + 2 * 136);
}

TEST(QType, NoTypeIsInBothTables) {
    for (const QType& type : ik_only_types()) {
        for (const QType& other : all_types()) {
            EXPECT_NE(type.id, other.id);
            EXPECT_NE(type.name, other.name);
        }
        EXPECT_FALSE(type.decodable);
    }
}

TEST(DecodeRow, Q8_0IsScaleTimesInteger) {
    // One block: the scale as F16 (0.5 = 0x3800), then 32 signed bytes.
    std::array<int8_t, 34> block{};
    const uint16_t half = 0x3800;
    std::memcpy(block.data(), &half, sizeof(half));
    for (int i = 0; i < 32; ++i) block[static_cast<size_t>(i) + 2] = static_cast<int8_t>(i - 16);
    std::array<float, 32> out{};
    decode_row(find_type("q8_0")->id, std::as_bytes(std::span(block)), out);
    for (int i = 0; i < 32; ++i) EXPECT_EQ(out[static_cast<size_t>(i)], 0.5F * (i - 16));
}

TEST(DecodeRow, Bf16IsTheUpperHalfOfF32) {
    const std::array<uint16_t, 2> in = {0x3F80, 0xC000};  // 1, -2
    std::array<float, 2> out{};
    decode_row(find_type("bf16")->id, std::as_bytes(std::span(in)), out);
    EXPECT_EQ(out[0], 1.0F);
    EXPECT_EQ(out[1], -2.0F);
}

TEST(DecodeRow, F32IsCopied) {
    const std::array<float, 3> in = {1.0F, -0.25F, 3e30F};
    std::array<float, 3> out{};
    decode_row(find_type("f32")->id, std::as_bytes(std::span(in)), out);
    EXPECT_EQ(in, out);
}

TEST(DecodeRow, EveryQuantizedTypeOfZerosDecodes) {
    for (const QType& type : all_types()) {
        if (!type.decodable) continue;
        const std::vector<std::byte> zeros(type.block_bytes);
        std::vector<float> out(type.block_weights, -1.0F);
        EXPECT_NO_THROW(decode_row(type.id, zeros, out)) << type.name;
        EXPECT_NE(out.back(), -1.0F) << type.name;
    }
}

TEST(DecodeRow, SizesThatDoNotFitAndTypesWithoutFloatsAreInputErrors) {
    std::array<float, 32> out{};
    const std::array<std::byte, 33> bytes{};
    EXPECT_THROW(decode_row(find_type("q8_0")->id, bytes, out), Error);
    EXPECT_THROW(decode_row(find_type("q8_0")->id, bytes, std::span(out).first(8)), Error);
    EXPECT_THROW(
        decode_row(find_type("i32")->id, std::span(bytes).first(4), std::span(out).first(1)),
        Error);
    EXPECT_THROW(decode_row(4, bytes, out), Error);
    EXPECT_THROW(decode_row(999, bytes, out), Error);
}

}  // namespace
}  // namespace bitgauge
