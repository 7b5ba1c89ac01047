#include "bitgauge/importance.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "bitgauge/error.h"

#include "base/files.h"
#include "gguf/writer.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

fs::path fresh_folder(const std::string& name) {
    const fs::path folder = fs::temp_directory_path() / ("bitgauge_importance_test_" + name);
    fs::remove_all(folder);
    fs::create_directories(folder);
    return folder;
}

struct Entry {
    std::string tensor;
    uint64_t channels;
    std::vector<float> sums;
    std::vector<float> counts;
};

fs::path write_gguf(const std::string& test, const std::vector<Entry>& entries) {
    const fs::path path = fresh_folder(test) / "imatrix.gguf";
    GgufWriter writer;
    writer.set_text("general.type", "imatrix");
    writer.set_texts("imatrix.datasets", std::vector<std::string>{"a.txt", "b.txt"});
    writer.set_u32("imatrix.chunk_count", 7);
    writer.set_u32("imatrix.chunk_size", 512);
    for (const Entry& e : entries) {
        const std::vector<uint64_t> sums = {e.channels, e.sums.size() / e.channels};
        writer.add_tensor(e.tensor + ".in_sum2", 0, sums, std::as_bytes(std::span(e.sums)));
        writer.add_tensor(e.tensor + ".counts", 0, std::vector<uint64_t>{1, e.counts.size()},
                          std::as_bytes(std::span(e.counts)));
    }
    writer.write(path);
    return path;
}

void put(std::string& bytes, int32_t number) {
    bytes.append(reinterpret_cast<const char*>(&number), sizeof(number));
}

std::string older_entry(const std::string& tensor, int32_t calls,
                        const std::vector<float>& values) {
    std::string bytes;
    put(bytes, static_cast<int32_t>(tensor.size()));
    bytes += tensor;
    put(bytes, calls);
    put(bytes, static_cast<int32_t>(values.size()));
    bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
    return bytes;
}

fs::path write_bytes(const std::string& test, const std::string& bytes) {
    const fs::path path = fresh_folder(test) / "imatrix.dat";
    write_file_atomically(path, bytes);
    return path;
}

std::string refusal(const fs::path& path, ErrorKind kind = ErrorKind::kInput) {
    try {
        Importance::read(path);
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), kind);
        return error.what();
    }
    return "";
}

TEST(Importance, IsSumsOverCountsPerExpert) {
    const auto path = write_gguf("means", {{"w", 2, {2, 4, 9, 3}, {2, 3}}});
    const Importance importance = Importance::read(path);
    ASSERT_NE(importance.find("w"), nullptr);
    EXPECT_EQ(importance.find("w")->values, 4U);
    EXPECT_EQ(importance.mean_squares(*importance.find("w"), UnseenExperts::kPlain),
              (std::vector<float>{1, 2, 3, 1}));
    EXPECT_EQ(importance.datasets(), (std::vector<std::string>{"a.txt", "b.txt"}));
    EXPECT_EQ(importance.chunks(), 7);
    EXPECT_EQ(importance.find("v"), nullptr);
}

TEST(Importance, GivesAnUnseenExpertWhatIsAskedFor) {
    const auto path = write_gguf("unseen", {{"w", 2, {2, 4, 0, 0, 9, 3}, {1, 0, 3}}});
    const Importance importance = Importance::read(path);
    const ImportanceEntry& entry = *importance.find("w");
    EXPECT_EQ(entry.unseen(), 1U);
    EXPECT_EQ(importance.mean_squares(entry, UnseenExperts::kPlain),
              (std::vector<float>{2, 4, 1, 1, 3, 1}));
    EXPECT_EQ(importance.mean_squares(entry, UnseenExperts::kMean),
              (std::vector<float>{2, 4, 2.5F, 2.5F, 3, 1}));
    EXPECT_THROW(importance.mean_squares(entry, UnseenExperts::kAbort), Error);
}

