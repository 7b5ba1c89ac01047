#include "cli/chat_context.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "bitgauge/error.h"

namespace bitgauge {
namespace {

constexpr uint64_t kPlenty = uint64_t{1} << 40;

// Llama, F32, 3.6 MiB.
GgufFile baby() {
    return GgufFile::open(std::filesystem::path(BITGAUGE_TEST_DATA) /
                          "babyllama105/babyllama105-f32.gguf");
}

uint64_t needed(uint64_t tokens) {
    const EvaluationMemory memory = evaluation_memory(baby(), tokens, 1, 512);
    return memory.total() - memory.scores;
}

uint32_t trained() {
    return static_cast<uint32_t>(*baby().integer("llama.context_length"));
}

TEST(ChatContext, IsWhatTheModelWasTrainedWith) {
    const ChatContext chosen = choose_context(baby(), {}, {kPlenty, "the machine"});
    EXPECT_EQ(chosen.tokens, trained());
    EXPECT_EQ(chosen.warning, "");
}

TEST(ChatContext, IsWhatWasAskedForWithAWordWhereThatIsMoreThanTheModelKnows) {
    EXPECT_EQ(choose_context(baby(), {.tokens = 16}, {kPlenty, "the machine"}).tokens, 16U);
    EXPECT_EQ(choose_context(baby(), {.tokens = 16}, {kPlenty, "the machine"}).warning, "");
    const ChatContext beyond =
        choose_context(baby(), {.tokens = 100'000}, {kPlenty, "the machine"});
    EXPECT_EQ(beyond.tokens, 100'000U);
    EXPECT_NE(beyond.warning.find("fewer than the 100,000"), std::string::npos);
}

TEST(ChatContext, OfLittleMemoryIsSmallAndSaysSo) {
    const ChatContext chosen = choose_context(baby(), {}, {needed(1) / 2, "the machine"});
    EXPECT_LE(chosen.tokens, 512U);
    EXPECT_GT(chosen.tokens, 0U);
    EXPECT_NE(chosen.warning.find("reading will be slow"), std::string::npos);
}

TEST(ChatContext, OfZeroTokensIsAllOfTheTraining) {
    const ChatContext chosen = choose_context(baby(), {.tokens = 0}, {kPlenty, "the machine"});
    EXPECT_EQ(chosen.tokens, trained());
    EXPECT_EQ(chosen.why, "all the model was trained with");
    const ChatContext short_of =
        choose_context(baby(), {.tokens = 0}, {needed(1) / 2, "the machine"});
    EXPECT_EQ(short_of.tokens, trained());
    EXPECT_NE(short_of.warning.find("reading will be slow"), std::string::npos);
}

TEST(ChatContext, OfKeysAndValuesInFewerBitsFitsWhereOthersDoNot) {
    const EvaluationMemory memory = evaluation_memory(baby(), 100'000, 1, 512);
    const MemoryRoom room{memory.keys_values * 3 / 4, "the machine"};
    EXPECT_THROW(choose_context(baby(), {.tokens = 100'000}, room), Error);
    const ChatWish wish{.tokens = 100'000, .key_type = "q8_0", .value_type = "q8_0"};
    EXPECT_EQ(choose_context(baby(), wish, room).tokens, 100'000U);
}

TEST(ChatContext, ThatMemoryCannotHoldIsRefused) {
    try {
        choose_context(baby(), {.tokens = 1'000'000}, {needed(1000), "the machine"});
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kEnvironment);
        EXPECT_NE(std::string(error.what()).find("a context of 1,000,000 tokens needs"),
                  std::string::npos);
    }
}

}  // namespace
}  // namespace bitgauge
