#include "importance/importance_sums.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "bitgauge/error.h"
#include "bitgauge/gguf.h"

#include "base/files.h"
#include "gguf/data.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

fs::path fresh_file(const std::string& name) {
    const fs::path folder = fs::temp_directory_path() / "bitgauge_importance_sums_test";
    fs::create_directories(folder);
    fs::remove(folder / name);
    return folder / name;
}

// q and k share an input; three experts of two channels, the last one without a token; a tensor of
// two matrices with one count.
ImportanceSums example() {
    ImportanceSums sums;
    sums.groups = {
        {.channels = 3, .matrices = 1, .sums = {1.5, 2.25, 1e-3}, .counts = {7}},
        {.channels = 2, .matrices = 3, .sums = {4, 9, 0.1, 0.3, 0, 0}, .counts = {2, 3, 0}},
        {.channels = 2, .matrices = 2, .sums = {1, 2, 3, 4}, .counts = {5}},
    };
    sums.tensors = {{"blk.0.attn_q.weight", 0},
                    {"blk.0.attn_k.weight", 0},
                    {"blk.0.ffn_up_exps.weight", 1},
                    {"blk.0.attn_k_b.weight", 2}};
    sums.datasets = {"calibration.txt"};
    sums.chunks = 4;
    sums.chunk_size = 2;
    sums.made = {.bitgauge = "0.5.0",
                 .llama = "0.5.0 (abc)",
                 .model = "tiny.gguf",
                 .model_hash = "00ff",
                 .protocol = "documents",
                 .pass = "1234",
                 .texts = {{"calibration.txt", "calibration", "aa", 3}},
                 .strata = {{"calibration", 3, 4, 7}}};
    return sums;
}

// One tensor by the name "w".
ImportanceSums single(std::vector<double> sums, std::vector<int64_t> counts) {
    ImportanceSums one;
    const uint64_t matrices = counts.size();
    one.groups = {{.channels = sums.size() / matrices,
                   .matrices = matrices,
                   .sums = std::move(sums),
                   .counts = std::move(counts)}};
    one.tensors = {{"w", 0}};
    one.chunks = 1;
    one.chunk_size = 512;
    return one;
}

std::string refusal(ErrorKind kind, const auto& act) {
    try {
        act();
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), kind);
        return error.what();
    }
    return "";
}

std::vector<uint64_t> shape_of(const GgufFile& file, const std::string& tensor) {
    const TensorInfo* found = file.find_tensor(tensor);
    return found == nullptr ? std::vector<uint64_t>() : found->shape;
}

TEST(ImportanceFile, HasTheLayoutOfLlamaImatrix) {
    const fs::path path = fresh_file("layout.gguf");
    write_importance(path, example(), ImportanceFormat::kGguf);
    const GgufFile file = GgufFile::open(path);
    EXPECT_EQ(file.text("general.type"), "imatrix");
    EXPECT_EQ(read_texts(file, "imatrix.datasets"), std::vector<std::string>{"calibration.txt"});
    EXPECT_EQ(file.integer("imatrix.chunk_count"), 4);
    EXPECT_EQ(file.integer("imatrix.chunk_size"), 2);
    std::vector<std::string> names;
    for (const TensorInfo& tensor : file.tensors()) {
        names.push_back(tensor.name);
        EXPECT_EQ(tensor.type, "f32");
    }
    EXPECT_EQ(names, (std::vector<std::string>{
                         "blk.0.attn_k.weight.in_sum2", "blk.0.attn_k.weight.counts",
                         "blk.0.attn_k_b.weight.in_sum2", "blk.0.attn_k_b.weight.counts",
                         "blk.0.attn_q.weight.in_sum2", "blk.0.attn_q.weight.counts",
                         "blk.0.ffn_up_exps.weight.in_sum2", "blk.0.ffn_up_exps.weight.counts"}));
    EXPECT_EQ(shape_of(file, "blk.0.ffn_up_exps.weight.in_sum2"), (std::vector<uint64_t>{2, 3}));
    EXPECT_EQ(shape_of(file, "blk.0.ffn_up_exps.weight.counts"), (std::vector<uint64_t>{1, 3}));
    EXPECT_EQ(shape_of(file, "blk.0.attn_k_b.weight.in_sum2"), std::vector<uint64_t>{4});
    EXPECT_EQ(shape_of(file, "blk.0.attn_k_b.weight.counts"), std::vector<uint64_t>{1});
}

