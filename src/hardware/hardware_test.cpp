#include "bitgauge/hardware.h"

#include <fstream>

#include <gtest/gtest.h>

#include "hardware/memory_room.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

// A root with files of our own.
class Root {
  public:
    explicit Root(const std::string& name)
        : path_(fs::temp_directory_path() / ("bitgauge_hardware_test_" + name)) {
        fs::remove_all(path_);
        put("proc/meminfo", "MemTotal:       1000 kB\nMemAvailable:    800 kB\n");
    }
    ~Root() { fs::remove_all(path_); }

    void put(const std::string& where, const std::string& text) const {
        fs::create_directories((path_ / where).parent_path());
        std::ofstream(path_ / where) << text;
    }
    const fs::path& path() const { return path_; }

  private:
    fs::path path_;
};

TEST(MemoryRoom, IsTheMachinesWhereNothingLimits) {
    const Root root("plain");
    EXPECT_EQ(memory_room(root.path()).bytes, 800U * 1024);
    EXPECT_EQ(memory_room(root.path()).bound_by, "the machine");
}

TEST(MemoryRoom, OfAGroupLeavesOutCachedFiles) {
    const Root root("version_1");
    root.put("proc/self/cgroup", "9:cpu:/x\n4:memory:/box/inner\n0::/\n");
    root.put("sys/fs/cgroup/memory/box/inner/memory.limit_in_bytes", "300000");
    root.put("sys/fs/cgroup/memory/box/inner/memory.usage_in_bytes", "200000");
    root.put("sys/fs/cgroup/memory/box/inner/memory.stat", "cache 1\ntotal_inactive_file 150000\n");
    EXPECT_EQ(memory_room(root.path()).bytes, 250000U);
    EXPECT_EQ(memory_room(root.path()).bound_by, "a limit on this process's group");
}

TEST(MemoryRoom, IsTheLeastOfAllGroupsAbove) {
    const Root root("version_2");
    root.put("proc/self/cgroup", "0::/box/inner\n");
    root.put("sys/fs/cgroup/box/inner/memory.max", "max");
    root.put("sys/fs/cgroup/box/inner/memory.current", "10");
    root.put("sys/fs/cgroup/box/memory.max", "5000");
    root.put("sys/fs/cgroup/box/memory.current", "4000");
    root.put("sys/fs/cgroup/box/memory.stat", "inactive_file 0\n");
    EXPECT_EQ(memory_room(root.path()).bytes, 1000U);
}

TEST(MemoryRoom, IsUnboundedWhereNobodySays) {
    EXPECT_EQ(memory_room("/nowhere").bytes, UINT64_MAX);
}

TEST(MemoryRoom, OfThisMachineIsSomething) {
    EXPECT_GT(available_memory().bytes, 0U);
}

GgufFile baby_llama() {
    return GgufFile::open(fs::path(BITGAUGE_TEST_DATA) / "babyllama105/babyllama105-f32.gguf");
}

// Eight layers of width 256: six with gated delta nets, two with attention; eight experts, two
// used.
GgufFile tiny_moe() {
    return GgufFile::open(fs::path(BITGAUGE_TEST_DATA) / "../../data/tinymoe/tinymoe-BF16.gguf");
}

TEST(EvaluationMemory, HoldsTheWeightsAndGrowsWithTokens) {
    const GgufFile model = baby_llama();
    const EvaluationMemory small = evaluation_memory(model, 64, 1, 64);
    const EvaluationMemory large = evaluation_memory(model, 512, 4, 512);
    EXPECT_EQ(small.weights, model.tensor_bytes());
    EXPECT_EQ(large.keys_values, small.keys_values * 32);
    EXPECT_EQ(large.compute, small.compute * 8);
    EXPECT_EQ(large.scores, small.scores * 64);
    EXPECT_EQ(large.recurrent, 0U);
    EXPECT_EQ(large.total(), large.weights + large.context() + large.compute + large.scores);
}

TEST(EvaluationMemory, HasKeysAndValuesInLayersWithAttentionOnly) {
    const EvaluationMemory memory = evaluation_memory(tiny_moe(), 1000, 3, 64);
    constexpr uint64_t kHeads = 2, kHead = 64, kBytes = 2;
    EXPECT_EQ(memory.keys_values, 2 * (2 * kHeads * kHead * kBytes) * 3000);
    constexpr uint64_t kState = 256 * 64, kConvolution = 3 * 512;
    EXPECT_EQ(memory.recurrent, 6 * 4 * (kState + kConvolution) * 3);
}

TEST(DecodedWeightBytes, AreOneRowOfEmbeddingsAndTheExpertsInUse) {
    const GgufFile model = tiny_moe();
    constexpr uint64_t kEmbeddings = 4096 * 256 * 2, kExperts = 8 * 3 * 8 * 256 * 256 * 2;
    const uint64_t expected = model.tensor_bytes() - kEmbeddings + 512 - kExperts * 6 / 8;
    EXPECT_EQ(decoded_weight_bytes(model, {}), expected);
    EXPECT_EQ(decoded_weight_bytes(model, {{"blk.0.ffn_up_exps.weight", "q8_0"}}),
              expected - 2 * 256 * 256 * 2 + 2 * 256 * (256 / 32 * 34));
}

TEST(DecodedWeights, AreThoseThatAProductOrALookUpTouches) {
    const auto weights = decoded_weights(tiny_moe());
    EXPECT_EQ(weights.at("token_embd.weight"), 256U);
    EXPECT_EQ(weights.at("output.weight"), 4096U * 256U);
    EXPECT_EQ(weights.at("blk.0.ffn_up_exps.weight"), 2U * 256U * 256U);
    EXPECT_EQ(decoded_weights(baby_llama()).at("token_embd.weight"),
              baby_llama().find_tensor("token_embd.weight")->elements());
}

TEST(DecodedWeightBytes, OfATiedHeadAreAllEmbeddings) {
    const GgufFile model = baby_llama();
    ASSERT_EQ(model.find_tensor("output.weight"), nullptr);
    EXPECT_EQ(decoded_weight_bytes(model, {}), model.tensor_bytes());
}

TEST(ReadBandwidth, IsWhatAMachineCanHave) {
    const ReadBandwidth read = read_bandwidth(1, 1);
    EXPECT_GE(read.bytes, uint64_t{256} << 20);
    EXPECT_GT(read.bytes_per_second, 1e8);
    EXPECT_LT(read.bytes_per_second, 1e12);
}

}  // namespace
}  // namespace bitgauge
