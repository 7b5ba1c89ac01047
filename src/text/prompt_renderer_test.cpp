#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "bitgauge/error.h"
#include "bitgauge/text.h"

#include "base/files.h"

namespace bitgauge {
namespace {

const std::vector<std::string> kConversations = {
    R"([{"role":"user","content":"Hi"}])",
    R"([{"role":"system","content":"Be \"brief\"."},{"role":"user","content":"é\n€"}])",
    R"([{"role":"user","content":"a"},{"role":"assistant","content":"b"},)"
    R"({"role":"user","content":"c"}])"};

const char* const kPlain =
    "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% if enable_thinking is defined %}"
    "{{ enable_thinking }}{% endif %}{% endif %}";

Error error_of(PromptRenderer& renderer, const std::string& messages) {
    try {
        renderer.render(messages, {});
    } catch (const Error& error) {
        return error;
    }
    return {ErrorKind::kGate, "no error"};
}

TEST(PromptRenderer, GivesWhatAProcessForEachCallGives) {
    const ChatTemplate by = {kPlain, "<s>", "</s>"};
    PromptRenderer renderer(by);
    const auto expected = render_prompts(kConversations, by, /*thinking=*/false);
    for (size_t i = 0; i < kConversations.size(); ++i) {
        EXPECT_EQ(renderer.render(kConversations[i], false), expected[i]);
    }
}

TEST(PromptRenderer, GivesTheTemplateThinkingOnlyWhereItIsChosen) {
    PromptRenderer renderer({kPlain, "", ""});
    EXPECT_EQ(renderer.render(kConversations[0], {}), "[user] Hi\n[assistant]");
    EXPECT_EQ(renderer.render(kConversations[0], true), "[user] Hi\n[assistant]True");
}

TEST(PromptRenderer, StaysUsableWhereTheTemplateRefuses) {
    PromptRenderer renderer(
        {"{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}"
         "{% endif %}{{ messages[0].content }}",
         "", ""});
    const Error error = error_of(renderer, kConversations[1]);
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_STREQ(error.what(), "the chat template refuses the conversation: no system");
    EXPECT_EQ(renderer.render(kConversations[0], {}), "Hi");
}

TEST(PromptRenderer, NamesWhatATemplateCannotBeParsedFor) {
    PromptRenderer renderer({"{% if %}", "", ""});
    EXPECT_EQ(error_of(renderer, kConversations[0]).kind(), ErrorKind::kInput);
    EXPECT_EQ(error_of(renderer, kConversations[0]).kind(), ErrorKind::kInput);
}

// What a turn of a conversation waits for.
TEST(PromptRenderer, TakesLittleTimeAfterTheFirstCall) {
    PromptRenderer renderer({kPlain, "", ""});
    renderer.render(kConversations[0], {});
    constexpr int kCalls = 50;
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < kCalls; ++i) renderer.render(kConversations[2], {});
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    EXPECT_LT(taken.count() / kCalls, 0.05);
}

}  // namespace
}  // namespace bitgauge
