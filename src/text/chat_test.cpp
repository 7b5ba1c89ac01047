#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "bitgauge/error.h"
#include "bitgauge/text.h"

#include "base/files.h"

namespace bitgauge {
namespace {

const char* const kGreeting =
    R"([{"role":"user","content":"What's your favourite LLM framework?"},)"
    R"({"role":"assistant","content":"llama.cpp!"}])";

// Arguments as JSON text, the way the OpenAI API gives them.
const char* const kToolCall =
    R"([{"role":"user","content":"Print it."},)"
    R"({"role":"assistant","content":"","tool_calls":[{"type":"function","function":)"
    R"({"name":"ipython","arguments":"{\"code\": \"print('é <b>')\"}"}}]},)"
    R"({"role":"tool","name":"ipython","content":"é <b>"},)"
    R"({"role":"assistant","content":"Done."}])";

const char* const kTools =
    R"([{"type":"function","function":{"name":"ipython","description":"Runs code.",)"
    R"("parameters":{"type":"object","properties":{"code":{"type":"string",)"
    R"("description":"What to run."}},"required":["code"]}}}])";

Corpus chats(const std::vector<std::string>& messages, const std::string& tools = {}) {
    Corpus corpus;
    for (const std::string& each : messages) corpus.documents.push_back({"chat", {}, each, tools});
    return corpus;
}

std::string template_named(const std::string& name) {
    return read_text_file(BITGAUGE_TEST_DATA "/templates/" + name);
}

std::string rendered(const std::string& chat_template, const std::string& messages,
                     const std::string& tools = {}) {
    Corpus corpus = chats({messages}, tools);
    render_chats(corpus, {chat_template, "<s>", "</s>"});
    return corpus.documents[0].text;
}

Error error_of(const std::string& chat_template, const std::vector<std::string>& messages) {
    Corpus corpus = chats(messages);
    try {
        render_chats(corpus, {chat_template, "<s>", "</s>"});
    } catch (const Error& error) {
        return error;
    }
    return {ErrorKind::kGate, "no error"};
}

class SetVariable {
  public:
    SetVariable(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
    ~SetVariable() { ::unsetenv(name_); }
    SetVariable(const SetVariable&) = delete;
    SetVariable& operator=(const SetVariable&) = delete;

  private:
    const char* name_;
};

// Why nothing can be rendered here; empty where it can.
std::string obstacle() {
    try {
        rendered("x", kGreeting);
        return {};
    } catch (const Error& error) {
        return error.what();
    }
}

class RenderChats : public ::testing::Test {
  protected:
    void SetUp() override {
        static const std::string found = obstacle();
        if (!found.empty()) GTEST_SKIP() << "no Python with Jinja2 here: " << found;
    }
};

TEST_F(RenderChats, Qwen35WritesTurnsAndAnEmptyThought) {
    EXPECT_EQ(rendered(template_named("Qwen3.5-4B.jinja"), kGreeting),
              "<|im_start|>user\nWhat's your favourite LLM framework?<|im_end|>\n"
              "<|im_start|>assistant\n<think>\n\n</think>\n\nllama.cpp!<|im_end|>\n");
}

TEST_F(RenderChats, Qwen35GetsToolArgumentsAsAnObjectThoughTheyWereText) {
    EXPECT_EQ(
        rendered(template_named("Qwen3.5-4B.jinja"), kToolCall),
        "<|im_start|>user\nPrint it.<|im_end|>\n"
        "<|im_start|>assistant\n<think>\n\n</think>\n\n<tool_call>\n<function=ipython>\n"
        "<parameter=code>\nprint('é <b>')\n</parameter>\n</function>\n</tool_call><|im_end|>\n"
        "<|im_start|>user\n<tool_response>\né <b>\n</tool_response><|im_end|>\n"
        "<|im_start|>assistant\n<think>\n\n</think>\n\nDone.<|im_end|>\n");
}

TEST_F(RenderChats, DeepSeekWritesArgumentsAsPlainJson) {
    EXPECT_EQ(rendered(template_named("deepseek-ai-DeepSeek-V3.1.jinja"), kToolCall),
              "<s><｜User｜>Print it.<｜Assistant｜><think></think>"
              "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>ipython<｜tool▁sep｜>"
              "{\"code\": \"print('é <b>')\"}<｜tool▁call▁end｜><｜tool▁calls▁end｜>"
              "<｜end▁of▁sentence｜><｜tool▁output▁begin｜>é <b><｜tool▁output▁end｜>"
              "Done.<｜end▁of▁sentence｜>");
}

TEST_F(RenderChats, HermesDescribesTheTools) {
    const std::string text = rendered(
        template_named("NousResearch-Hermes-3-Llama-3.1-8B-tool_use.jinja"), kToolCall, kTools);
    EXPECT_TRUE(text.starts_with("<s><|im_start|>system\nYou are a function calling AI model."));
    EXPECT_NE(text.find(R"({"type": "function", "function": {"name": "ipython", )"
                        "\"description\": \"ipython(code: str) - Runs code.\n\n    Args:\n"
                        "        code(str): What to run.\", \"parameters\": "),
              std::string::npos);
    EXPECT_TRUE(text.ends_with(
        "<|im_start|>user\nPrint it.<|im_end|>\n"
        "<|im_start|>assistant\n<tool_call>\n"
        "{\"name\": \"ipython\", \"arguments\": {\"code\": \"print('é <b>')\"}}\n</tool_call>"
        "<|im_end|>\n<|im_start|>tool\n<tool_response>\né <b>\n</tool_response>\n<|im_end|>"
        "<|im_start|>assistant\nDone.<|im_end|>\n"))
        << text;
}

TEST_F(RenderChats, ATemplateThatNeedsArgumentsAsTextGetsThem) {
    const std::string chat_template =
        "{% for m in messages if m.tool_calls %}"
        "{{ 'call ' + m.tool_calls[0].function.arguments }}{% endfor %}";
    EXPECT_EQ(rendered(chat_template, kToolCall), "call {\"code\": \"print('é <b>')\"}");
}

TEST_F(RenderChats, BlocksOfHuggingFaceAreKnown) {
    EXPECT_EQ(rendered("{% for m in messages %}{% generation %}{{ m.role }};{% endgeneration %}"
                       "{% if loop.first %}{% continue %}{% endif %}!{% endfor %}"
                       "{{ add_generation_prompt }} {{ eos_token }} {{ strftime_now('%Y') }}",
                       kGreeting),
              "user;assistant;!False </s> 2025");
}

TEST_F(RenderChats, TextsAreLeftAloneAndTheKeyFollowsTheTemplate) {
    Corpus corpus = chats({kGreeting});
    corpus.documents.push_back({"text", "as it was", {}, {}});
    render_chats(corpus, {"a{{ messages[0].content }}", "", ""});
    const std::string first_key = corpus.key;
    EXPECT_EQ(corpus.documents[0].text, "aWhat's your favourite LLM framework?");
    EXPECT_EQ(corpus.documents[1].text, "as it was");
    render_chats(corpus, {"b{{ messages[0].content }}", "", ""});
    EXPECT_NE(corpus.key, first_key);
}

TEST_F(RenderChats, AThousandLongChatsComeBackInOrder) {
    std::vector<std::string> many;
    for (int i = 0; i < 1000; ++i) {
        many.push_back(R"([{"role":"user","content":")" + std::to_string(i) + ":" +
                       std::string(5000, 'x') + "\"}]");
    }
    Corpus corpus = chats(many);
    render_chats(corpus, {"{{ messages[0].content }}", "", ""});
    for (int i = 0; i < 1000; ++i) {
        ASSERT_TRUE(corpus.documents[i].text.starts_with(std::to_string(i) + ":"));
    }
}

