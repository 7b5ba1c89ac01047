#include "engine/llama_log.h"

#include <cstdio>
#include <cstdlib>
#include <thread>

#include <gtest/gtest.h>

#include "bitgauge/engine.h"

#include <ggml.h>
#include <llama.h>

namespace bitgauge {
namespace {

// What libllama itself does to say something.
void say(ggml_log_level level, const char* text) {
    ggml_log_callback callback = nullptr;
    void* user_data = nullptr;
    llama_log_get(&callback, &user_data);
    callback(level, text, user_data);
}

class LlamaLog : public testing::Test {
  protected:
    void SetUp() override {
        start_libllama();
        forget_llama_complaints();
    }
};

TEST_F(LlamaLog, KeepsTheFirstErrorWithoutItsFunction) {
    say(GGML_LOG_LEVEL_ERROR, "llama_model_load: error loading model: no tensor\n");
    say(GGML_LOG_LEVEL_ERROR, "llama_model_load_from_file_impl: failed to load model\n");
    EXPECT_EQ(llama_complaint(), "error loading model: no tensor");
}

TEST_F(LlamaLog, PrefersAnErrorToALaterWarning) {
    say(GGML_LOG_LEVEL_ERROR, "f: broken\n");
    say(GGML_LOG_LEVEL_WARN, "f: odd\n");
    EXPECT_EQ(llama_complaint(), "broken");
}

TEST_F(LlamaLog, GivesAWarningWhereThereIsNoError) {
    say(GGML_LOG_LEVEL_INFO, "f: all is well\n");
    say(GGML_LOG_LEVEL_WARN, "f: odd\n");
    say(GGML_LOG_LEVEL_INFO, "f: still well\n");
    EXPECT_EQ(llama_complaint(), "odd");
}

TEST_F(LlamaLog, JoinsThePiecesOfALine) {
    say(GGML_LOG_LEVEL_ERROR, "f: in ");
    say(GGML_LOG_LEVEL_CONT, "three ");
    say(GGML_LOG_LEVEL_CONT, "pieces\n");
    EXPECT_EQ(llama_complaint(), "in three pieces");
}

TEST_F(LlamaLog, ForgetsWhenTold) {
    say(GGML_LOG_LEVEL_ERROR, "f: broken\n");
    forget_llama_complaints();
    EXPECT_EQ(llama_complaint(), "");
}

TEST_F(LlamaLog, TellsMemoryFromOtherComplaints) {
    for (const char* text : {
             "ggml_backend_cpu_buffer_type_alloc_buffer: failed to allocate buffer of size 1024",
             "error loading model: unable to allocate CPU buffer",
             "insufficient memory (attempted to allocate 12.00 MB)",
             "ggml-cuda.cu:98: CUDA error: out of memory",
             "mmap failed: Cannot allocate memory",
             "error loading model: std::bad_alloc",
         }) {
        EXPECT_TRUE(is_about_memory(text)) << text;
    }
    for (const char* text : {"", "error loading model: missing tensor 'blk.0.attn_q.weight'",
                             "llama-graph.cpp:12: GGML_ASSERT(n_layer > 0) failed"}) {
        EXPECT_FALSE(is_about_memory(text)) << text;
    }
}

[[noreturn]] void print_and_end(const char* reason) {
    std::fputs(reason, stderr);
    std::_Exit(3);
}

// What ggml_init() does without memory, but for the allocation.
[[noreturn]] void abort_after(const char* complaint) {
    on_llama_abort(print_and_end);
    say(GGML_LOG_LEVEL_ERROR, complaint);
    ggml_abort("/build/ggml.c", 1644, "GGML_ASSERT(%s) failed", "p");
}

TEST_F(LlamaLog, SaysWhetherAnAbortIsForWantOfMemory) {
    EXPECT_EXIT(abort_after("ggml_aligned_malloc: insufficient memory (12.00 MB)\n"),
                testing::ExitedWithCode(3),
                "^ggml.c:1644: GGML_ASSERT.p. failed .insufficient memory .12.00 MB..$");
    EXPECT_EXIT(abort_after("f: no tensor\n"), testing::ExitedWithCode(3),
                "^ggml.c:1644: GGML_ASSERT.p. failed$");
}

TEST_F(LlamaLog, StartsOnceWhoeverAsks) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back(start_libllama);
    for (std::thread& thread : threads) thread.join();
    say(GGML_LOG_LEVEL_ERROR, "f: heard\n");
    EXPECT_EQ(llama_complaint(), "heard");
}

}  // namespace
}  // namespace bitgauge
