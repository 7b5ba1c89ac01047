#include "bitgauge/quantize.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"

#include "base/files.h"
#include "gguf/data.h"
#include "gguf/model_copy_testing.h"
#include "gguf/writer.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

constexpr int kF32 = 0;
constexpr int kQ40 = 2;
constexpr int kQ80 = 8;
constexpr int kQ4K = 12;
constexpr int kIq2Xxs = 16;

fs::path fresh_folder(const std::string& name) {
    const fs::path folder = fs::temp_directory_path() / ("bitgauge_quantize_test_" + name);
    fs::remove_all(folder);
    fs::create_directories(folder);
    return folder;
}

std::vector<float> waves(size_t n, float step) {
    std::vector<float> values(n);
    for (size_t i = 0; i < n; ++i) values[i] = std::sin(static_cast<float>(i) * step);
    return values;
}

// 3 experts of 4 rows of 256, a matrix, a norm; `damage` changes the experts' values.
class SmallModel {
  public:
    explicit SmallModel(const fs::path& folder) : path(folder / "model.gguf") {}

    void write() const {
        GgufWriter writer;
        writer.set_text("general.architecture", "tiny");
        writer.set_u32("general.file_type", 0);
        writer.add_tensor("blk.0.ffn_up_exps.weight", kF32, std::vector<uint64_t>{256, 4, 3},
                          std::as_bytes(std::span(experts)));
        writer.add_tensor("blk.0.attn_q.weight", kF32, std::vector<uint64_t>{256, 8},
                          std::as_bytes(std::span(matrix)));
        writer.add_tensor("output_norm.weight", kF32, std::vector<uint64_t>{256},
                          std::as_bytes(std::span(norm)));
        writer.write(path);
    }

    TypeChoices choices(int type) const {
        return {.tensors = {{"blk.0.ffn_up_exps.weight", type},
                            {"blk.0.attn_q.weight", type},
                            {"output_norm.weight", kF32}},
                .file_type = 7,
                .recipe = "test"};
    }
    QuantizeJob job(int type) const {
        return {.original = path,
                .out = path.parent_path() / "out.gguf",
                .choices = choices(type),
                .threads = 2};
    }

    fs::path path;
    std::vector<float> experts = waves(256 * 12, 0.7F);
    std::vector<float> matrix = waves(256 * 8, 0.3F);
    std::vector<float> norm = waves(256, 0.1F);
};

std::vector<std::byte> encoded(int type, std::span<const float> rows,
                               std::span<const float> importance = {}) {
    std::vector<std::byte> bytes(type_by_id(type)->row_bytes(rows.size()));
    encode_rows(type, rows, 256, importance, bytes);
    return bytes;
}

std::vector<std::byte> bytes_in(const fs::path& path, const std::string& tensor) {
    const GgufFile file = GgufFile::open(path);
    const GgufData data(file);
    const auto bytes = data.tensor_bytes(tensor);
    return {bytes.begin(), bytes.end()};
}

Error error_of(const QuantizeJob& job) {
    try {
        quantize_model(job, silent_progress());
    } catch (const Error& error) {
        return error;
    }
    return {ErrorKind::kGate, "no error"};
}

bool mentions(const Error& error, const std::string& text) {
    return std::string(error.what()).find(text) != std::string::npos;
}

struct Warnings : Progress {
    void warn(const std::string& message) override { messages.push_back(message); }
    std::vector<std::string> messages;
};

TEST(Quantize, EncodesMatricesAndCopiesTheRest) {
    SmallModel model(fresh_folder("plain"));
    model.write();
    const QuantizeOutcome outcome = quantize_model(model.job(kQ80), silent_progress());
    const fs::path out = model.path.parent_path() / "out.gguf";
    EXPECT_EQ(outcome.bytes, fs::file_size(out));
    EXPECT_EQ(bytes_in(out, "blk.0.ffn_up_exps.weight"), encoded(kQ80, model.experts));
    EXPECT_EQ(bytes_in(out, "blk.0.attn_q.weight"), encoded(kQ80, model.matrix));
    const GgufFile file = GgufFile::open(out);
    EXPECT_EQ(file.find_tensor("output_norm.weight")->type, "f32");
    EXPECT_EQ(file.integer("general.file_type"), 7);
    EXPECT_EQ(file.integer("general.quantization_version"), 2);
    EXPECT_EQ(file.text("bitgauge.recipe"), "test");
    EXPECT_EQ(file.text("bitgauge.original.hash"),
              identify_model(GgufFile::open(model.path), true).content_hash);
    EXPECT_EQ(preview_quantization(model.job(kQ80), silent_progress()).bytes, outcome.bytes);
}

