#include <cstring>

#include <gtest/gtest.h>

#include "bitgauge/error.h"
#include "bitgauge/gguf.h"

#include "base/files.h"
#include "gguf/data.h"
#include "gguf/gguf_test_support.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

void expect_input_error(const fs::path& path, const std::string& word) {
    try {
        GgufFile::open(path);
        FAIL() << path << " was opened; expected '" << word << "'";
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kInput) << error.what();
        EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
        EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
        EXPECT_FALSE(error.hint().empty()) << error.what();
    }
}

// Writes `bytes` as a file and expects it to be refused with `word` in the message.
void expect_refused(std::string_view bytes, const std::string& word) {
    const fs::path path = fs::temp_directory_path() / "bitgauge_gguf_test_refused.gguf";
    write_plainly(path, bytes);
    expect_input_error(path, word);
}

std::string small_model() {
    const fs::path path = fresh_folder("small") / "small.gguf";
    write_small_model(path);
    return read_text_file(path);
}

template <class T>
std::string with(std::string bytes, size_t at, T value) {
    std::memcpy(bytes.data() + at, &value, sizeof(value));
    return bytes;
}

TEST(GgufFile, TellsWhatTheHeaderSays) {
    const fs::path path = fresh_folder("tells") / "small.gguf";
    write_small_model(path);
    const GgufFile file = GgufFile::open(path);
    EXPECT_EQ(file.version(), 3U);
    EXPECT_EQ(file.architecture(), "tiny");
    EXPECT_EQ(file.parameters(), 24U);
    EXPECT_EQ(file.tensor_bytes(), 96U);
    EXPECT_EQ(file.vocabulary(), 3U);
    EXPECT_EQ(file.file_bytes(), fs::file_size(path));
    ASSERT_NE(file.find_tensor("output_norm.weight"), nullptr);
    EXPECT_EQ(file.find_tensor("output_norm.weight")->shape, std::vector<uint64_t>{8});
    EXPECT_EQ(file.find_tensor("blk.0.attn_q.weight")->type, "f32");
    EXPECT_EQ(file.find_tensor("absent"), nullptr);
    EXPECT_EQ(file.keys().back().value, "[3 strings]");
}

TEST(GgufFile, TruncatedAtAnyByteIsAnInputError) {
    const std::string whole = small_model();
    for (size_t size = 0; size < whole.size(); ++size) {
        expect_refused(whole.substr(0, size), size == 0  ? "empty"
                                              : size < 4 ? "GGUF"
                                                         : "truncated");
    }
}

TEST(GgufFile, AnyFlippedByteOpensOrIsAnInputError) {
    const std::string whole = small_model();
    const fs::path path = fresh_folder("flipped") / "a.gguf";
    for (size_t at = 0; at < whole.size(); ++at) {
        std::string broken = whole;
        broken[at] = static_cast<char>(~broken[at]);
        write_plainly(path, broken);
        try {
            GgufFile::open(path);
        } catch (const Error& error) {
            EXPECT_EQ(error.kind(), ErrorKind::kInput) << "byte " << at << ": " << error.what();
        }
    }
}

TEST(GgufFile, TruncatedTensorDataNamesBothSizes) {
    const std::string whole = small_model();
    expect_refused(whole.substr(0, whole.size() - 1), "promises " + std::to_string(whole.size()) +
                                                          " bytes, the file has " +
                                                          std::to_string(whole.size() - 1));
}

TEST(GgufFile, AHeaderAloneIsEnoughWhereItSaysSo) {
    const fs::path path = fresh_folder("header") / "a.gguf";
    const std::string whole = small_model();
    write_plainly(path, whole);
    EXPECT_TRUE(GgufFile::open_header(path).has_data());
    const uint64_t data = GgufFile::open(path).tensors().front().offset;
    for (size_t size = 0; size <= whole.size(); ++size) {
        write_plainly(path, whole.substr(0, size));
        if (size < data) {
            EXPECT_THROW(GgufFile::open_header(path), Error) << size;
            continue;
        }
        const GgufFile file = GgufFile::open_header(path);
        EXPECT_EQ(file.has_data(), size == whole.size());
        EXPECT_EQ(file.parameters(), 24U);
    }
}