TEST(Importance, OfTheOlderFormatIsDividedByCalls) {
    std::string bytes;
    put(bytes, 2);
    bytes += older_entry("b.weight", 4, {8, 2}) + older_entry("a.weight", 0, {5});
    put(bytes, 11);
    put(bytes, 9);
    bytes += "texts.txt";
    const Importance importance = Importance::read(write_bytes("older", bytes));
    EXPECT_FALSE(importance.is_gguf());
    EXPECT_EQ(importance.entries()[0].tensor, "a.weight");
    EXPECT_EQ(importance.mean_squares(*importance.find("b.weight"), UnseenExperts::kPlain),
              (std::vector<float>{2, 0.5F}));
    EXPECT_EQ(importance.mean_squares(*importance.find("a.weight"), UnseenExperts::kPlain),
              std::vector<float>{5});
    EXPECT_EQ(importance.chunks(), 11);
    EXPECT_EQ(importance.datasets(), std::vector<std::string>{"texts.txt"});
}

TEST(Importance, OfTheOlderFormatMayEndAfterItsEntries) {
    std::string bytes;
    put(bytes, 1);
    bytes += older_entry("w", 1, {1});
    const Importance importance = Importance::read(write_bytes("short_older", bytes));
    EXPECT_EQ(importance.chunks(), 0);
    EXPECT_TRUE(importance.datasets().empty());
}

TEST(Importance, RefusesWhatIsNeitherFormat) {
    EXPECT_NE(refusal(write_bytes("text", "a text, nothing else")).find("is no importance file"),
              std::string::npos);
    EXPECT_NE(refusal(write_bytes("empty", "")).find("is no importance file"), std::string::npos);
}

TEST(Importance, RefusesATornOlderFile) {
    std::string bytes;
    put(bytes, 1);
    bytes += older_entry("w", 1, {1, 2, 3, 4});
    for (size_t cut = 1; cut < bytes.size(); ++cut) {
        EXPECT_NE(refusal(write_bytes("torn", bytes.substr(0, cut))), "") << cut;
    }
}

TEST(Importance, RefusesAModel) {
    const fs::path path = fresh_folder("model") / "model.gguf";
    const std::vector<float> values(8);
    GgufWriter writer;
    writer.add_tensor("w", 0, std::vector<uint64_t>{8}, std::as_bytes(std::span(values)));
    writer.write(path);
    EXPECT_NE(refusal(path).find("holds no importance"), std::string::npos);
}

TEST(Importance, RefusesNumbersThatAreNone) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    EXPECT_NE(refusal(write_gguf("nan", {{"w", 2, {1, nan}, {1}}}), ErrorKind::kNotFinite)
                  .find("channel 1 of 'w'"),
              std::string::npos);
    EXPECT_NE(refusal(write_gguf("negative", {{"w", 2, {-1, 1}, {1}}}), ErrorKind::kNotFinite), "");
}

TEST(ImportanceAudit, NamesWhatIsMissingOfAnotherShapeUnseenAndStrange) {
    const fs::path model_path = fresh_folder("audit_model") / "model.gguf";
    const std::vector<float> values(16);
    const auto bytes = std::as_bytes(std::span(values));
    GgufWriter writer;
    writer.add_tensor("experts", 0, std::vector<uint64_t>{2, 4, 2}, bytes);
    writer.add_tensor("wide", 0, std::vector<uint64_t>{8, 2}, bytes);
    writer.add_tensor("lonely", 0, std::vector<uint64_t>{8, 2}, bytes);
    writer.write(model_path);
    const Importance importance =
        Importance::read(write_gguf("audit", {{"experts", 2, {1, 1, 0, 0}, {3, 0}},
                                              {"wide", 4, {1, 1, 1, 1}, {1}},
                                              {"foreign", 1, {1}, {1}}}));
    const auto audit =
        audit_importance(importance, GgufFile::open(model_path), {"experts", "wide", "lonely"});
    EXPECT_EQ(audit.missing, std::vector<std::string>{"lonely"});
    ASSERT_EQ(audit.mismatched.size(), 1U);
    EXPECT_EQ(audit.mismatched[0].tensor, "wide");
    EXPECT_EQ(audit.mismatched[0].values, 4U);
    EXPECT_EQ(audit.mismatched[0].channels, 8U);
    ASSERT_EQ(audit.unseen.size(), 1U);
    EXPECT_EQ(audit.unseen[0].experts, 1U);
    EXPECT_EQ(audit.unseen[0].of, 2U);
    EXPECT_EQ(audit.strangers, std::vector<std::string>{"foreign"});
}

}  // namespace
}  // namespace bitgauge