TEST(Quantize, TakesNothingFromAPartThatIsNotItsOwn) {
    SmallModel model(fresh_folder("stale"));
    model.write();
    const QuantizeJob job = model.job(kQ80);
    quantize_model(job, silent_progress());
    const std::string clean = read_text_file(job.out);
    std::ofstream(job.out.string() + ".part") << std::string(clean.size(), 'x');
    quantize_model(job, silent_progress());
    EXPECT_EQ(read_text_file(job.out), clean);
}

TEST(Quantize, RefusesAnOriginalThatItWouldOverwriteOnTheWay) {
    SmallModel model(fresh_folder("on_the_way"));
    model.write();
    const std::string before = read_text_file(model.path);
    for (const char* ending : {".part", ".part.journal"}) {
        QuantizeJob job = model.job(kQ80);
        fs::remove(job.out.string() + ending);
        fs::create_symlink(model.path, job.out.string() + ending);
        EXPECT_TRUE(mentions(error_of(job), "is the original itself")) << ending;
        EXPECT_EQ(read_text_file(model.path), before);
        fs::remove(job.out.string() + ending);
    }
}

TEST(Quantize, RefusesAnOriginalThatChangesMeanwhile) {
    struct Toucher : Progress {
        explicit Toucher(fs::path file) : path(std::move(file)) {}
        void begin(const std::string& task, int64_t, const std::string&) override {
            if (task != "quantizing") return;
            fs::last_write_time(path, fs::file_time_type::clock::now() + std::chrono::seconds(5));
        }
        fs::path path;
    };
    SmallModel model(fresh_folder("changes"));
    model.write();
    Toucher toucher(model.path);
    EXPECT_THROW(
        {
            try {
                quantize_model(model.job(kQ80), toucher);
            } catch (const Error& error) {
                EXPECT_TRUE(mentions(error, "has changed while it was read")) << error.what();
                throw;
            }
        },
        Error);
    EXPECT_FALSE(fs::exists(model.job(kQ80).out));
}

TEST(Quantize, GivesEachExpertItsOwnImportance) {
    SmallModel model(fresh_folder("importance"));
    model.write();
    std::vector<float> sums(256 * 3);
    for (size_t i = 0; i < sums.size(); ++i) sums[i] = static_cast<float>(i % 97 + 1);
    const std::vector<float> counts = {1, 0, 2};
    GgufWriter writer;
    writer.set_texts("imatrix.datasets", std::vector<std::string>{"text"});
    writer.set_u32("imatrix.chunk_count", 5);
    writer.add_tensor("blk.0.ffn_up_exps.weight.in_sum2", kF32, std::vector<uint64_t>{256, 3},
                      std::as_bytes(std::span(sums)));
    writer.add_tensor("blk.0.ffn_up_exps.weight.counts", kF32, std::vector<uint64_t>{1, 3},
                      std::as_bytes(std::span(counts)));
    const fs::path imatrix = model.path.parent_path() / "imatrix.gguf";
    writer.write(imatrix);

    QuantizeJob job = model.job(kQ4K);
    job.importance = imatrix;
    Warnings warnings;
    quantize_model(job, warnings);

    std::vector<float> importance = sums;
    std::fill_n(importance.begin() + 256, 256, 1.0F);
    for (size_t i = 512; i < 768; ++i) importance[i] /= 2;
    std::vector<std::byte> expected;
    for (size_t expert = 0; expert < 3; ++expert) {
        const auto bytes = encoded(kQ4K, std::span(model.experts).subspan(expert * 1024, 1024),
                                   std::span(importance).subspan(expert * 256, 256));
        expected.insert(expected.end(), bytes.begin(), bytes.end());
    }
    EXPECT_EQ(bytes_in(job.out, "blk.0.ffn_up_exps.weight"), expected);
    EXPECT_EQ(bytes_in(job.out, "blk.0.attn_q.weight"), encoded(kQ4K, model.matrix));
    ASSERT_EQ(warnings.messages.size(), 2U);
    EXPECT_NE(warnings.messages[0].find("says nothing about 1"), std::string::npos);
    EXPECT_NE(warnings.messages[1].find("no token reached 1 expert"), std::string::npos);
    const GgufFile file = GgufFile::open(job.out);
    EXPECT_EQ(file.integer("quantize.imatrix.entries_count"), 1);
    EXPECT_EQ(file.integer("quantize.imatrix.chunks_count"), 5);
    EXPECT_EQ(file.text("quantize.imatrix.dataset"), "text");
}

TEST(Quantize, WritesTheSameBytesWithAnyNumberOfThreads) {
    SmallModel model(fresh_folder("threads"));
    model.write();
    QuantizeJob job = model.job(kQ4K);
    job.threads = 1;
    quantize_model(job, silent_progress());
    const std::string once = read_text_file(job.out);
    job.threads = 7;
    quantize_model(job, silent_progress());
    EXPECT_EQ(read_text_file(job.out), once);
}