TEST(GgufFile, AnotherFormatIsNamedByItsFirstBytes) {
    expect_refused(std::string("PK\x03\x04 and so on", 14), R"(begins with 'PK\x03\x04')");
    expect_refused("version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer");
}

TEST(GgufFile, OtherVersionsAreRefusedByNumber) {
    const std::string whole = small_model();
    expect_refused(with<uint32_t>(whole, 4, 1), "version 1");
    expect_refused(with<uint32_t>(whole, 4, 4), "version 4");
    expect_refused(with<uint32_t>(whole, 4, 0x03000000), "big endian");
}

TEST(GgufFile, HostileCountsAllocateNothing) {
    const std::string whole = small_model();
    constexpr size_t kTensors = 8;
    constexpr size_t kKeys = 16;
    constexpr size_t kFirstKeyLength = 24;
    for (const uint64_t count : {uint64_t{1} << 20U, uint64_t{1} << 40U, ~uint64_t{0}}) {
        expect_refused(with(whole, kTensors, count), "truncated");
        expect_refused(with(whole, kKeys, count), "truncated");
        expect_refused(with(whole, kFirstKeyLength, count), "truncated");
    }
    const size_t array = whole.find("tokenizer.ggml.tokens") + 21 + 4 + 4;  // its element count
    expect_refused(with(whole, array, ~uint64_t{0} / 8 + 2), "truncated");
}

TEST(GgufFile, WhatGgmlRefusesIsTheMessage) {
    const std::string whole = small_model();
    const size_t type = whole.find("output_norm.weight") + 18 + 4 + 8;
    expect_refused(with<uint32_t>(whole, type, 999), "invalid ggml type 999");
}

TEST(GgufFile, ATensorNamedTwiceIsRefused) {
    const fs::path path = fresh_folder("twice") / "a.gguf";
    const std::vector<float> values = counting(8);
    GgufWriter writer;
    writer.add_tensor("w1", kF32, std::vector<uint64_t>{8}, std::as_bytes(std::span(values)));
    writer.add_tensor("w2", kF32, std::vector<uint64_t>{8}, std::as_bytes(std::span(values)));
    writer.write(path);
    std::string bytes = read_text_file(path);
    expect_refused(bytes.replace(bytes.find("w2"), 2, "w1"), "duplicate tensor name 'w1'");
}

TEST(GgufFile, TheTokenizerHashIgnoresWhatOnlyGenerationUses) {
    const fs::path folder = fresh_folder("tokenizer");
    const auto hash_with = [&folder](const std::string& last, uint32_t padding) {
        GgufWriter writer;
        writer.set_text("tokenizer.ggml.model", "gpt2");
        writer.set_texts("tokenizer.ggml.tokens", std::vector<std::string>{"a", last});
        writer.set_u32("tokenizer.ggml.padding_token_id", padding);
        writer.write(folder / "t.gguf");
        return GgufFile::open(folder / "t.gguf").tokenizer_hash();
    };
    EXPECT_EQ(hash_with("b", 0), hash_with("b", 1));
    EXPECT_NE(hash_with("b", 0), hash_with("c", 0));
}

// --- shards
// ---------------------------------------------------------------------------------------

void write_shard(const fs::path& path, uint16_t index, uint16_t count, const std::string& tensor,
                 int32_t tensors_in_all) {
    static const std::vector<float> values = counting(8);
    GgufWriter writer;
    writer.set_text("general.architecture", "tiny");
    writer.set_u16("split.no", index);
    writer.set_u16("split.count", count);
    writer.set_u32("split.tensors.count", static_cast<uint32_t>(tensors_in_all));
    writer.add_tensor(tensor, kF32, std::vector<uint64_t>{8}, std::as_bytes(std::span(values)));
    writer.write(path);
}

fs::path split_model(const std::string& name) {
    const fs::path folder = fresh_folder(name);
    write_shard(folder / "m-00001-of-00002.gguf", 0, 2, "a", 2);
    write_shard(folder / "m-00002-of-00002.gguf", 1, 2, "b", 2);
    return folder;
}