TEST_F(RenderChats, ARefusalNamesTheConversationAndTheTemplatesOwnWords) {
    const Error error = error_of(template_named("Qwen3.5-4B.jinja"),
                                 {kGreeting, R"([{"role":"user","content":"a"},)"
                                             R"({"role":"system","content":"late"}])"});
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_STREQ(
        error.what(),
        "the chat template refuses conversation 2 of 2 ('chat'): System message must be at "
        "the beginning.");
    EXPECT_FALSE(error.hint().empty());
}

TEST_F(RenderChats, ABrokenTemplateIsAnInputErrorWithItsLine) {
    const Error error = error_of("fine\n{% if %}", {kGreeting});
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_NE(std::string(error.what()).find("cannot be parsed"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("(line 2)"), std::string::npos) << error.what();
}

TEST_F(RenderChats, ATemplateCannotReachOutOfItsSandboxOrEatTheMemory) {
    for (const char* hostile :
         {"{{ ''.__class__.__mro__[1].__subclasses__() }}", "{{ messages.append(1) }}",
          "{{ 'x' * 4000000000 }}", "{{ raise_exception('no') }}", R"({{ "\ud800" }})"}) {
        const Error error = error_of(hostile, {kGreeting});
        EXPECT_EQ(error.kind(), ErrorKind::kInput) << hostile << ": " << error.what();
    }
}

TEST_F(RenderChats, AnInterpreterWithoutJinjaIsAnEnvironmentError) {
    const SetVariable python("BITGAUGE_PYTHON", BITGAUGE_TEST_DATA "/templates/no-jinja-here");
    const Error error = error_of("x", {kGreeting});
    EXPECT_EQ(error.kind(), ErrorKind::kEnvironment);
    EXPECT_NE(std::string(error.what()).find("cannot be started"), std::string::npos);
    EXPECT_NE(error.hint().find("scripts/setup"), std::string::npos);
}

TEST(RenderChatsWithoutPython, ChatsWithoutATemplateAreAnInputError) {
    EXPECT_EQ(error_of(" ", {kGreeting}).kind(), ErrorKind::kInput);
    Corpus no_chats;
    EXPECT_NO_THROW(render_chats(no_chats, ChatTemplate()));
}

}  // namespace
}  // namespace bitgauge