TEST(ImportanceFile, IsReadBackAsMeans) {
    const fs::path path = fresh_file("means.gguf");
    write_importance(path, example(), ImportanceFormat::kGguf);
    const Importance read = Importance::read(path);
    ASSERT_EQ(read.entries().size(), 4U);
    EXPECT_EQ(read.mean_squares(*read.find("blk.0.ffn_up_exps.weight"), UnseenExperts::kPlain),
              (std::vector<float>{2.0F, 4.5F, 0.1F / 3.0F, 0.3F / 3.0F, 1.0F, 1.0F}));
    EXPECT_EQ(read.find("blk.0.ffn_up_exps.weight")->counts, (std::vector<int64_t>{2, 3, 0}));
    EXPECT_EQ(read.chunk_size(), 2U);
    EXPECT_EQ(read.made().model_hash, "00ff");
    ASSERT_EQ(read.made().texts.size(), 1U);
    EXPECT_EQ(read.made().texts[0].content_hash, "aa");
    ASSERT_EQ(read.made().strata.size(), 1U);
    EXPECT_EQ(read.made().strata[0].tokens, 7U);
}

void expect_equal(const ImportanceSums& a, const ImportanceSums& b) {
    ASSERT_EQ(a.tensors.size(), b.tensors.size());
    for (const auto& [tensor, group] : b.tensors) {
        ASSERT_TRUE(a.tensors.contains(tensor)) << tensor;
        EXPECT_EQ(a.of(tensor).channels, b.of(tensor).channels) << tensor;
        EXPECT_EQ(a.of(tensor).matrices, b.of(tensor).matrices) << tensor;
        EXPECT_EQ(a.of(tensor).sums, b.of(tensor).sums) << tensor;
        EXPECT_EQ(a.of(tensor).counts, b.of(tensor).counts) << tensor;
    }
    EXPECT_EQ(a.datasets, b.datasets);
    EXPECT_EQ(a.chunks, b.chunks);
    EXPECT_EQ(a.chunk_size, b.chunk_size);
    EXPECT_EQ(a.made.pass, b.made.pass);
    EXPECT_EQ(a.made.llama, b.made.llama);
}

TEST(ImportanceCheckpoint, KeepsEveryBitAndWhoShares) {
    const fs::path path = fresh_file("checkpoint.gguf");
    ImportanceSums sums = example();
    sums.groups[0].sums = {1.0 / 3, 1e300, 5e-324};
    sums.groups[0].counts = {(int64_t{1} << 40) + 1};
    write_importance(path, sums, ImportanceFormat::kCheckpoint);
    const ImportanceSums read = read_importance_sums(path);
    expect_equal(read, sums);
    EXPECT_EQ(read.tensors.at("blk.0.attn_q.weight"), read.tensors.at("blk.0.attn_k.weight"));
    EXPECT_NE(refusal(ErrorKind::kInput, [&] { Importance::read(path); }).find("is a checkpoint"),
              std::string::npos);
}

