#include "quantize/type_errors.h"

#include <cmath>
#include <filesystem>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"

#include "gguf/writer.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

std::vector<float> random_weights(size_t n) {
    std::mt19937 random(7);
    std::normal_distribution<float> normal;
    std::vector<float> values(n);
    for (float& value : values) value = normal(random);
    return values;
}

// One tensor "blk.0.ffn_up.weight" in F32.
class ErrorsOf : public testing::Test {
  protected:
    ErrorsOf()
        : path_(fs::temp_directory_path() / "bitgauge_type_errors_test.gguf"),
          values_(random_weights(256 * 64)) {
        GgufWriter writer;
        writer.add_tensor("blk.0.ffn_up.weight", find_type("f32")->id,
                          std::vector<uint64_t>{256, 64}, std::as_bytes(std::span(values_)));
        writer.write(path_);
    }
    ~ErrorsOf() override { fs::remove(path_); }

    TypeErrors measure(const std::vector<std::string>& types, uint64_t most = 1U << 20U) const {
        const GgufFile file = GgufFile::open(path_);
        return TypeErrorMeter(file, nullptr, most, 1).measure("blk.0.ffn_up.weight", types);
    }

    // By the definition, in one go.
    double relative_error(const std::string& type) const {
        const QType& t = *find_type(type);
        std::vector<std::byte> bytes(64 * t.row_bytes(256));
        encode_rows(t.id, values_, 256, {}, bytes);
        std::vector<float> decoded(values_.size());
        decode_row(t.id, bytes, decoded);
        double error = 0, energy = 0;
        for (size_t i = 0; i < values_.size(); ++i) {
            error += std::pow(static_cast<double>(decoded[i]) - values_[i], 2);
            energy += std::pow(static_cast<double>(values_[i]), 2);
        }
        return error / energy;
    }

    fs::path path_;
    std::vector<float> values_;
};

TEST_F(ErrorsOf, AreTheMeanSquareOfWhatEncodingLoses) {
    const TypeErrors errors = measure({"q8_0", "q4_K", "q2_K"});
    EXPECT_EQ(errors.rows, 64U);
    for (const char* type : {"q8_0", "q4_K", "q2_K"}) {
        EXPECT_NEAR(errors.relative.at(type), relative_error(type), 1e-9) << type;
    }
    EXPECT_EQ(errors.relative.at("f32"), 0);
}

TEST_F(ErrorsOf, OfNormalWeightsAreAsPublished) {
    const TypeErrors errors = measure({"q8_0", "q4_K"});
    EXPECT_NEAR(errors.relative.at("q8_0"), 2.9e-5, 0.2e-5);
    EXPECT_NEAR(errors.relative.at("q4_K"), 5.0e-3, 0.5e-3);
}

TEST_F(ErrorsOf, ALargeTensorAreThoseOfEvenlySpreadRows) {
    const TypeErrors some = measure({"q4_K"}, 16 * 256);
    EXPECT_EQ(some.rows, 16U);
    EXPECT_NEAR(some.relative.at("q4_K") / relative_error("q4_K"), 1, 0.1);
}

TEST_F(ErrorsOf, TypesThatNeedImportanceAreLeftOutWithoutIt) {
    const TypeErrors errors = measure({"iq2_xxs", "q4_K"});
    EXPECT_FALSE(errors.relative.contains("iq2_xxs"));
    EXPECT_TRUE(errors.relative.contains("q4_K"));
}

TEST_F(ErrorsOf, AnUnknownTensorIsRefused) {
    const GgufFile file = GgufFile::open(path_);
    const std::vector<std::string> types{"q4_K"};
    EXPECT_THROW(TypeErrorMeter(file, nullptr, 1, 1).measure("nothing", types), Error);
}

}  // namespace
}  // namespace bitgauge
