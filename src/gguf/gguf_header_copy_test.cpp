#include <cstring>

#include <gtest/gtest.h>

#include "bitgauge/error.h"
#include "bitgauge/gguf.h"

#include "base/files.h"
#include "gguf/data.h"
#include "gguf/gguf_test_support.h"
#include "gguf/header_copy.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

// The small model with its data on multiples of 64, which ggml's writer does not make by itself:
// a number of the header changed, and zeros where the data then begin.
void write_aligned_to_64(const fs::path& path) {
    const fs::path plain = path.parent_path() / "plain.gguf";
    GgufWriter writer;
    writer.set_text("general.architecture", "tiny");
    writer.set_u32("general.alignment", 32);
    const std::vector<float> values = counting(16);
    writer.add_tensor("w", kF32, std::vector<uint64_t>{16}, std::as_bytes(std::span(values)));
    const std::vector<std::byte> header = writer.layout().header;
    writer.write(plain);
    std::string bytes = read_text_file(plain);
    const size_t key = bytes.find("general.alignment") + std::strlen("general.alignment") + 4;
    bytes[key] = 64;
    bytes.insert(header.size(), (64 - header.size() % 64) % 64, '\0');
    write_plainly(path, bytes);
}

std::vector<std::byte> bytes_of(const fs::path& path, const std::string& tensor) {
    const GgufData data(GgufFile::open(path));
    const auto bytes = data.tensor_bytes(tensor);
    return {bytes.begin(), bytes.end()};
}

TEST(GgufHeaderCopy, ATextChangesAndTheTensorsStay) {
    const fs::path folder = fresh_folder("header_copy");
    write_small_model(folder / "a.gguf");
    const GgufFile file = GgufFile::open(folder / "a.gguf");
    const std::string longer(10000, 'x');
    const std::string hash = write_with_texts(
        file, {{"tokenizer.chat_template", longer}, {"general.architecture", "small"}},
        folder / "b.gguf", silent_progress());
    const GgufFile copy = GgufFile::open(folder / "b.gguf");
    EXPECT_EQ(copy.text("tokenizer.chat_template"), longer);
    EXPECT_EQ(copy.architecture(), "small");
    EXPECT_EQ(copy.integer("general.file_type"), 0);
    EXPECT_EQ(copy.shape_hash(), file.shape_hash());
    EXPECT_EQ(hash.size(), 32U);
    for (const TensorInfo& tensor : file.tensors()) {
        EXPECT_EQ(bytes_of(folder / "b.gguf", tensor.name),
                  bytes_of(folder / "a.gguf", tensor.name));
    }
}

TEST(GgufHeaderCopy, AnotherAlignmentStays) {
    const fs::path folder = fresh_folder("header_copy_alignment");
    write_aligned_to_64(folder / "a.gguf");
    const GgufFile file = GgufFile::open(folder / "a.gguf");
    ASSERT_EQ(file.tensors()[0].offset % 64, 0U);
    write_with_texts(file, {{"note", "a text of some length"}}, folder / "b.gguf",
                     silent_progress());
    const GgufFile copy = GgufFile::open(folder / "b.gguf");
    EXPECT_EQ(copy.integer("general.alignment"), 64);
    EXPECT_EQ(copy.tensors()[0].offset % 64, 0U);
    EXPECT_EQ(bytes_of(folder / "b.gguf", "w"), bytes_of(folder / "a.gguf", "w"));
}

TEST(GgufHeaderCopy, AFileIsNeverReplacedByItsCopy) {
    const fs::path folder = fresh_folder("header_copy_self");
    write_small_model(folder / "a.gguf");
    const GgufFile file = GgufFile::open(folder / "a.gguf");
    EXPECT_THROW(write_with_texts(file, {}, folder / "a.gguf", silent_progress()), Error);
    EXPECT_THROW(write_with_texts(file, {{"k", std::string("a\0b", 3)}}, folder / "b.gguf",
                                  silent_progress()),
                 Error);
    EXPECT_FALSE(fs::exists(folder / "b.gguf"));
}

}  // namespace
}  // namespace bitgauge