TEST(ImportanceFile, OfTheOlderFormatHasMeansTimesWindows) {
    // 7 rows in windows of 2: 4 windows; experts with 3 rows at most: 2 windows
    const fs::path path = fresh_file("older.dat");
    write_importance(path, example(), ImportanceFormat::kOlder);
    const Importance read = Importance::read(path);
    EXPECT_FALSE(read.is_gguf());
    EXPECT_EQ(read.chunks(), 4);
    EXPECT_EQ(read.datasets(), std::vector<std::string>{"calibration.txt"});
    EXPECT_EQ(read.find("blk.0.attn_q.weight")->counts, std::vector<int64_t>{4});
    const ImportanceEntry& experts = *read.find("blk.0.ffn_up_exps.weight");
    EXPECT_EQ(experts.counts, std::vector<int64_t>{2});
    EXPECT_EQ(read.mean_squares(experts, UnseenExperts::kPlain),
              (std::vector<float>{2.0F, 4.5F, 0.1F / 3.0F, 0.3F / 3.0F, 1.0F, 1.0F}));
}

TEST(ImportanceFile, OfTheOlderFormatLeavesOutWhatNoTokenReached) {
    const fs::path path = fresh_file("older_unseen.dat");
    ImportanceSums sums = example();
    sums.groups[1].counts = {0, 0, 0};
    write_importance(path, sums, ImportanceFormat::kOlder);
    EXPECT_EQ(Importance::read(path).find("blk.0.ffn_up_exps.weight"), nullptr);
    EXPECT_NE(refusal(ErrorKind::kInput,
                      [&] {
                          write_importance(path, single({1, 2}, {0}), ImportanceFormat::kOlder);
                      })
                  .find("no tensor has importance"),
              std::string::npos);
}

TEST(ImportanceFile, IsNotWrittenWithSumsThatSinglePrecisionCannotHold) {
    const fs::path path = fresh_file("large.gguf");
    EXPECT_NE(refusal(ErrorKind::kNotFinite,
                      [&] {
                          write_importance(path, single({1, 1e39}, {1}), ImportanceFormat::kGguf);
                      })
                  .find("of 'w' is 1e+39"),
              std::string::npos);
    EXPECT_FALSE(fs::exists(path));
    EXPECT_NE(
        refusal(ErrorKind::kInput, [&] { write_importance(path, {}, ImportanceFormat::kGguf); }),
        "");
}

TEST(ImportanceSums, OfAnOlderFileAreMeansTimesTokensOfItsWindows) {
    const fs::path path = fresh_file("older_sums.dat");
    write_importance(path, single({1024, 2048}, {1024}), ImportanceFormat::kOlder);
    const ImportanceSums read = read_importance_sums(path);
    EXPECT_EQ(read.of("w").sums, (std::vector<double>{1024, 2048}));
    EXPECT_EQ(read.of("w").counts, std::vector<int64_t>{1024});
    EXPECT_EQ(read.chunk_size, 512U);
}

TEST(ImportanceMerge, IsPlainAdditionInAnyOrder) {
    // thirds in single precision, as files have them
    const auto third = [](double x) { return static_cast<double>(static_cast<float>(x / 3)); };
    const ImportanceSums parts[] = {single({third(1), third(10)}, {3}),
                                    single({third(100), third(7)}, {4}),
                                    single({third(0.01), third(5)}, {5})};
    ImportanceSums forward = parts[0];
    merge(forward, parts[1], "b");
    merge(forward, parts[2], "c");
    ImportanceSums backward = parts[2];
    merge(backward, parts[0], "a");
    merge(backward, parts[1], "b");
    EXPECT_EQ(forward.of("w").sums, backward.of("w").sums);
    EXPECT_EQ(forward.of("w").sums[1], third(10) + third(7) + third(5));
    EXPECT_EQ(forward.of("w").counts, std::vector<int64_t>{12});
    EXPECT_EQ(forward.chunks, 3);
    EXPECT_EQ(forward.chunk_size, 512U);
}

