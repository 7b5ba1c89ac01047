// What architectures do after the last product, done by libllama itself on small models that differ
// from the small Llama in nothing else that matters here.

#include "eval/head_check.h"

#include <gtest/gtest.h>

#include "eval/dense_logits.h"
#include "eval/eval_testing.h"
#include "eval/shard_file.h"
#include "gguf/model_copy_testing.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

std::vector<Window> two_windows(uint32_t vocabulary) {
    const std::vector<TokenId> tokens = some_tokens(40, vocabulary);
    return {{.tokens = {tokens.begin(), tokens.begin() + 20}},
            {.tokens = {tokens.begin() + 20, tokens.end()}}};
}

HeadCheck check(const fs::path& path, StatePrecision precision = StatePrecision::kF32) {
    const PassShape shape{.window_tokens = 20, .sequences = 2, .ubatch_tokens = 40};
    ModelPass pass({.model = path, .context = {20, 2, 40}, .engine = one_thread()});
    HeadCheckUnit check(shape, two_windows(pass.vocabulary()));
    const PassUnit unit = check.unit();
    pass.run({&unit, 1}, silent_progress());
    ModelHead head(path);
    return check.finish(head, precision);
}

// The small Llama under another architecture's name.
struct Disguise {
    explicit Disguise(const std::string& architecture)
        : path(fresh_folder("head_check_" + architecture) / "model.gguf"), copy(baby_llama()) {
        copy.set_architecture(architecture);
    }
    HeadCheck check() const {
        copy.write(path);
        return bitgauge::check(path);
    }
    fs::path path;
    ModelCopy copy;
};

void expect_reproduced(const HeadCheck& check) {
    EXPECT_TRUE(check.reproduced) << check.outcome;
    EXPECT_LT(check.kld_nats, kHeadCheckNats);
    EXPECT_LT(check.max_abs, 1e-3);
    EXPECT_NE(check.outcome.find("; states and head are used"), std::string::npos);
}

TEST(HeadCheck, FindsNothingAfterAPlainHead) {
    for (const fs::path& path : {baby_llama(), tiny_moe()}) {
        const HeadCheck found = check(path);
        expect_reproduced(found);
        EXPECT_EQ(found.scale, 1);
        EXPECT_EQ(found.softcap, 0);
        EXPECT_EQ(found.self_kld_nats, 0) << "single precision loses nothing";
    }
}

TEST(HeadCheck, FindsALogitScale) {
    Disguise granite("granite");
    granite.copy.set_f32("granite.logit_scale", 4);
    const HeadCheck found = granite.check();
    expect_reproduced(found);
    EXPECT_NEAR(found.scale, 0.25, 1e-6);
}

// Gemma 2 has two more norms a layer; they leave things as they are.
void put_post_norms(ModelCopy& copy) {
    for (int layer = 0; layer < 5; ++layer) {
        for (const char* name : {"post_attention_norm", "post_ffw_norm"}) {
            copy.put_tensor("blk." + std::to_string(layer) + "." + name + ".weight", {128},
                            std::vector<float>(128, 1.0F));
        }
    }
}

TEST(HeadCheck, TakesTheSoftcapTheHeaderStates) {
    Disguise gemma("gemma2");
    put_post_norms(gemma.copy);
    gemma.copy.set_f32("gemma2.final_logit_softcapping", 5);
    const HeadCheck found = gemma.check();
    expect_reproduced(found);
    EXPECT_EQ(found.softcap, 5);
    EXPECT_NEAR(found.scale, 1, 1e-5);
}

TEST(HeadCheck, SaysSoWhereSomethingIsDoneThatNobodyStates) {
    Disguise gemma("gemma2");  // libllama caps at 30 although the header has no word of it
    put_post_norms(gemma.copy);
    const HeadCheck found = gemma.check();
    EXPECT_FALSE(found.reproduced) << found.outcome;
    EXPECT_GT(found.kld_nats, kHeadCheckNats);
    EXPECT_NE(found.outcome.find("; whole logits are used"), std::string::npos) << found.outcome;
}

TEST(HeadCheck, AddsABiasOfTheHead) {
    Disguise qwen("qwen2");
    std::vector<float> bias = waves(105);
    for (float& b : bias) b *= 3;
    qwen.copy.put_tensor("output.bias", {105}, bias);
    const HeadCheck found = qwen.check();
    expect_reproduced(found);
    EXPECT_EQ(found.scale, 1);
    const ModelHead head(qwen.path);
    EXPECT_EQ(head.head().transform().bias, bias);
    EXPECT_TRUE(head.tied());
}

TEST(HeadCheck, MeasuresWhatAStoredPrecisionLoses) {
    const double f16 = check(baby_llama(), StatePrecision::kF16).self_kld_nats;
    const double bf16 = check(baby_llama(), StatePrecision::kBf16).self_kld_nats;
    EXPECT_GT(f16, 0);
    EXPECT_LT(f16, 1e-6);
    EXPECT_GT(bf16, 2 * f16) << "three bits fewer";
    EXPECT_EQ(check(tiny_moe(), StatePrecision::kBf16).self_kld_nats, 0)
        << "the product reads BF16 anyway";
}

TEST(HeadCheck, OfQuantizedHeadsHolds) {
    const fs::path folder = fresh_folder("head_check_types");
    for (const char* type : {"Q8_0", "Q5_0", "Q4_0", "IQ4_NL", "BF16"}) {
        expect_reproduced(check(quantized(baby_llama(), type, folder)));
    }
    for (const char* type : {"Q5_1", "Q4_1"}) {  // ggml keeps sums of inputs in half precision
        const HeadCheck found = check(quantized(baby_llama(), type, folder));
        EXPECT_TRUE(found.reproduced) << found.outcome;
        EXPECT_LT(found.max_abs, 1e-2);
    }
}

TEST(ModelHead, SurvivesBeingCopiedIntoAFileOfItsOwn) {
    const fs::path folder = fresh_folder("head_file");
    for (const fs::path& model : {baby_llama(), tiny_moe()}) {
        write_head_file(model, folder / "head.gguf", "key");
        EXPECT_TRUE(shard_is_good(folder / "head.gguf", kHeadSchema, "key"));
        const ModelHead original(model);
        const ModelHead copy(folder / "head.gguf");
        EXPECT_TRUE(std::ranges::equal(original.bytes(), copy.bytes()));
        const std::vector<float> states = waves(3 * original.head().width());
        EXPECT_EQ(dense_logits(copy.head(), states), dense_logits(original.head(), states));
    }
}

TEST(ModelHead, IsRefusedWhereThereIsNone) {
    const fs::path path = fresh_folder("head_none") / "none.gguf";
    ModelCopy copy(baby_llama());
    copy.drop_tensor("token_embd.weight");
    copy.write(path);
    const Error error = error_of([&] { const ModelHead head(path); });
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_EQ(error.what(), "'" + path.string() +
                                "' has no output head: neither output.weight nor token_embd.weight "
                                "is a matrix in it");
}

}  // namespace
}  // namespace bitgauge
