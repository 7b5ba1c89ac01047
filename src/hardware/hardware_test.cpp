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

TEST(EvaluationMemory, HoldsTheWeightsAndGrowsWithTokens) {
    const GgufFile model =
        GgufFile::open(fs::path(BITGAUGE_TEST_DATA) / "babyllama105/babyllama105-f32.gguf");
    const EvaluationMemory small = evaluation_memory(model, 64, 1, 64);
    const EvaluationMemory large = evaluation_memory(model, 512, 4, 512);
    EXPECT_EQ(small.weights, model.tensor_bytes());
    EXPECT_GT(large.context, small.context * 31);
    EXPECT_GT(large.compute, small.compute * 7);
    EXPECT_EQ(large.total(), large.weights + large.context + large.compute);
}

}  // namespace
}  // namespace bitgauge
