// Sizes of Qwen3.5-35B-A3B: what presets give against what their makers publish. To accept a change
// of tests/golden/recipes/sizes.tsv, run with BITGAUGE_UPDATE_GOLDEN=1 and review the diff.

#include <array>
#include <cstdlib>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/units.h"

#include "recipe/recipe_testing.h"

namespace bitgauge {
namespace {

struct PublishedSize {
    const char* recipe;
    double gib;  // 2^30 bytes, of the whole file
    double tolerance;
};

// Unsloth's table of 2026-02-27, the makers' cards, and for mainline llama.cpp's own size of the
// tensors. Files are 0.01 GiB larger than their tensors (vocabulary).
constexpr double kClose = 0.0015;
constexpr std::array kPublished = {
    PublishedSize{"AesSedai-IQ3_S", 12.65, kClose},
    PublishedSize{"AesSedai-IQ4_XS", 16.40, kClose},
    PublishedSize{"AesSedai-Q4_K_M", 20.62, kClose},
    PublishedSize{"AesSedai-Q5_K_M", 24.45, kClose},
    PublishedSize{"ubergarm-Q4_0", 19.79, kClose},
    PublishedSize{"noctrex-MXFP4_MOE_BF16", 20.55, kClose},
    PublishedSize{"noctrex-MXFP4_MOE_F16", 20.55, kClose},
    PublishedSize{"IQ4_XS", 17.43, kClose},
    PublishedSize{"Q4_K_M", 19.70, kClose},
    // Known in part only.
    PublishedSize{"Unsloth-MXFP4_MOE", 18.17, 0.005},
    PublishedSize{"Unsloth-UD-Q4_K_XL-old", 18.34, 0.01},
};

std::string size_table() {
    const ModelHeader model = real_model("qwen3.5-35b-a3b");
    std::string table = "recipe\tpublished_gib\ttensors_gib\tdifference_percent\ttensor_bytes\n";
    for (const PublishedSize& size : kPublished) {
        const Resolution resolution = resolve(model, *find_preset(size.recipe), true);
        const double gib = static_cast<double>(resolution.tensor_bytes) / kGiB;
        EXPECT_NEAR(gib / size.gib, 1.0, size.tolerance) << size.recipe;
        table += fmt::format("{}\t{:.2f}\t{:.3f}\t{:+.3f}\t{}\n", size.recipe, size.gib, gib,
                             100 * (gib / size.gib - 1), resolution.tensor_bytes);
    }
    return table;
}

TEST(PresetSize, IsThePublishedOne) {
    const auto path = std::filesystem::path(BITGAUGE_GOLDEN) / "sizes.tsv";
    const std::string table = size_table();
    if (std::getenv("BITGAUGE_UPDATE_GOLDEN") != nullptr) write_file_atomically(path, table);
    EXPECT_EQ(table, read_text_file(path));
}

TEST(PresetSize, TheModelIsTheOneThatWasPublished) {
    const ModelHeader model = real_model("qwen3.5-35b-a3b");
    uint64_t weights = 0;
    for (const TensorInfo& tensor : model.tensors) weights += tensor.elements();
    EXPECT_EQ(model.tensors.size(), 733U);
    EXPECT_EQ(weights, 34'660'610'688U);
}

}  // namespace
}  // namespace bitgauge
