#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "bitgauge/importance.h"

#include "gguf/writer.h"

#include "importance/importance_sums.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

constexpr const char* kExperts = "blk.3.ffn_up_exps.weight";
constexpr const char* kDense = "blk.3.attn_q.weight";

fs::path folder() {
    const fs::path path = fs::temp_directory_path() / "bitgauge_importance_audit_test";
    fs::create_directories(path);
    return path;
}

// `experts` matrices of `channels` inputs, and a dense one.
GgufFile model_of(uint64_t channels, uint64_t experts) {
    const std::vector<float> values(channels * 2 * experts);
    const auto bytes = std::as_bytes(std::span(values));
    GgufWriter writer;
    writer.add_tensor(kExperts, 0, std::vector<uint64_t>{channels, 2, experts}, bytes);
    writer.add_tensor(kDense, 0, std::vector<uint64_t>{channels, 2},
                      bytes.first(channels * 2 * sizeof(float)));
    writer.write(folder() / "model.gguf");
    return GgufFile::open(folder() / "model.gguf");
}

// A tensor with one count per matrix.
ImportanceSums sums_of(const std::string& tensor, std::vector<double> sums,
                       std::vector<int64_t> counts) {
    ImportanceSums all;
    const uint64_t matrices = counts.size();
    all.groups = {{.channels = sums.size() / matrices,
                   .matrices = matrices,
                   .sums = std::move(sums),
                   .counts = std::move(counts)}};
    all.tensors = {{tensor, 0}};
    return all;
}

Importance file_of(const ImportanceSums& sums) {
    const fs::path path = folder() / "imatrix.gguf";
    write_importance(path, sums, ImportanceFormat::kGguf);
    return Importance::read(path);
}

TEST(ImportanceCoverage, TellsRowsSharesAndRareExperts) {
    const GgufFile model = model_of(1, 4);
    const Importance file = file_of(sums_of(kExperts, {1, 1, 1, 0}, {600, 300, 12, 0}));
    const auto audit = audit_importance(file, model, {kExperts});
    ASSERT_EQ(audit.coverage.size(), 1U);
    EXPECT_EQ(audit.coverage[0].all_rows, 912);
    EXPECT_EQ(audit.coverage[0].rows, (std::vector<int64_t>{600, 300, 12, 0}));
    const auto rare = rare_experts(audit.coverage, 100);
    ASSERT_EQ(rare.size(), 2U);
    EXPECT_EQ(rare[0].tensor, kExperts);
    EXPECT_EQ(rare[0].expert, 2U);
    EXPECT_EQ(rare[0].rows, 12);
    EXPECT_DOUBLE_EQ(rare[0].share, 12.0 / 912);
    EXPECT_EQ(rare[1].expert, 3U);
    EXPECT_TRUE(rare_experts(audit.coverage, 0).empty());
}

TEST(ImportanceCoverage, OfEvenRoutingHasAsManyEffectiveRowsAsRows) {
    const GgufFile model = model_of(1, 4);
    const auto even = audit_importance(file_of(sums_of(kExperts, {1, 1, 1, 1}, {25, 25, 25, 25})),
                                       model, {kExperts});
    EXPECT_DOUBLE_EQ(even.coverage[0].effective_rows, 100);
    // 1/10 + 1/90 = 1/9: 2^2 * 9
    const auto uneven = audit_importance(file_of(sums_of(kExperts, {1, 1, 0, 0}, {10, 90, 0, 0})),
                                         model, {kExperts});
    EXPECT_DOUBLE_EQ(uneven.coverage[0].effective_rows, 36);
}

TEST(ImportanceCoverage, OfOneCountHasNoRareExperts) {
    const GgufFile model = model_of(2, 1);
    const auto audit = audit_importance(file_of(sums_of(kDense, {1, 1}, {3})), model, {kDense});
    EXPECT_EQ(audit.coverage[0].effective_rows, 3);
    EXPECT_TRUE(rare_experts(audit.coverage, 100).empty());
}

TEST(ImportanceEnergy, OfEqualChannelsIsSpreadOverAllAndOfOneInOne) {
    const GgufFile model = model_of(200, 2);
    std::vector<double> sums(400, 8);         // expert 0: E = 4 everywhere
    std::fill_n(sums.begin() + 200, 200, 0);  // expert 1: one channel
    sums[200 + 17] = 6;                       // E = 2, the mean 0.01
    const auto contents = inspect_contents(file_of(sums_of(kExperts, sums, {2, 3})), model);
    ASSERT_EQ(contents.energy.size(), 1U);
    const ImportanceEnergy& energy = contents.energy[0];
    EXPECT_EQ(energy.role, "ffn_up_exps");
    EXPECT_EQ(energy.channels, 200U);
    EXPECT_NEAR(energy.mean_square, (4 + 0.01) / 2, 1e-12);
    EXPECT_NEAR(energy.top_share, (2.0 / 200 + 1) / 2, 1e-12);  // the top 2 of 200
    EXPECT_NEAR(energy.effective_channels, (200.0 + 1) / 2, 1e-9);
    EXPECT_EQ(energy.silent, 199U);
    EXPECT_TRUE(contents.bad.empty());
}

