// Importance measured: against the definition, in stages, after interruptions.

#include <algorithm>
#include <cstring>
#include <map>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "engine/product_observer.h"
#include "engine/staged_model.h"
#include "eval/importance_testing.h"
#include "eval/pass_testing.h"
#include "gguf/model_copy_testing.h"

#include "importance/importance_sums.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

constexpr int32_t kManyStages = 100;

// --- the definition -----------------------------------------------------------------------------

struct PlainSums {
    std::vector<double> sums;
    std::vector<int64_t> counts;
};

// Adds up the squares of what two weights and the head are multiplied with, one by one.
class Twin : public ProductObserver, public PassObserver {
  public:
    Twin(std::string one, std::string other, size_t width)
        : one_(std::move(one)), other_(std::move(other)), width_(width) {
        head.sums.resize(width);
        head.counts = {0};
    }

    bool wants(const std::string& weight) const override {
        return weight == one_ || weight == other_;
    }
    void on_product(const ProductInput& input) override {
        PlainSums& into = sums[input.weight];
        into.sums.resize(input.shape[0] * input.matrices);
        into.counts.resize(input.ids == nullptr ? 1 : input.matrices);
        if (input.ids == nullptr) {
            add_rows(input, into);
        } else {
            add_routed(input, into);
        }
    }
    void on_shared(const ProductInput& input, const std::string&) override {
        ADD_FAILURE() << input.weight << " shares its input";
    }
    void on_position(size_t, uint32_t, const Context& context, size_t index) override {
        const auto state = context.states().subspan(index * width_, width_);
        for (size_t c = 0; c < width_; ++c) head.sums[c] += double{state[c]} * state[c];
        ++head.counts[0];
    }
    bool wants_last_position() const override { return true; }

    std::map<std::string, PlainSums> sums;
    PlainSums head;

  private:
    static void add_row(const std::byte* row, uint64_t channels, double* into) {
        for (uint64_t c = 0; c < channels; ++c) {
            float x = 0;
            std::memcpy(&x, row + c * sizeof(float), sizeof x);
            into[c] += double{x} * x;
        }
    }
    static void add_rows(const ProductInput& input, PlainSums& into) {
        ASSERT_EQ(input.matrices * input.stacks * input.shape[2] * input.shape[3], 1U);
        for (uint64_t i = 0; i < input.shape[1]; ++i) {
            add_row(input.data + i * input.strides[1], input.shape[0], into.sums.data());
            ++into.counts[0];
        }
    }
    static void add_routed(const ProductInput& input, PlainSums& into) {
        for (uint64_t token = 0; token < input.id_shape[1]; ++token) {
            for (uint64_t slot = 0; slot < input.id_shape[0]; ++slot) {
                int32_t expert = 0;
                std::memcpy(&expert,
                            input.ids + slot * input.id_strides[0] + token * input.id_strides[1],
                            sizeof expert);
                const auto matrix = static_cast<size_t>(expert);
                add_row(input.data + slot % input.shape[1] * input.strides[1] +
                            token * input.strides[2],
                        input.shape[0], into.sums.data() + matrix * input.shape[0]);
                ++into.counts[matrix];
            }
        }
    }

    std::string one_, other_;
    size_t width_;
};

Twin twin_of(const fs::path& path, const ImportanceOptions& options, const std::string& one,
             const std::string& other) {
    const Model model = Model::load(path, options.engine);
    PassShape shape = default_shape(options.protocol.window_tokens, model.vocabulary());
    shape.ubatch_tokens = options.ubatch_tokens;
    shape.sequences = std::min(shape.sequences, shape.ubatch_tokens);
    Context context(model, {shape.window_tokens, shape.sequences, shape.ubatch_tokens},
                    options.engine);
    Twin twin(one, other, model.width());
    context.observe_products(&twin);
    const std::vector<Window> windows = windows_of(path, options);
    for (const WindowBatch& batch : batch_windows(windows, shape.sequences, windows.size())) {
        run_batch(context, shape, windows, batch, Context::Depth::kStates, twin);
    }
    return twin;
}

void expect_group(const ImportanceSums& file, const std::string& tensor, const PlainSums& wanted) {
    ASSERT_TRUE(file.tensors.contains(tensor)) << tensor;
    const ImportanceSums::Group& got = file.of(tensor);
    EXPECT_EQ(got.counts, wanted.counts) << tensor;
    ASSERT_EQ(got.sums.size(), wanted.sums.size()) << tensor;
    double energy = 0;
    for (size_t i = 0; i < got.sums.size(); ++i) {
        ASSERT_NEAR(got.sums[i], wanted.sums[i], 1e-6 * wanted.sums[i])
            << "value " << i << " of " << tensor;
        energy += wanted.sums[i];
    }
    EXPECT_GT(energy, 0) << tensor;
}

