#include "bitgauge/load_memory.h"

#include <algorithm>
#include <fstream>

#include <gtest/gtest.h>

#include "bitgauge/error.h"

#include "engine/engine_testing.h"
#include "engine/memory_log.h"
#include "engine/tiny_models_testing.h"

#include <ggml.h>

namespace bitgauge {
namespace {

std::vector<ContextMemory> simulated(const std::filesystem::path& model, const LoadShape& shape) {
    return simulate_loading(model, shape, {}, fresh_folder("load_memory_job"), silent_progress());
}

TEST(MemoryLog, ReadsSummariesAndBuffers) {
    const std::vector<std::string> lines = {
        "load_tensors:          CPU model buffer size =    35.16 MiB",
        "llama_context:        CPU  output buffer size =     0.50 MiB",
        "llama_kv_cache:        CPU KV buffer size =     0.00 MiB",
        "llama_kv_cache: size =    4.00 MiB (  4096 cells,   2 layers,  1/1 seqs), K (f16):    "
        "2.00 MiB, V (f16):    2.00 MiB",
        "llama_kv_cache: size =    1.00 MiB (   512 cells,   6 layers,  1/1 seqs), K (f16):    "
        "0.50 MiB, V (f16):    0.50 MiB",
        "llama_memory_recurrent: size =    0.25 MiB (     1 cells,   8 layers,  1 seqs  0 rs_seq), "
        "R (f32):    0.04 MiB, S (f32):    0.21 MiB, P (f32):    0.00 MiB",
        "sched_reserve:        CPU compute buffer size =    99.00 MiB",
        "sched_reserve:        CPU compute buffer size =    10.50 MiB",
        "sched_reserve:      CUDA0 compute buffer size =     2.00 MiB"};
    const LoggedMemory memory = memory_in_log(lines);
    constexpr uint64_t kMiB = 1 << 20;
    EXPECT_EQ(memory.context.keys_values, 5 * kMiB);
    EXPECT_EQ(memory.context.recurrent, kMiB / 4);
    EXPECT_EQ(memory.context.output, kMiB / 2);
    EXPECT_EQ(memory.context.compute, 12 * kMiB + kMiB / 2);
    EXPECT_NEAR(static_cast<double>(memory.weights), 35.16 * kMiB, 1);
    EXPECT_TRUE(memory.has_compute);
    EXPECT_FALSE(memory_in_log({}).has_compute);
}

TEST(SimulateLoading, NeedsTheHeaderAlone) {
    const auto folder = fresh_folder("load_memory_header");
    const auto cut = folder / "header.gguf";
    constexpr size_t kHeader = 140'000;
    std::string bytes(kHeader, '\0');
    std::ifstream(tiny_moe(), std::ios::binary).read(bytes.data(), kHeader);
    std::ofstream(cut, std::ios::binary) << bytes;
    std::filesystem::resize_file(cut, std::filesystem::file_size(tiny_moe()));
    const LoadShape shape{.contexts = {512, 4096}};
    const auto of_header = simulated(cut, shape);
    const auto of_file = simulated(tiny_moe(), shape);
    ASSERT_EQ(of_header.size(), 2U);
    for (size_t i = 0; i < 2; ++i) {
        EXPECT_EQ(of_header[i].total(), of_file[i].total());
        EXPECT_EQ(of_header[i].tokens, shape.contexts[i]);
    }
}

TEST(SimulateLoading, IsTheClosedFormOfAttentionAndDeltaNets) {
    const auto memory = simulated(tiny_moe(), {.contexts = {4096}}).front();
    constexpr uint64_t kLayers = 2, kHeads = 2, kHead = 64, kHalf = 2;
    EXPECT_EQ(memory.keys_values, kLayers * 2 * kHeads * kHead * kHalf * 4096);
    constexpr uint64_t kRecurrent = 6 * 4 * (256 * 64 + 3 * 512);
    EXPECT_NEAR(static_cast<double>(memory.recurrent), kRecurrent, 0.005 * (1 << 20));
}

TEST(SimulateLoading, TellsTheLayersFromTheLogits) {
    const auto memory = simulated(tiny_moe(), {.contexts = {512}}).front();
    constexpr uint64_t kLogits = 4096 * 512 * 4;
    EXPECT_GT(memory.compute, kLogits);
    EXPECT_LT(memory.layers_compute, memory.compute);
    EXPECT_GT(memory.layers_compute, 256U * 512 * 4);  // one row of each token
}

TEST(SimulateLoading, RefusesKeysWhoseBlocksDoNotDivideAHead) {
    // heads of 16: half a block of q8_0
    TinyModel model = tiny_model("llama");
    model.keys.emplace_back("attention.head_count", 8);
    model.keys.emplace_back("attention.head_count_kv", 4);
    model.keys.emplace_back("attention.key_length", 16);
    model.keys.emplace_back("attention.value_length", 16);
    model.keys.emplace_back("rope.dimension_count", 16);
    const auto path = fresh_folder("load_memory_heads") / "model.gguf";
    write_tiny_model(model, GGML_TYPE_F16, 1, path);
    EXPECT_NO_THROW(simulated(path, {.contexts = {512}}));
    try {
        simulated(path, {.contexts = {512}, .key_type = "q8_0", .value_type = "q8_0"});
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kInput);
        EXPECT_NE(std::string(error.what()).find("does not divide"), std::string::npos)
            << error.what();
    }
}

}  // namespace
}  // namespace bitgauge