TEST(ImportanceEnergy, PassesOverExpertsWithoutRows) {
    const GgufFile model = model_of(4, 2);
    const auto contents =
        inspect_contents(file_of(sums_of(kExperts, {1, 1, 1, 1, 0, 0, 0, 0}, {1, 0})), model);
    EXPECT_EQ(contents.energy[0].effective_channels, 4);
    EXPECT_EQ(contents.energy[0].silent, 0U);
}

struct Concentration {
    double top = 0;
    double effective = 0;
};

Concentration by_sorting(std::vector<float> values) {
    std::sort(values.rbegin(), values.rend());
    const auto top = static_cast<size_t>(std::ceil(static_cast<double>(values.size()) / 100));
    double all = 0;
    double squares = 0;
    double largest = 0;
    for (size_t i = 0; i < values.size(); ++i) {
        const auto e = static_cast<double>(values[i]);
        all += e;
        squares += e * e;
        if (i < top) largest += e;
    }
    return {largest / all, all * all / squares};
}

TEST(ImportanceEnergy, IsWhatSortingGives) {
    std::mt19937 random(11);
    std::lognormal_distribution<float> lognormal(0, 2);
    for (const uint64_t channels : {1, 2, 99, 100, 101, 1234}) {
        const GgufFile model = model_of(channels, 3);
        std::vector<double> sums(channels * 3);
        for (double& sum : sums) sum = static_cast<double>(lognormal(random));
        Concentration expected;
        for (size_t expert = 0; expert < 3; ++expert) {
            const auto begin = sums.begin() + static_cast<ptrdiff_t>(expert * channels);
            const auto one = by_sorting({begin, begin + static_cast<ptrdiff_t>(channels)});
            expected.top += one.top / 3;
            expected.effective += one.effective / 3;
        }
        const auto contents = inspect_contents(file_of(sums_of(kExperts, sums, {5, 6, 7})), model);
        EXPECT_NEAR(contents.energy[0].top_share, expected.top, 1e-12) << channels;
        EXPECT_NEAR(contents.energy[0].effective_channels / expected.effective, 1, 1e-12);
    }
}

TEST(ImportanceContents, CountBadValuesWhereAFileIsKept) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const GgufFile model = model_of(3, 2);
    const std::vector<float> sums = {1, 2, 3, 4, nan, -1};
    const std::vector<float> counts = {1, 1};
    GgufWriter writer;
    const std::string name = kExperts;
    writer.add_tensor(name + ".in_sum2", 0, std::vector<uint64_t>{3, 2},
                      std::as_bytes(std::span(sums)));
    writer.add_tensor(name + ".counts", 0, std::vector<uint64_t>{1, 2},
                      std::as_bytes(std::span(counts)));
    writer.write(folder() / "bad.gguf");
    const auto file = Importance::read(folder() / "bad.gguf", BadNumbers::kKeep);
    const auto contents = inspect_contents(file, model);
    ASSERT_EQ(contents.bad.size(), 1U);
    EXPECT_EQ(contents.bad[0].values, 2U);
    EXPECT_EQ(contents.bad[0].matrix, 1U);
    EXPECT_EQ(contents.bad[0].channel, 1U);
    EXPECT_TRUE(std::isnan(contents.bad[0].value));
    // (1 + 2 + 3) / 3 and 4 / 3
    EXPECT_NEAR(contents.energy[0].mean_square, (2 + 4.0 / 3) / 2, 1e-12);
}

TEST(ImportanceContents, OfAnOlderFileAreSplitByTheModelsExperts) {
    const GgufFile model = model_of(2, 2);
    ImportanceSums sums = sums_of(kExperts, {1, 1, 0, 5}, {1, 1});
    sums.chunk_size = 1;
    write_importance(folder() / "older.dat", sums, ImportanceFormat::kOlder);
    const auto contents = inspect_contents(Importance::read(folder() / "older.dat"), model);
    EXPECT_EQ(contents.energy[0].channels, 2U);
    EXPECT_EQ(contents.energy[0].effective_channels, 1.5);
}

}  // namespace
}  // namespace bitgauge