// --- two models ---------------------------------------------------------------------------------

struct Original {
    std::string name;
    fs::path path;
    const char* one;
    const char* other;
    const char* head;
    size_t text_bytes;
};

class ImportanceOf : public testing::TestWithParam<Original> {
  protected:
    ImportanceOptions options(int32_t stages = kStagesOff) const {
        return options_of(text_, stages);
    }
    ImportanceOutcome measured_to(const std::string& name, const ImportanceOptions& options,
                                  Progress& progress = silent_progress()) const {
        return measured(model_, folder_ / name, options, progress);
    }
    std::string bytes(const std::string& name) const { return read_text_file(folder_ / name); }
    fs::path work(const std::string& name) const { return folder_ / (name + ".work"); }

    size_t kept_sums(const std::string& name) const {
        size_t files = 0;
        for (const auto& entry : fs::directory_iterator(work(name))) {
            files += entry.path().filename().string().starts_with("sums-after-") ? 1 : 0;
        }
        return files;
    }

    // Documents of many lengths: a batch holds windows of one length.
    ImportanceOptions of_many_batches() const {
        const std::string words = read_text_file(story(folder_, 3000));
        std::string lines;
        for (size_t i = 0; i < 12; ++i) {
            lines += fmt::format("{}\n", Json(words.substr(100 * i, 80 + 12 * i)).dump());
        }
        write_plain(folder_ / "documents.jsonl", lines);
        ImportanceOptions options = options_of(folder_ / "documents.jsonl");
        options.protocol.window_tokens = options.ubatch_tokens = 256;
        return options;
    }

    // Stops in each of the steps, goes on and compares.
    void expect_same_after_interruptions(const ImportanceOptions& options,
                                         const std::vector<size_t>& steps) {
        for (const size_t step : steps) {
            const std::string name = fmt::format("broken-{}", step);
            WatchedProgress progress = interrupted_in(step);
            const Error error = error_of([&] { measured_to(name, options, progress); });
            EXPECT_EQ(error.kind(), ErrorKind::kInterrupted) << "in step " << step;
            EXPECT_FALSE(fs::exists(folder_ / name));
            measured_to(name, options);
            EXPECT_TRUE(bytes(name) == bytes("unbroken")) << "after step " << step;
            EXPECT_FALSE(fs::exists(work(name)));
        }
    }

    fs::path model_ = GetParam().path;
    fs::path folder_ = fresh_folder("importance_of_" + GetParam().name);
    OwnCache cache_{folder_ / "cache"};
    fs::path text_ = story(folder_, GetParam().text_bytes);
};

TEST_P(ImportanceOf, IsTheSumOfSquaresOfEachInput) {
    const auto& [name, path, one, other, head, bytes] = GetParam();
    ImportanceOptions options = this->options();
    options.head = true;
    const ImportanceOutcome outcome = measured_to("out", options);
    const Twin twin = twin_of(path, options, one, other);
    const ImportanceSums file = read_importance_sums(folder_ / "out");
    expect_group(file, one, twin.sums.at(one));
    expect_group(file, other, twin.sums.at(other));
    expect_group(file, head, twin.head);
    EXPECT_EQ(outcome.tensors, file.tensors.size());
    EXPECT_EQ(static_cast<uint64_t>(file.chunks), outcome.windows);
    EXPECT_EQ(file.chunk_size, 32U);
    EXPECT_EQ(static_cast<uint64_t>(twin.head.counts[0]), outcome.tokens);
}

TEST_P(ImportanceOf, HasTheHeadOnlyWhereItIsAskedFor) {
    const ImportanceOutcome without = measured_to("without", options());
    EXPECT_FALSE(read_importance_sums(folder_ / "without").tensors.contains(GetParam().head));
    ImportanceOptions with_head = options();
    with_head.head = true;
    EXPECT_EQ(measured_to("with", with_head).tensors, without.tensors + 1);
}

TEST_P(ImportanceOf, TheModelInStagesIsThatOfTheWhole) {
    ImportanceOptions whole = options(), staged = options(kManyStages);
    whole.head = staged.head = true;
    EXPECT_EQ(measured_to("whole", whole).evaluation, "whole, as asked for");
    const std::string evaluation = measured_to("staged", staged).evaluation;
    const size_t stages = StagedModel(model_, one_thread(), {}).stages();
    EXPECT_TRUE(evaluation.starts_with(fmt::format("{} stages: ", stages))) << evaluation;
    EXPECT_TRUE(bytes("staged") == bytes("whole"));
    EXPECT_FALSE(fs::exists(work("staged")));
}