TEST(Quantize, RefusesBadValuesByNameBeforeAnythingIsWritten) {
    SmallModel model(fresh_folder("bad"));
    model.experts[5] = std::numeric_limits<float>::quiet_NaN();
    model.matrix[9] = 1e20F;
    model.write();
    const QuantizeJob job = model.job(kQ80);
    const Error error = error_of(job);
    EXPECT_EQ(error.kind(), ErrorKind::kNotFinite);
    EXPECT_TRUE(mentions(error, "1 NaN in tensor 'blk.0.ffn_up_exps.weight' and in 1 more"))
        << error.what();
    EXPECT_EQ(std::distance(fs::directory_iterator(job.out.parent_path()), {}), 1);
}

TEST(Quantize, KeepsBadTensorsAsTheyAreWhenAsked) {
    SmallModel model(fresh_folder("keep"));
    model.matrix[9] = 1e20F;
    model.write();
    QuantizeJob job = model.job(kQ80);
    job.on_bad = BadValues::kKeep;
    Warnings warnings;
    const auto outcome = quantize_model(job, warnings);
    EXPECT_EQ(outcome.kept, std::vector<std::string>{"blk.0.attn_q.weight"});
    EXPECT_EQ(bytes_in(job.out, "blk.0.attn_q.weight").size(), model.matrix.size() * 4);
    ASSERT_EQ(warnings.messages.size(), 1U);
    EXPECT_NE(warnings.messages[0].find("1 beyond 8,319,008 (up to 1e+20); it stays f32"),
              std::string::npos);
}

TEST(Quantize, RefusesATypeThatNeedsImportance) {
    SmallModel model(fresh_folder("needs"));
    model.write();
    const Error error = error_of(model.job(kIq2Xxs));
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_TRUE(
        mentions(error, "iq2_xxs cannot be made without importance, and none was given: 'blk.0"))
        << error.what();
}

TEST(Quantize, RefusesToMakeMoreBitsOfFewer) {
    SmallModel model(fresh_folder("requantize"));
    model.write();
    QuantizeJob first = model.job(kQ40);
    quantize_model(first, silent_progress());
    QuantizeJob second = model.job(kQ80);
    second.original = first.out;
    second.out = first.out.parent_path() / "second.gguf";
    const Error error = error_of(second);
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_TRUE(mentions(error, "has only 4.5 bits per weight in the original (q4_0)"))
        << error.what();
    second.allow_requantize = true;
    EXPECT_EQ(quantize_model(second, silent_progress()).tensors, 3U);
}

TEST(Quantize, TakesAQ80Original) {
    SmallModel model(fresh_folder("q8"));
    model.write();
    quantize_model(model.job(kQ80), silent_progress());
    QuantizeJob second = model.job(kQ4K);
    second.original = model.path.parent_path() / "out.gguf";
    second.out = model.path.parent_path() / "second.gguf";
    quantize_model(second, silent_progress());
    std::vector<float> decoded(model.matrix.size());
    decode_row(kQ80, encoded(kQ80, model.matrix), decoded);
    EXPECT_EQ(bytes_in(second.out, "blk.0.attn_q.weight"), encoded(kQ4K, decoded));
}

TEST(Quantize, RefusesChoicesOfAnotherModel) {
    SmallModel model(fresh_folder("choices"));
    model.write();
    QuantizeJob job = model.job(kQ80);
    job.choices.tensors[0].name = "blk.9.ffn_up_exps.weight";
    EXPECT_TRUE(mentions(error_of(job), "has no tensor 'blk.9.ffn_up_exps.weight'"));
    job.choices.tensors.erase(job.choices.tensors.begin());
    EXPECT_TRUE(mentions(error_of(job), "has no type chosen"));
}

TEST(Quantize, SplitsAndJoinsWithoutChangingABit) {
    SmallModel model(fresh_folder("split"));
    model.write();
    QuantizeJob job = model.job(kF32);
    job.split_max_bytes = 9300;
    const auto split = quantize_model(job, silent_progress());
    ASSERT_EQ(split.files.size(), 2U);
    const GgufFile shards = GgufFile::open(split.files.front().path);
    EXPECT_EQ(shards.shards().size(), 2U);
    EXPECT_EQ(shards.file_bytes(), split.bytes);

    QuantizeJob again = model.job(kQ80);
    again.original = split.files.front().path;
    again.out = model.path.parent_path() / "kept.gguf";
    again.keep_split = true;
    const auto kept = quantize_model(again, silent_progress());
    ASSERT_EQ(kept.files.size(), 2U);
    EXPECT_EQ(bytes_in(kept.files.front().path, "blk.0.attn_q.weight"),
              encoded(kQ80, model.matrix));
    again.keep_split = false;
    quantize_model(again, silent_progress());
    EXPECT_EQ(bytes_in(again.out, "blk.0.attn_q.weight"), encoded(kQ80, model.matrix));
}

}  // namespace
}  // namespace bitgauge
