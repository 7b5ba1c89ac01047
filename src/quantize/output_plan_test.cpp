#include "quantize/output_plan.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "bitgauge/error.h"

#include "gguf/writer.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

constexpr int kF32 = 0;
constexpr int kQ80 = 8;

GgufFile model(const std::string& test, const std::vector<std::string>& names) {
    const fs::path folder = fs::temp_directory_path() / ("bitgauge_plan_test_" + test);
    fs::remove_all(folder);
    fs::create_directories(folder);
    static const std::vector<float> values(64, 1.0F);
    GgufWriter writer;
    writer.set_text("general.architecture", "tiny");
    for (const std::string& name : names) {
        writer.add_tensor(name, kF32, std::vector<uint64_t>{32, 2},
                          std::as_bytes(std::span(values)));
    }
    writer.write(folder / "model.gguf");
    return GgufFile::open(folder / "model.gguf");
}

TypeOfTensor all_of(const GgufFile& file, int type) {
    TypeOfTensor types;
    for (const TensorInfo& tensor : file.tensors()) types[tensor.name] = type;
    return types;
}

std::vector<std::string> names_in(const OutputFile& file) {
    std::vector<std::string> names;
    for (const OutputTensor& tensor : file.tensors) names.push_back(tensor.source->name);
    return names;
}

TEST(OutputPlan, OrdersByLayerAndThenByName) {
    const GgufFile original = model("order", {"output.weight", "blk.10.a.weight", "blk.2.b.weight",
                                              "blk.2.a.weight", "a.weight"});
    const auto plan = plan_output(original, all_of(original, kF32), {.out = "x.gguf"}, nullptr, "");
    ASSERT_EQ(plan.size(), 1U);
    EXPECT_EQ(names_in(plan[0]),
              (std::vector<std::string>{"a.weight", "output.weight", "blk.2.a.weight",
                                        "blk.2.b.weight", "blk.10.a.weight"}));
}

TEST(OutputPlan, KnowsTheSizeToTheByte) {
    const GgufFile original = model("size", {"a.weight", "b.weight"});
    const auto plan = plan_output(original, all_of(original, kQ80), {.out = "x.gguf"}, nullptr, "");
    const uint64_t tensor = 2 * 34;  // rows of one block of q8_0
    const uint64_t padded = 96;
    EXPECT_EQ(plan[0].tensors[0].bytes, tensor);
    EXPECT_EQ(plan[0].tensors[0].offset, plan[0].header.size());
    EXPECT_EQ(plan[0].tensors[1].offset, plan[0].header.size() + padded);
    EXPECT_EQ(plan[0].bytes, plan[0].header.size() + 2 * padded);
}

TEST(OutputPlan, StartsAShardBeforeItGrowsTooLarge) {
    const GgufFile original = model("split", {"a", "b", "c", "d", "e"});
    const auto plan = plan_output(original, all_of(original, kQ80),
                                  {.out = "dir/x.gguf", .split_max_bytes = 200}, nullptr, "");
    ASSERT_EQ(plan.size(), 3U);
    EXPECT_EQ(names_in(plan[0]), (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(names_in(plan[2]), std::vector<std::string>{"e"});
    EXPECT_EQ(plan[1].path, fs::path("dir/x-00002-of-00003.gguf"));
}

TEST(OutputPlan, RefusesTwoWaysOfSplittingAtOnce) {
    const GgufFile original = model("two", {"a"});
    EXPECT_THROW(plan_output(original, all_of(original, kF32),
                             {.out = "x", .keep_split = true, .split_max_bytes = 1}, nullptr, ""),
                 Error);
}

}  // namespace
}  // namespace bitgauge
