#include <fstream>

#include <gtest/gtest.h>

#include "bitgauge/error.h"
#include "bitgauge/gguf.h"

#include "base/files.h"
#include "base/hash.h"
#include "gguf/checksum.h"
#include "gguf/gguf_test_support.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

GgufWriter small_file(const std::vector<float>& values) {
    GgufWriter writer;
    writer.set_text("general.architecture", "tiny");
    writer.add_tensor("w", kF32, std::vector<uint64_t>{values.size()},
                      std::as_bytes(std::span(values)));
    return writer;
}

TEST(GgufChecksum, IsTheHashOfAllBytesBefore) {
    const fs::path path = fresh_folder("checksum") / "a.gguf";
    const std::vector<float> values = counting(7);
    GgufWriter writer = small_file(values);
    writer.end_with_checksum();
    writer.write(path);
    const std::string bytes = read_text_file(path);
    EXPECT_EQ(bytes.size(), writer.layout().file_bytes);
    EXPECT_EQ(bytes.substr(bytes.size() - 32), hash_text(bytes.substr(0, bytes.size() - 32)));
    EXPECT_TRUE(checksum_holds(path));
}

TEST(GgufChecksum, IsATensorToWhoeverDoesNotKnowIt) {
    const fs::path path = fresh_folder("checksum_tensor") / "a.gguf";
    const std::vector<float> values = counting(7);
    GgufWriter writer = small_file(values);
    writer.end_with_checksum();
    writer.write(path);
    const GgufFile file = GgufFile::open(path);
    ASSERT_EQ(file.tensors().size(), 2U);
    EXPECT_EQ(file.tensors()[1].name, kChecksumTensor);
    EXPECT_EQ(file.tensors()[1].bytes, kChecksumBytes);
}

TEST(GgufChecksum, OfAFileWithoutOneDoesNotHold) {
    const fs::path folder = fresh_folder("checksum_absent");
    const std::vector<float> values = counting(7);
    small_file(values).write(folder / "a.gguf");
    write_plainly(folder / "empty", "");
    EXPECT_FALSE(checksum_holds(folder / "a.gguf"));
    EXPECT_FALSE(checksum_holds(folder / "empty"));
    EXPECT_THROW(checksum_holds(folder / "nothing"), Error);
}

}  // namespace
}  // namespace bitgauge
