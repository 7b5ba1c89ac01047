#include "quantize/original_scan.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "bitgauge/qtype.h"

#include "base/hash.h"
#include "gguf/writer.h"
#include "qtype/validate.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

constexpr float kNoLimit = std::numeric_limits<float>::max();

fs::path fresh_folder(const std::string& name) {
    const fs::path folder = fs::temp_directory_path() / ("bitgauge_scan_test_" + name);
    fs::remove_all(folder);
    fs::create_directories(folder);
    return folder;
}

std::vector<std::byte> encoded(int type_id, const std::vector<float>& values) {
    std::vector<std::byte> bytes(type_by_id(type_id)->row_bytes(values.size()));
    encode_rows(type_id, values, values.size(), {}, bytes);
    return bytes;
}

// One tensor of `values` in `type`, scanned.
OriginalScan scan_of(const std::string& test, const char* type, const std::vector<float>& values,
                     float limit, uint32_t threads = 2) {
    const fs::path path = fresh_folder(test) / "model.gguf";
    const int id = find_type(type)->id;
    const auto bytes = encoded(id, values);
    GgufWriter writer;
    writer.add_tensor("w", id, std::vector<uint64_t>{values.size()}, bytes);
    writer.write(path);
    return scan_original(GgufFile::open(path), {limit}, threads, silent_progress());
}

class ScanOfAFloatType : public testing::TestWithParam<const char*> {};

TEST_P(ScanOfAFloatType, FindsNothingInOrdinaryWeights) {
    std::vector<float> values(512);
    for (size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<float>(i));
    const TensorScan scan = scan_of("good", GetParam(), values, 65504).tensors[0];
    EXPECT_TRUE(scan.good());
    EXPECT_NEAR(scan.largest, 1.0F, 0.01F);
}

TEST_P(ScanOfAFloatType, CountsWhatIsNoNumber) {
    std::vector<float> values(512, 0.5F);
    values[3] = std::numeric_limits<float>::quiet_NaN();
    values[500] = -std::numeric_limits<float>::infinity();
    values[501] = std::numeric_limits<float>::infinity();
    const TensorScan scan = scan_of("bad", GetParam(), values, kNoLimit).tensors[0];
    EXPECT_EQ(scan.nan, 1U);
    EXPECT_EQ(scan.infinite, 2U);
    EXPECT_EQ(scan.too_large, 0U);
    EXPECT_FLOAT_EQ(scan.largest, 0.5F);
}

TEST_P(ScanOfAFloatType, CountsWhatIsBeyondTheLimit) {
    std::vector<float> values(512, 0.5F);
    values[77] = -4096;
    EXPECT_EQ(scan_of("large", GetParam(), values, 1024).tensors[0].too_large, 1U);
    EXPECT_EQ(scan_of("at_limit", GetParam(), values, 4096).tensors[0].too_large, 0U);
}

INSTANTIATE_TEST_SUITE_P(Types, ScanOfAFloatType, testing::Values("f32", "f16", "bf16"));

TEST(OriginalScan, LooksThroughTheScalesOfBlocks) {
    std::vector<float> values(512, 0.5F);
    values[77] = -4096;
    EXPECT_EQ(scan_of("q8", "q8_0", values, 1024).tensors[0].too_large, 1U);
}

TEST(OriginalScan, FindsOneValueAmongManyPieces) {
    std::vector<float> values(3'000'000, 0.5F);
    values[2'999'999] = std::numeric_limits<float>::quiet_NaN();
    values[1'048'575] = 1e30F;
    const TensorScan scan = scan_of("pieces", "f32", values, 65504).tensors[0];
    EXPECT_EQ(scan.nan, 1U);
    EXPECT_EQ(scan.too_large, 1U);
    EXPECT_EQ(describe(scan, 65504), "1 NaN, 1 beyond 65,504 (up to 1e+30)");
}

TEST(OriginalScan, HashesTheFileAsIdentitiesDo) {
    const auto scan = scan_of("hash", "f32", std::vector<float>(2'000'000, 1.0F), kNoLimit, 1);
    const fs::path path = fs::temp_directory_path() / "bitgauge_scan_test_hash/model.gguf";
    EXPECT_EQ(scan.content_hash, identify_model(GgufFile::open(path), true).content_hash);
}

TEST(OriginalScan, TheLimitOfATypeCanBeEncoded) {
    for (const QType& type : all_types()) {
        if (!type.quantized || type.name == "q8_1" || type.name == "q8_K") continue;
        const float limit = largest_encodable(type.id, false);
        std::vector<float> values(512, 0.25F);
        values[300] = limit;
        values[301] = -limit;
        const std::vector<float> importance(512, 1.0F);
        std::vector<std::byte> bytes(type.row_bytes(512));
        encode_rows(type.id, values, 512, importance, bytes);
        EXPECT_TRUE(rows_are_finite(type.id, bytes)) << type.name;
    }
}

}  // namespace
}  // namespace bitgauge
