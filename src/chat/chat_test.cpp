#include "bitgauge/chat.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "bitgauge/error.h"

#include "engine/engine_testing.h"

namespace bitgauge {
namespace {

// The small model's tokens are 105 characters; a line feed is none of them.
const char* const kTemplate =
    "{% for m in messages %}{{ m.role }}: {{ m.content }} {% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}";

ChatOptions greedy(uint32_t context, uint32_t answer) {
    return {.engine = one_thread(),
            .context_tokens = context,
            .answer_tokens = answer,
            .chat_template = kTemplate};
}

const OnText kIgnore = [](std::string_view) {};

Error error_of(Chat& chat, const std::string& message) {
    try {
        chat.answer(message, kIgnore);
    } catch (const Error& error) {
        return error;
    }
    return {ErrorKind::kGate, "no error"};
}

// The rendered history through libllama, token by token, without anything that was kept.
std::string written_anew(const std::string& prompt, uint32_t answer,
                         const std::filesystem::path& path = baby_llama()) {
    const Model model = Model::load(path, one_thread());
    Context context(model, {.window_tokens = 512}, one_thread());
    std::vector<TokenId> tokens = model.tokenize(prompt, true, true);
    std::string text;
    for (uint32_t n = 0; n < answer; ++n) {
        context.clear();
        std::vector<BatchToken> batch;
        for (const TokenId token : tokens) {
            batch.push_back({.token = token, .position = static_cast<int32_t>(batch.size())});
        }
        batch.back().output = true;
        context.decode(batch, Context::Depth::kLogits);
        const auto logits = context.logits(0);
        tokens.push_back(
            static_cast<TokenId>(std::max_element(logits.begin(), logits.end()) - logits.begin()));
        if (model.ends_answer(tokens.back())) break;
        text += model.token_text(tokens.back());
    }
    return text;
}

TEST(Chat, AnswersWithTheHistoryInTheTemplate) {
    Chat chat(baby_llama(), greedy(512, 12), silent_progress());
    const std::string first = chat.answer("One day", kIgnore).text;
    EXPECT_EQ(first, written_anew("user: One day assistant:", 12));
    const ChatTurn second = chat.answer("The dog", kIgnore);
    EXPECT_EQ(second.text,
              written_anew("user: One day assistant: " + first + " user: The dog assistant:", 12));
    EXPECT_GT(second.reused_tokens, 20U);
    ASSERT_EQ(chat.history().size(), 4U);
    EXPECT_EQ(chat.history()[1].role, "assistant");
    EXPECT_EQ(chat.history()[1].content, first);
}

// Three of four layers are recurrent: the memory goes on and cannot go back.
TEST(Chat, OfARecurrentModelInItsOwnTemplateIsTheSame) {
    ChatOptions options = greedy(512, 10);
    options.chat_template = "";
    Chat chat(tiny_moe(), options, silent_progress());
    const auto as_user = [](const std::string& text) {
        return "<|im_start|>user\n" + text + "<|im_end|>\n<|im_start|>assistant\n";
    };
    const std::string begin = as_user("Hello, I want to change my flight.");
    const std::string first = chat.answer("Hello, I want to change my flight.", kIgnore).text;
    EXPECT_EQ(first, written_anew(begin, 10, tiny_moe()));
    const ChatTurn second = chat.answer("When is it?", kIgnore);
    EXPECT_GT(second.reused_tokens, 20U);
    const std::string whole = begin + first + "<|im_end|>\n" + as_user("When is it?");
    EXPECT_EQ(second.text, written_anew(whole, 10, tiny_moe()));
    chat.clear();
    EXPECT_EQ(chat.answer("Hello, I want to change my flight.", kIgnore).reused_tokens, 0U);
}

TEST(Chat, BeginsAnewWhenItIsCleared) {
    Chat chat(baby_llama(), greedy(512, 12), silent_progress());
    const std::string first = chat.answer("One day", kIgnore).text;
    chat.answer("The dog", kIgnore);
    chat.clear();
    EXPECT_TRUE(chat.history().empty());
    EXPECT_EQ(chat.answer("One day", kIgnore).text, first);
}

TEST(Chat, PutsTheSystemMessageFirst) {
    ChatOptions options = greedy(512, 8);
    options.system = "Be good";
    Chat chat(baby_llama(), options, silent_progress());
    EXPECT_EQ(chat.answer("One day", kIgnore).text,
              written_anew("system: Be good user: One day assistant:", 8));
    chat.clear();
    chat.set_system("");
    EXPECT_EQ(chat.answer("One day", kIgnore).text, written_anew("user: One day assistant:", 8));
}

TEST(Chat, DropsTheOldestTurnsAndThenStaysBounded) {
    Chat chat(baby_llama(), greedy(256, 8), silent_progress());
    uint64_t left_out = 0;
    for (int i = 0; i < 30; ++i) {
        const ChatTurn turn = chat.answer("One day the dog", kIgnore);
        EXPECT_LE(turn.prompt_tokens + 8, 256U);
        left_out += turn.left_out;
    }
    EXPECT_GT(left_out, 10U);
    EXPECT_EQ(chat.history().size(), 2 * (30 - left_out));
    EXPECT_EQ(chat.history()[0].role, "user");
}

TEST(Chat, RefusesAMessageLongerThanTheContextAndGoesOn) {
    Chat chat(baby_llama(), greedy(128, 8), silent_progress());
    chat.answer("One day", kIgnore);
    const Error error = error_of(chat, std::string(500, 'a'));
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_NE(std::string(error.what()).find("the context of 128 has room for 127"),
              std::string::npos);
    EXPECT_EQ(chat.history().size(), 2U);
    EXPECT_FALSE(chat.answer("The dog", kIgnore).text.empty());
}

TEST(Chat, RefusesWhatIsNoText) {
    Chat chat(baby_llama(), greedy(128, 8), silent_progress());
    EXPECT_EQ(error_of(chat, "a\xff").kind(), ErrorKind::kInput);
    EXPECT_TRUE(chat.history().empty());
}

TEST(Chat, WithoutATemplateContinuesEachTextByItself) {
    ChatOptions options = greedy(512, 12);
    options.chat_template = "";
    Chat chat(baby_llama(), options, silent_progress());
    EXPECT_FALSE(chat.has_template());
    const std::string first = chat.answer("Once upon a time", kIgnore).text;
    EXPECT_EQ(first, written_anew("Once upon a time", 12));
    chat.answer("The dog", kIgnore);
    EXPECT_EQ(chat.answer("Once upon a time", kIgnore).text, first);
    EXPECT_TRUE(chat.history().empty());
    EXPECT_THROW(chat.set_system("Be good"), Error);
    EXPECT_THROW(chat.answer("", kIgnore), Error);
}

TEST(Chat, DrawsTheSameForTheSameSeed) {
    const auto drawn = [](uint32_t seed) {
        ChatOptions options = greedy(512, 40);
        options.sampling = {.temperature = 1};
        options.seed = seed;
        Chat chat(baby_llama(), options, silent_progress());
        return chat.answer("One day", kIgnore).text;
    };
    EXPECT_EQ(drawn(1), drawn(1));
    EXPECT_NE(drawn(1), drawn(2));
}

TEST(FindModel, TakesAPathAsItIs) {
    const HubOptions nowhere = {.endpoint = "http://127.0.0.1:1", .offline = true};
    for (const char* name : {"folder/absent.gguf", "./a/b", "/a/b", "../b"}) {
        EXPECT_EQ(find_model(name, nowhere, silent_progress()), name);
    }
    EXPECT_THROW(find_model("absent", nowhere, silent_progress()), Error);
    EXPECT_THROW(find_model("user/absent", nowhere, silent_progress()), Error);
}

}  // namespace
}  // namespace bitgauge
