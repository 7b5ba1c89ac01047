// The tokenizer and the header's figures as libllama gives them; files it refuses.

#include <fstream>

#include <gtest/gtest.h>

#include "bitgauge/error.h"

#include "base/files.h"
#include "engine/engine_testing.h"

#include <ggml.h>
#include <llama.h>

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

template <class Call>
Error error_of(Call call) {
    try {
        call();
    } catch (const Error& error) {
        return error;
    }
    ADD_FAILURE() << "no error";
    return {ErrorKind::kGate, ""};
}

TEST(Model, SaysWhatItsHeaderSays) {
    const Model baby = Model::load(baby_llama(), one_thread());
    EXPECT_EQ(baby.vocabulary(), 105U);
    EXPECT_EQ(baby.width(), 128U);
    EXPECT_EQ(baby.trained_context(), 256U);
    EXPECT_EQ(baby.bos(), 1);
    EXPECT_TRUE(baby.adds_bos());
    EXPECT_EQ(baby.bos_text(), "<s>");
    EXPECT_EQ(baby.eos_text(), "</s>");
    EXPECT_EQ(baby.chat_template(), "");
}

TEST(Model, TheVocabularyAloneTokenizesAsTheWholeModel) {
    const Model whole = Model::load(tiny_moe(), one_thread());
    const Model vocabulary = Model::load_vocabulary(tiny_moe());
    const std::string text = "The tower is 324 metres (1,063 ft) tall \xE2\x80\x93 about.\n";
    EXPECT_EQ(vocabulary.tokenize(text, true, false), whole.tokenize(text, true, false));
    EXPECT_EQ(vocabulary.vocabulary(), 4096U);
    EXPECT_FALSE(vocabulary.adds_bos());
    EXPECT_EQ(vocabulary.trained_context(), whole.trained_context());
    EXPECT_GT(vocabulary.trained_context(), 0U);
    EXPECT_NE(vocabulary.chat_template().find("<|im_start|>"), std::string::npos);
}

TEST(Model, TokensOfATextStandForAllItsBytes) {
    const Model model = Model::load_vocabulary(tiny_moe());
    const std::string text =
        read_text_file(fs::path(BITGAUGE_TEST_DATA) / "../../data/text/wiki.test.excerpt.raw")
            .substr(0, 20000);
    size_t bytes = 0;
    for (TokenId token : model.tokenize(text, false, false)) bytes += model.token_bytes(token);
    EXPECT_EQ(bytes, text.size());
}

TEST(Model, ABosAndASpaceStandBeforeATextOfTheLlamaKind) {
    const Model model = Model::load_vocabulary(baby_llama());
    const auto bare = model.tokenize("ab", false, false);
    const auto special = model.tokenize("ab", true, false);
    EXPECT_EQ(bare.size(), 3U);
    ASSERT_EQ(special.size(), 4U);
    EXPECT_EQ(special[0], model.bos());
    EXPECT_EQ(model.tokenize("", false, false).size(), 0U);
}

TEST(Model, ReadsATokensNameOnlyWhenAsked) {
    const Model model = Model::load_vocabulary(tiny_moe());
    EXPECT_EQ(model.tokenize("<|im_start|>", false, true).size(), 1U);
    EXPECT_GT(model.tokenize("<|im_start|>", false, false).size(), 1U);
}

TEST(Model, RefusesWhatIsNoModelWithLibllamasReason) {
    const fs::path path = fresh_folder("model_refused") / "text.gguf";
    std::ofstream(path) << "this is no model at all, only some words";
    const Error error = error_of([&] { Model::load(path, one_thread()); });
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_NE(std::string(error.what()).find("cannot load '" + path.string() + "': "),
              std::string::npos)
        << error.what();
    EXPECT_EQ(std::string(error.what()).find("no reason given"), std::string::npos);
    EXPECT_EQ(error_of([&] { Model::load_vocabulary(path); }).kind(), ErrorKind::kInput);
    EXPECT_EQ(error_of([&] { Model::load(path.string() + "x", one_thread()); }).kind(),
              ErrorKind::kInput);
}

TEST(Engine, DescribesItself) {
    const EngineDescription engine = describe_engine();
    EXPECT_EQ(engine.llama, llama_version());
    EXPECT_EQ(engine.ggml.rfind(ggml_version(), 0), 0U);
    EXPECT_FALSE(engine.backend.empty());
    EXPECT_FALSE(engine.cpu.empty());
}

TEST(Engine, TakesAllCoresUnlessTold) {
    EXPECT_EQ(resolve_threads(3), 3U);
    EXPECT_GE(resolve_threads(0), 1U);
}

}  // namespace
}  // namespace bitgauge