TEST_P(ImportanceOf, AWholeModelIsTheSameAfterAnInterruption) {
    WatchedProgress counting;
    measured_to("unbroken", options(), counting);
    ASSERT_GE(counting.steps, 2U);
    expect_same_after_interruptions(options(), {0, counting.steps - 1});
}

// Sums kept after each unit of batches; stopped in the last one.
TEST_P(ImportanceOf, AWholeModelGoesOnWithSumsThatWereKeptOnTheWay) {
    ImportanceOptions options = of_many_batches();
    WatchedProgress counting;
    measured_to("unbroken", options, counting);
    ASSERT_GE(counting.steps, 9U) << "three units of up to four batches";
    options.checkpoint_seconds = 0;
    WatchedProgress progress = interrupted_in(counting.steps - 1);
    error_of([&] { measured_to("broken", options, progress); });
    EXPECT_EQ(kept_sums("broken"), 1U) << "the ones before are gone";
    WatchedProgress again;
    measured_to("broken", options, again);
    EXPECT_LE(again.steps, 4U) << "of the last unit";
    EXPECT_TRUE(bytes("broken") == bytes("unbroken"));
    EXPECT_FALSE(fs::exists(work("broken")));
}

TEST_P(ImportanceOf, SumsAreKeptNowAndThenOnly) {
    ImportanceOptions options = of_many_batches();
    options.checkpoint_seconds = 3600;
    WatchedProgress progress = interrupted_in(8);
    error_of([&] { measured_to("broken", options, progress); });
    EXPECT_EQ(kept_sums("broken"), 0U);
}

TEST_P(ImportanceOf, AModelInStagesIsTheSameAfterAnInterruption) {
    WatchedProgress counting;
    measured_to("unbroken", options(3), counting);
    ASSERT_GE(counting.steps, 6U) << "two batches in each of three stages";
    const size_t a_stage = counting.steps / 3;
    expect_same_after_interruptions(options(3), {a_stage, 3 * a_stage - 1});
}

TEST_P(ImportanceOf, StagesThatAreOverAreNotReadAgain) {
    WatchedProgress counting;
    measured_to("unbroken", options(3), counting);
    const size_t a_stage = counting.steps / 3;
    WatchedProgress progress = interrupted_in(a_stage + 1);
    error_of([&] { measured_to("out", options(3), progress); });
    EXPECT_TRUE(fs::exists(work("out") / "stage-states.json"));
    EXPECT_TRUE(fs::exists(work("out") / "sums-after-1.gguf"));
    WatchedProgress again;
    measured_to("out", options(3), again);
    EXPECT_EQ(again.steps, 2 * a_stage);
}

// Sums after a stage are not sums after so many batches, although they are called alike.
TEST_P(ImportanceOf, AWholeModelDoesNotGoOnWithSumsOfStages) {
    measured_to("unbroken", options());
    WatchedProgress counting;
    measured_to("counted", options(3), counting);
    WatchedProgress progress = interrupted_in(counting.steps / 3);
    error_of([&] { measured_to("out", options(3), progress); });
    measured_to("out", options());
    EXPECT_TRUE(bytes("out") == bytes("unbroken"));
}

INSTANTIATE_TEST_SUITE_P(
    Models, ImportanceOf,
    testing::Values(Original{"llama", baby_llama(), "blk.2.attn_q.weight", "blk.4.ffn_down.weight",
                             "token_embd.weight", 1500},
                    Original{"moe", tiny_moe(), "blk.3.attn_q.weight", "blk.0.ffn_down_exps.weight",
                             "output.weight", 800}),
    [](const auto& original) { return original.param.name; });

// --- files and refusals -------------------------------------------------------------------------

class ImportanceFiles : public testing::Test {
  protected:
    Error refused(const fs::path& model, const ImportanceOptions& options) {
        Error error = error_of([&] { measured(model, folder_ / "out", options); });
        EXPECT_FALSE(fs::exists(folder_ / "out"));
        return error;
    }
    // Weights of a norm, one of them NaN.
    fs::path broken(const std::string& norm) const {
        ModelCopy copy(baby_llama());
        std::vector<float> weights(128, 1.0F);
        weights[5] = std::nanf("");
        copy.put_tensor(norm, {128}, weights);
        copy.write(folder_ / "broken.gguf");
        return folder_ / "broken.gguf";
    }
    fs::path text(const std::string& content) const {
        write_plain(folder_ / "text.txt", content);
        return folder_ / "text.txt";
    }