TEST(ImportanceMerge, KeepsTensorsOfOneAndDividesGroupsThatPart) {
    ImportanceSums a = example();
    ImportanceSums b = example();
    b.groups.push_back(b.groups[0]);
    b.groups.back().sums[0] += 1;
    b.tensors["blk.0.attn_k.weight"] = 3;
    b.tensors["output.weight"] = 0;
    b.tensors.erase("blk.0.attn_k_b.weight");
    merge(a, b, "b");
    EXPECT_EQ(a.of("blk.0.attn_q.weight").sums[0], 3.0);
    EXPECT_EQ(a.of("blk.0.attn_k.weight").sums[0], 4.0);
    EXPECT_EQ(a.of("output.weight").sums[0], 1.5);
    EXPECT_EQ(a.of("blk.0.attn_k_b.weight").counts, std::vector<int64_t>{5});
    EXPECT_EQ(a.of("blk.0.ffn_up_exps.weight").counts, (std::vector<int64_t>{4, 6, 0}));
    EXPECT_EQ(a.datasets.size(), 2U);
    EXPECT_EQ(a.made.model_hash, "00ff");
    EXPECT_EQ(a.made.pass, "");
    ASSERT_EQ(a.made.strata.size(), 1U);
    EXPECT_EQ(a.made.strata[0].tokens, 14U);
}

TEST(ImportanceMerge, TakesOneCountForAllExpertsAsEachOnes) {
    ImportanceSums experts = single({1, 2, 3, 4}, {5, 6});
    merge(experts, single({1, 1, 1, 1}, {10}), "older");
    ImportanceSums older = single({1, 1, 1, 1}, {10});
    merge(older, single({1, 2, 3, 4}, {5, 6}), "experts");
    for (const ImportanceSums& merged : {experts, older}) {
        EXPECT_EQ(merged.of("w").sums, (std::vector<double>{2, 3, 4, 5}));
        EXPECT_EQ(merged.of("w").counts, (std::vector<int64_t>{15, 16}));
        EXPECT_EQ(merged.of("w").channels, 2U);
        EXPECT_EQ(merged.of("w").matrices, 2U);
    }
}

TEST(ImportanceMerge, CountsWindowsOfSeveralSizesInACommonOne) {
    ImportanceSums a = single({1}, {1});
    ImportanceSums b = single({1}, {1});
    b.chunk_size = 2048;
    b.chunks = 3;
    merge(a, b, "b");
    EXPECT_EQ(a.chunk_size, 512U);
    EXPECT_EQ(a.chunks, 1 + 4 * 3);
}

TEST(ImportanceMerge, RefusesOtherShapesAndOtherModels) {
    ImportanceSums into = single({1, 2}, {1});
    EXPECT_EQ(refusal(ErrorKind::kInput,
                      [&] {
                          merge(into, single({1, 2, 3}, {1}), "b.gguf");
                      }),
              "'b.gguf' has 3 values for 'w', expected 2");
    ImportanceSums experts = single({1, 2, 3, 4, 5, 6}, {1, 2});
    EXPECT_EQ(refusal(ErrorKind::kInput,
                      [&] {
                          merge(experts, single({1, 2, 3, 4, 5, 6}, {1, 2, 3}), "b.gguf");
                      }),
              "'b.gguf' has 3 counts for 'w', expected 2");
    ImportanceSums other = single({1, 2}, {1});
    other.tensors = {{"v", 0}};
    EXPECT_NE(refusal(ErrorKind::kInput, [&] { merge(into, other, "b.gguf"); })
                  .find("is of another model: none of its 1 tensors"),
              std::string::npos);
    EXPECT_EQ(into.of("w").sums, (std::vector<double>{1, 2}));
}

TEST(ImportanceSums, OfADamagedFileAreRefused) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    std::string bytes;
    const auto put = [&](const auto& value) {
        bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
    };
    for (const int32_t number : {1, 1}) put(number);
    bytes += "w";
    for (const int32_t number : {1, 2}) put(number);
    for (const float value : {1.0F, nan}) put(value);
    const fs::path path = fresh_file("nan.dat");
    write_file_atomically(path, bytes);
    EXPECT_NE(refusal(ErrorKind::kNotFinite, [&] { read_importance_sums(path); })
                  .find("channel 1 of 'w'"),
              std::string::npos);
    EXPECT_NO_THROW(Importance::read(path, BadNumbers::kKeep));
}

}  // namespace
}  // namespace bitgauge
