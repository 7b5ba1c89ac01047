#include "engine/head.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>

#include <gtest/gtest.h>

#include "bitgauge/error.h"
#include "bitgauge/gguf.h"
#include "bitgauge/qtype.h"

#include "engine/engine_testing.h"
#include "engine/wide_llama_testing.h"
#include "gguf/data.h"
#include "gguf/model_copy_testing.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

// A model's last matrix, mapped and decoded.
struct FileHead {
    explicit FileHead(const fs::path& path)
        : file(GgufFile::open(path)), data(file), tensor(file.find_tensor("output.weight")) {
        if (tensor == nullptr) tensor = file.find_tensor("token_embd.weight");
        weights.resize(tensor->elements());
        decode_row(tensor->type_id, data.tensor_bytes(*tensor), weights);
    }
    Head head(HeadTransform transform = {}) const {
        return {tensor->type_id, tensor->shape[1], tensor->shape[0], data.tensor_bytes(*tensor),
                std::move(transform)};
    }

    GgufFile file;
    GgufData data;
    const TensorInfo* tensor;
    std::vector<float> weights;
};

double half_at(const std::byte* bytes) {
    float value = 0;
    decode_row(find_type("f16")->id, {bytes, 2}, {&value, 1});
    return value;
}

// Of states that are rounded already.
std::vector<float> all_logits(const Head& head, std::span<const float> states, size_t tile) {
    const size_t rows = states.size() / head.width();
    std::vector<float> all(rows * head.vocabulary());
    std::vector<float> out, scratch;
    for (size_t first = 0; first < head.vocabulary(); first += tile) {
        const size_t count = std::min(tile, head.vocabulary() - first);
        out.resize(rows * count);
        head.logits(states, rows, first, count, out, scratch);
        for (size_t i = 0; i < rows; ++i) {
            std::copy_n(out.data() + i * count, count, all.data() + i * head.vocabulary() + first);
        }
    }
    return all;
}

// By the way that is taken where speed counts: inputs prepared once, rows in two blocks.
std::vector<float> prepared_logits(const Head& head, const std::vector<float>& states,
                                   size_t tile) {
    const HeadInputs inputs = head.prepare(states);
    std::vector<float> all(inputs.rows * head.vocabulary());
    std::vector<float> out;
    HeadScratch scratch;
    for (size_t first = 0; first < head.vocabulary(); first += tile) {
        const size_t count = std::min(tile, head.vocabulary() - first);
        for (const size_t row : {0UL, 4UL}) {
            const size_t rows = row == 0 ? 4 : inputs.rows - 4;
            out.resize(rows * count);
            head.logits(inputs, row, rows, first, count, out, scratch);
            for (size_t i = 0; i < rows; ++i) {
                std::copy_n(out.data() + i * count, count,
                            all.data() + (row + i) * head.vocabulary() + first);
            }
        }
    }
    return all;
}

// ggml multiplies the minimum of a block of Q4_1 or Q5_1 with the sum of its inputs in half
// precision: what that may be off, per weight row.
std::vector<double> minimum_slack(const FileHead& file, std::span<const float> state) {
    const QType& type = *type_by_id(file.tensor->type_id);
    std::vector<double> slack(file.tensor->shape[1]);
    if (type.name != "q4_1" && type.name != "q5_1") return slack;
    const auto bytes = file.data.tensor_bytes(*file.tensor);
    const size_t blocks = file.tensor->shape[0] / type.block_weights;
    for (size_t v = 0; v < slack.size(); ++v) {
        for (size_t b = 0; b < blocks; ++b) {
            const std::byte* block = bytes.data() + (v * blocks + b) * type.block_bytes;
            const auto inputs = state.subspan(b * type.block_weights, type.block_weights);
            const double sum = std::accumulate(inputs.begin(), inputs.end(), 0.0);
            slack[v] += std::abs(half_at(block + 2) * sum) / 2048;
        }
    }
    return slack;
}

// The largest |got - x . w| over what a sum of n products in single precision may be off, in
// whatever order it is taken: n eps sum |x_i w_i| [Wilkinson 1963]. `states` as the product reads
// them. Up to 1: the two are the same product.
double worst_of_bound(const FileHead& file, std::span<const float> states,
                      std::span<const float> got, bool with_slack = true) {
    const size_t width = file.tensor->shape[0];
    const size_t vocabulary = file.tensor->shape[1];
    const double unit = static_cast<double>(width) * std::numeric_limits<float>::epsilon();
    double worst = 0;
    for (size_t i = 0; i < states.size() / width; ++i) {
        const auto state = states.subspan(i * width, width);
        const std::vector<double> slack = minimum_slack(file, state);
        for (size_t v = 0; v < vocabulary; ++v) {
            double sum = 0;
            double magnitude = 0;
            for (size_t k = 0; k < width; ++k) {
                const double product = double{state[k]} * file.weights[v * width + k];
                sum += product;
                magnitude += std::abs(product);
            }
            const double bound = unit * magnitude + (with_slack ? slack[v] : 0);
            worst = std::max(worst, std::abs(got[i * vocabulary + v] - sum) / bound);
        }
    }
    return worst;
}