    fs::path folder_ = fresh_folder("importance_files");
    OwnCache cache_{folder_ / "cache"};
};

TEST_F(ImportanceFiles, OfTheOlderFormatHoldTheSameMeans) {
    ImportanceOptions options = options_of(story(folder_, 600));
    const ImportanceOutcome outcome = measured(baby_llama(), folder_ / "new.gguf", options);
    options.older_format = true;
    measured(baby_llama(), folder_ / "old.dat", options);
    const Importance newer = Importance::read(folder_ / "new.gguf");
    const Importance older = Importance::read(folder_ / "old.dat");
    EXPECT_TRUE(newer.is_gguf());
    EXPECT_FALSE(older.is_gguf());
    EXPECT_EQ(static_cast<uint64_t>(older.chunks()), outcome.windows);
    EXPECT_EQ(older.datasets(), newer.datasets());
    ASSERT_EQ(older.entries().size(), newer.entries().size());
    for (const ImportanceEntry& entry : newer.entries()) {
        const ImportanceEntry* same = older.find(entry.tensor);
        ASSERT_NE(same, nullptr) << entry.tensor;
        const auto wanted = newer.mean_squares(entry, UnseenExperts::kPlain);
        const auto got = older.mean_squares(*same, UnseenExperts::kPlain);
        ASSERT_EQ(got.size(), wanted.size());
        for (size_t i = 0; i < got.size(); ++i) {
            ASSERT_NEAR(got[i], wanted[i], 1e-6 * wanted[i]) << entry.tensor;
        }
    }
}

TEST_F(ImportanceFiles, SayWhatTheyAreMadeFrom) {
    const fs::path words = story(folder_, 600);
    const ImportanceOutcome outcome = measured(baby_llama(), folder_ / "out", options_of(words));
    const Importance file = Importance::read(folder_ / "out");
    EXPECT_EQ(file.made().model, baby_llama().filename().string());
    EXPECT_EQ(file.made().protocol, "documents");
    ASSERT_EQ(file.made().texts.size(), 1U);
    EXPECT_EQ(file.made().texts[0].path, words.string());
    ASSERT_EQ(file.made().strata.size(), 1U);
    EXPECT_EQ(file.made().strata[0].windows, outcome.windows);
    EXPECT_EQ(file.made().strata[0].tokens, outcome.tokens);
    EXPECT_EQ(file.datasets(), std::vector<std::string>{words.string()});
    EXPECT_EQ(fs::file_size(folder_ / "out"), outcome.bytes);
}

TEST_F(ImportanceFiles, OfATextWithoutWordsAreRefused) {
    EXPECT_EQ(refused(baby_llama(), options_of(text(" \n\n"))).kind(), ErrorKind::kInput);
}

// libllama's products of fewer than 16 rows are no evaluation of a text.
TEST_F(ImportanceFiles, OfATextThatIsTooShortAreRefused) {
    for (const int32_t stages : {kStagesOff, 2}) {
        const Error error = refused(baby_llama(), options_of(text("One"), stages));
        EXPECT_EQ(error.kind(), ErrorKind::kInput);
        EXPECT_NE(std::string(error.what()).find("the text is too short"), std::string::npos);
        EXPECT_EQ(error.hint(), "give more text");
    }
}

TEST_F(ImportanceFiles, OfInputsThatAreNoNumbersAreRefused) {
    const fs::path words = story(folder_, 600);
    for (const char* layer : {"0", "3"}) {
        const std::string prefix = fmt::format("blk.{}.attn_", layer);
        const Error error = refused(broken(prefix + "norm.weight"), options_of(words));
        EXPECT_EQ(error.kind(), ErrorKind::kNotFinite);
        const std::string said = error.what();
        EXPECT_NE(said.find(prefix), std::string::npos) << said;
        EXPECT_NE(said.find("holds NaN or infinity in channel 5"), std::string::npos) << said;
    }
}

TEST_F(ImportanceFiles, OfFinalStatesThatAreNoNumbersAreRefusedWithTheHead) {
    const fs::path words = story(folder_, 600);
    const fs::path model = broken("output_norm.weight");
    ImportanceOptions options = options_of(words);
    options.head = true;
    const Error error = refused(model, options);
    EXPECT_EQ(error.kind(), ErrorKind::kNotFinite);
    EXPECT_NE(std::string(error.what()).find("'token_embd.weight'"), std::string::npos);
    options.head = false;
    measured(model, folder_ / "out", options);
    EXPECT_TRUE(fs::exists(folder_ / "out"));
}

}  // namespace
}  // namespace bitgauge
