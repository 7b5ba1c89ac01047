#include <filesystem>

#include <gtest/gtest.h>

#include "bitgauge/recipe.h"

#include "gguf/writer.h"

namespace bitgauge {
namespace {

// A model of one matrix whose header says what `set_keys` does.
template <class SetKeys>
ModelHeader written_header(SetKeys set_keys) {
    const auto path = std::filesystem::temp_directory_path() / "bitgauge_recipe_header.gguf";
    const std::vector<std::byte> bytes(4 * 32);
    const std::vector<uint64_t> shape = {32};
    GgufWriter writer;
    writer.set_text("general.architecture", "llama");
    set_keys(writer);
    writer.add_tensor("output_norm.weight", 0, shape, bytes);
    writer.write(path);
    return model_header(GgufFile::open(path));
}

TEST(ModelHeader, FiguresOfADamagedHeaderAreHeldInBounds) {
    const std::vector<uint64_t> heads = {uint64_t{1} << 63U};
    const ModelHeader model = written_header([&](GgufWriter& writer) {
        writer.set_array("llama.attention.head_count", heads);
        writer.set_i32("llama.attention.head_count_kv", -1);
        writer.set_u64("llama.expert_count", UINT64_MAX / 2);
        writer.set_u64("llama.block_count", UINT64_MAX / 2);
    });
    EXPECT_EQ(model.heads, 0);
    EXPECT_EQ(model.kv_heads, 0);
    EXPECT_EQ(model.experts, 1'000'000);
    EXPECT_EQ(model.layers, 1'000'000);
    EXPECT_NO_THROW(resolve(model, *find_preset("Q2_K"), false));  // asks for heads per kv head
}

TEST(ModelHeader, KeyValueHeadsAreTheHeadsWhereNoneAreSaid) {
    const ModelHeader model = written_header(
        [](GgufWriter& writer) { writer.set_u32("llama.attention.head_count", 16); });
    EXPECT_EQ(model.heads, 16);
    EXPECT_EQ(model.kv_heads, 16);
}

}  // namespace
}  // namespace bitgauge