// The small model with another type of a tensor in its table.
std::string with_type(std::string bytes, const std::string& tensor, size_t dimensions, int type) {
    const size_t at = bytes.find(tensor) + tensor.size() + 4 + 8 * dimensions;
    std::memcpy(bytes.data() + at, &type, sizeof(type));
    return bytes;
}

TEST(IkModel, ATypeThatGgmlDoesNotKnowIsReadWithItsSize) {
    const fs::path path = fresh_folder("ik") / "ik.gguf";
    write_plainly(path, with_type(small_model(), "blk.0.attn_q.weight", 2, 230));
    const GgufFile file = GgufFile::open(path);
    ASSERT_EQ(file.tensors().size(), 2U);
    EXPECT_EQ(file.tensors()[0].type, "bf16_r16");
    EXPECT_EQ(file.tensors()[0].bytes, 8U * 2 * 2);
    EXPECT_EQ(file.tensors()[0].shape, (std::vector<uint64_t>{8, 2}));
    EXPECT_EQ(file.tensors()[1].type, "f32");
    EXPECT_EQ(file.architecture(), "tiny");
    EXPECT_EQ(file.vocabulary(), 3U);
}

TEST(IkModel, RowsThatAreNoWholeBlocksAreRefused) {
    expect_refused(with_type(small_model(), "blk.0.attn_q.weight", 2, 139), "no whole blocks");
}

TEST(IkModel, ATypeThatNobodyKnowsIsRefused) {
    const std::string ik = with_type(small_model(), "blk.0.attn_q.weight", 2, 230);
    expect_refused(with_type(ik, "output_norm.weight", 1, 999), "type 999, which nobody knows");
}

TEST(SplitModel, IsReadAsOneFile) {
    const GgufFile file = GgufFile::open(split_model("split") / "m-00001-of-00002.gguf");
    EXPECT_EQ(file.shards().size(), 2U);
    EXPECT_EQ(file.parameters(), 16U);
    EXPECT_EQ(file.find_tensor("b")->shard, 1U);
    EXPECT_EQ(GgufData(file).tensor_bytes("b").size(), 32U);
    EXPECT_EQ(identify_model(file, true).content_hash.size(), 32U);
}

TEST(SplitModel, AnotherShardThanTheFirstSaysWhichToOpen) {
    const fs::path folder = split_model("second");
    try {
        GgufFile::open(folder / "m-00002-of-00002.gguf");
        FAIL();
    } catch (const Error& error) {
        EXPECT_NE(error.hint().find("m-00001-of-00002.gguf"), std::string::npos) << error.hint();
    }
}

TEST(SplitModel, AMissingShardIsNamed) {
    const fs::path folder = split_model("missing");
    fs::remove(folder / "m-00002-of-00002.gguf");
    expect_input_error(folder / "m-00001-of-00002.gguf", "shard 2 of 2 is missing");
}

TEST(SplitModel, AShardOfAnotherSplitIsOutOfPlace) {
    const fs::path folder = split_model("out_of_place");
    write_shard(folder / "m-00002-of-00002.gguf", 0, 2, "b", 2);
    expect_input_error(folder / "m-00001-of-00002.gguf", "says it is shard 1 of 2");
}

TEST(SplitModel, ARenamedShardIsRefused) {
    const fs::path folder = split_model("renamed");
    fs::rename(folder / "m-00001-of-00002.gguf", folder / "m.gguf");
    expect_input_error(folder / "m.gguf", "not named so");
}

TEST(SplitModel, ATensorInTwoShardsIsADuplicate) {
    const fs::path folder = split_model("duplicate");
    write_shard(folder / "m-00002-of-00002.gguf", 1, 2, "a", 2);
    expect_input_error(folder / "m-00001-of-00002.gguf", "more than one shard");
}

TEST(SplitModel, APromisedTensorThatNoShardHoldsIsMissed) {
    const fs::path folder = split_model("count");
    write_shard(folder / "m-00001-of-00002.gguf", 0, 2, "a", 3);
    expect_input_error(folder / "m-00001-of-00002.gguf", "promises 3 tensors");
}

}  // namespace
}  // namespace bitgauge
