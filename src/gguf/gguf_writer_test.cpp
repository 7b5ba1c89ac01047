#include <cstring>

#include <gtest/gtest.h>

#include "bitgauge/error.h"
#include "bitgauge/gguf.h"

#include "gguf/data.h"
#include "gguf/gguf_test_support.h"
#include "gguf/writer.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

TEST(GgufWriter, WhatIsWrittenIsReadBack) {
    const fs::path path = fresh_folder("round_trip") / "a.gguf";
    GgufWriter writer;
    writer.set_text("t", "text");
    writer.set_u32("u", 4000000000U);
    writer.set_u64("big", 1ULL << 40U);
    writer.set_f32("f", 0.1F);
    writer.set_f64("d", 0.1);
    writer.set_flag("yes", true);
    writer.set_texts("names", std::vector<std::string>{"one", ""});
    writer.set_array("i", std::vector<int32_t>{-1, 2});
    writer.set_array("x", std::vector<float>{0.5F});
    writer.set_array("none", std::vector<uint32_t>{});
    const std::vector<float> values = counting(6);
    writer.add_tensor("w", kF32, std::vector<uint64_t>{3, 2}, std::as_bytes(std::span(values)));
    writer.write(path);

    EXPECT_EQ(fs::file_size(path), writer.layout().file_bytes);
    const GgufFile file = GgufFile::open(path);
    EXPECT_EQ(file.text("t"), "text");
    EXPECT_EQ(file.integer("u"), 4000000000);
    EXPECT_EQ(file.integer("big"), int64_t{1} << 40);
    EXPECT_EQ(file.number("f"), static_cast<double>(0.1F));
    EXPECT_EQ(file.number("d"), 0.1);
    EXPECT_EQ(file.number("u"), 4e9);
    EXPECT_EQ(file.flag("yes"), true);
    EXPECT_EQ(read_texts(file, "names"), (std::vector<std::string>{"one", ""}));
    EXPECT_EQ(read_integers(file, "i"), (std::vector<int64_t>{-1, 2}));
    EXPECT_EQ(read_numbers(file, "x"), std::vector<double>{0.5});
    EXPECT_EQ(read_integers(file, "none"), std::vector<int64_t>{});
    const GgufData data(file);
    ASSERT_EQ(data.tensor_bytes("w").size(), 24U);
    EXPECT_EQ(std::memcmp(data.tensor_bytes("w").data(), values.data(), 24), 0);
}

TEST(GgufWriter, AKeyOfAnotherTypeIsNotThere) {
    const fs::path path = fresh_folder("types") / "a.gguf";
    write_small_model(path);
    const GgufFile file = GgufFile::open(path);
    EXPECT_EQ(file.integer("general.architecture"), std::nullopt);
    EXPECT_EQ(file.text("general.file_type"), std::nullopt);
    EXPECT_EQ(file.flag("absent"), std::nullopt);
    EXPECT_EQ(read_integers(file, "tokenizer.ggml.tokens"), std::nullopt);
    EXPECT_EQ(read_texts(file, "absent"), std::nullopt);
}

TEST(GgufWriter, BytesAreAskedForOneTensorAfterTheOther) {
    const fs::path path = fresh_folder("streamed") / "a.gguf";
    GgufWriter writer;
    std::vector<float> buffer(8);
    for (const float value : {1.0F, 2.0F}) {
        const auto produce = [&buffer, value] {
            std::fill(buffer.begin(), buffer.end(), value);
            return std::span<const std::byte>(std::as_bytes(std::span(buffer)));
        };
        writer.add_tensor(std::to_string(value), kF32, std::vector<uint64_t>{8}, produce);
    }
    writer.write(path);
    const GgufFile file = GgufFile::open(path);
    const GgufData data(file);
    float first = 0;
    std::memcpy(&first, data.tensor_bytes(file.tensors()[1]).data(), sizeof(first));
    EXPECT_EQ(first, 2.0F);
}

void expect_refused(const std::function<void(GgufWriter&)>& act, const std::string& word) {
    const fs::path path = fresh_folder("refused") / "a.gguf";
    GgufWriter writer;
    try {
        act(writer);
        writer.write(path);
        FAIL() << "accepted; expected '" << word << "'";
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kInput);
        EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
    }
    EXPECT_TRUE(fs::is_empty(path.parent_path()));
}

TEST(GgufWriter, RefusesWhatNoReaderWouldTake) {
    static const std::vector<std::byte> bytes(64);
    const auto add = [](const std::string& name, int type, std::vector<uint64_t> shape) {
        return [=](GgufWriter& writer) { writer.add_tensor(name, type, shape, bytes); };
    };
    constexpr int kQ8_0 = 8;
    expect_refused(add(std::string(64, 'x'), kF32, {16}), "name has 64 bytes");
    expect_refused(add("w", 999, {16}), "no type 999");
    expect_refused(add("w", kF32, {}), "0 dimensions");
    expect_refused(add("w", kQ8_0, {48}), "no whole blocks of 32");
    expect_refused(add("w", kF32, {8}), "64 bytes, expected 32");
    expect_refused(
        [&](GgufWriter& writer) {
            add("w", kF32, {16})(writer);
            add("w", kF32, {16})(writer);
        },
        "name is taken");
}

}  // namespace
}  // namespace bitgauge