// Both the head's and libllama's own logits are the exact product of rounded inputs and decoded
// weights, up to single precision; without the rounding they are not (where there is one).
void expect_libllamas_product(const fs::path& path, bool rounds_inputs) {
    const FileHead file(path);
    const WholeRun run = run_whole(path, 6);
    ASSERT_EQ(run.states.size(), run.rows * run.width);
    const Head head = file.head();
    std::vector<float> rounded = run.states;
    head.round_inputs(rounded);
    EXPECT_LE(worst_of_bound(file, rounded, run.logits), 1) << "libllama";
    EXPECT_LE(worst_of_bound(file, rounded, all_logits(head, rounded, 96), false), 1) << "head";
    EXPECT_LE(worst_of_bound(file, rounded, prepared_logits(head, run.states, 96), false), 1)
        << "prepared head";
    if (rounds_inputs) {
        EXPECT_GT(worst_of_bound(file, run.states, run.logits), 2) << "rounding shows";
    } else {
        EXPECT_EQ(rounded, run.states);
    }
}

TEST(Head, OfF32TiedGivesLibllamasLogits) {
    expect_libllamas_product(baby_llama(), false);
}

TEST(Head, OfBf16GivesLibllamasLogits) {
    expect_libllamas_product(tiny_moe(), true);
}

TEST(Head, OfF32ByItselfGivesLibllamasLogits) {
    const fs::path path = fresh_folder("head_untied") / "untied.gguf";
    ModelCopy copy(baby_llama());
    copy.put_tensor("output.weight", {128, 105}, waves(128 * 105));
    copy.write(path);
    expect_libllamas_product(path, false);
}

std::string name_of(const testing::TestParamInfo<const char*>& type) {
    return type.param;
}

// Types of blocks of 32, the head tied to the embedding.
class BlockHead : public testing::TestWithParam<const char*> {};

TEST_P(BlockHead, GivesLibllamasLogits) {
    const fs::path folder = fresh_folder(std::string("head_") + GetParam());
    expect_libllamas_product(quantized(baby_llama(), GetParam(), folder), true);
}
INSTANTIATE_TEST_SUITE_P(Tied, BlockHead,
                         testing::Values("F16", "BF16", "Q8_0", "Q5_1", "Q5_0", "Q4_1", "Q4_0",
                                         "IQ4_NL"),
                         name_of);

// Types of blocks of 256, a head of its own.
class SuperBlockHead : public testing::TestWithParam<const char*> {};

TEST_P(SuperBlockHead, GivesLibllamasLogits) {
    const fs::path folder = fresh_folder(std::string("head_") + GetParam());
    write_wide_llama(folder / "wide.gguf");
    expect_libllamas_product(quantized(folder / "wide.gguf", GetParam(), folder), true);
}
INSTANTIATE_TEST_SUITE_P(Untied, SuperBlockHead,
                         testing::Values("Q6_K", "Q5_K_M", "Q4_K_M", "Q3_K_M", "Q2_K", "IQ4_XS",
                                         "IQ3_S", "TQ2_0", "TQ1_0"),
                         name_of);

TEST(Head, GivesTheSameLogitsInTilesOfAnySize) {
    const FileHead file(baby_llama());
    const std::vector<float> states = waves(5 * 128);
    const std::vector<float> whole = all_logits(file.head(), states, 105);
    for (const size_t tile : {1UL, 7UL, 104UL}) {
        EXPECT_LE(worst_of_bound(file, states, all_logits(file.head(), states, tile)), 1) << tile;
    }
    EXPECT_LE(worst_of_bound(file, states, whole), 1);
}

TEST(Head, AppliesBiasThenScaleThenSoftcap) {
    const FileHead file(baby_llama());
    const std::vector<float> states = waves(2 * 128);
    const std::vector<float> products = all_logits(file.head(), states, 105);
    const std::vector<float> bias = waves(105);
    const Head head = file.head({.scale = 0.5, .softcap = 3, .bias = bias});
    const std::vector<float> logits = all_logits(head, states, 40);
    for (size_t i = 0; i < logits.size(); ++i) {
        const double inside = 0.5 * (double{products[i]} + bias[i % 105]);
        EXPECT_NEAR(logits[i], 3 * std::tanh(inside / 3), 1e-5);
    }
}

TEST(Head, RefusesBytesThatAreNotItsRows) {
    const std::vector<std::byte> bytes(4 * 128 * 105 - 1);
    try {
        Head(find_type("f32")->id, 105, 128, bytes, {});
        FAIL() << "taken";
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kInput);
        EXPECT_STREQ(error.what(),
                     "the head has 53759 bytes; 105 rows of 128 f32 values need 53760");
    }
}

TEST(Head, RefusesATypeThatCannotBeDecoded) {
    const std::vector<std::byte> bytes(105 * 128);
    EXPECT_THROW(Head(find_type("i8")->id, 105, 128, bytes, {}), Error);
}

TEST(Head, StoresStatesAsItsProductReadsThem) {
    EXPECT_EQ(natural_state_precision(find_type("bf16")->id), "bf16");
    for (const char* type : {"f16", "f32", "q8_0", "q6_k"}) {
        EXPECT_EQ(natural_state_precision(find_type(type)->id), "f16") << type;
    }
}

}  // namespace
}  // namespace bitgauge
