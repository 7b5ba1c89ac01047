// Models rounded with error feedback: what it saves on text that it has not read, and that it goes
// on where it was stopped.

#include <algorithm>
#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include "bitgauge/feedback.h"
#include "bitgauge/qtype.h"

#include "eval/baseline_testing.h"
#include "eval/encode_tensor.h"
#include "gguf/data.h"
#include "gguf/tensor_file.h"
#include "gguf/writer.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

using Types = std::map<std::string, std::string>;

// Every matrix of the layers.
Types layers_as(const fs::path& original, const std::string& type) {
    Types types;
    const GgufFile file = GgufFile::open(original);
    for (const TensorInfo& tensor : file.tensors()) {
        const bool matrix = tensor.shape.size() > 1 && tensor.name.ends_with(".weight");
        if (matrix && tensor.name.starts_with("blk.")) types[tensor.name] = type;
    }
    return types;
}

FeedbackOptions feedback_options(const fs::path& text, Types types) {
    FeedbackOptions options{.texts = {text}, .types = std::move(types), .engine = one_thread()};
    options.protocol.window_tokens = 128;
    return options;
}

// The original with some tensors from `folder`, or rounded to the nearest where it is empty.
fs::path file_with(const fs::path& original, const Types& types, const fs::path& folder,
                   const fs::path& path) {
    const StagedModel model(original, one_thread(), {});
    const TensorEncoder encoder(model, {});
    const GgufData data(model.anatomy().file());
    GgufWriter writer;
    writer.copy_keys(model.anatomy().file());
    std::vector<EncodedTensor> kept;
    kept.reserve(types.size());
    for (const TensorInfo& tensor : model.anatomy().file().tensors()) {
        const auto type = types.find(tensor.name);
        if (type == types.end()) {
            writer.add_tensor(tensor.name, tensor.type_id, tensor.shape, data.tensor_bytes(tensor));
            continue;
        }
        if (folder.empty()) {
            kept.push_back(encoder.encode(tensor.name, type->second, VariantUse::kBlocks));
        } else {
            const auto file = open_tensor_file(folder, tensor.name);
            EXPECT_TRUE(file) << tensor.name;
            kept.push_back({file->tensors().front().type_id, tensor_file_bytes(*file)});
        }
        writer.add_tensor(tensor.name, kept.back().type_id, tensor.shape,
                          std::span<const std::byte>(kept.back().bytes));
    }
    writer.write(path);
    return path;
}

class RoundedModel : public ::testing::Test {
  protected:
    RoundedModel() : folder_(fresh_folder("round_model")) {}
    ~RoundedModel() override { fs::remove_all(folder_); }

    FeedbackOutcome round(const fs::path& original, const Types& types, size_t bytes,
                          Progress& progress = silent_progress()) {
        return round_with_feedback(original, rounded(),
                                   feedback_options(story(folder_, bytes), types), progress);
    }
    fs::path rounded() const { return folder_ / "rounded"; }

    // On text after the first `read` bytes.
    double divergence(const fs::path& original, const fs::path& candidate, size_t read) const {
        const fs::path base = folder_ / "base";
        make_baseline(original, base, small_baseline(story(folder_, 2000, read), 128),
                      silent_progress());
        const fs::path files[] = {candidate};
        return measure(files, base, {.engine = one_thread()}, {}, silent_progress())
            .records.front()
            .kld_nats.mean.value;
    }

    fs::path folder_;
};

TEST_F(RoundedModel, IsNearerToTheOriginalOnTextThatWasNotRead) {
    constexpr size_t kRead = 4000;
    const Types types = layers_as(baby_llama(), "q4_0");
    const FeedbackOutcome outcome = round(baby_llama(), types, kRead);
    ASSERT_EQ(outcome.tensors.size(), 35U);
    EXPECT_EQ(outcome.tensors.front().name, "blk.0.attn_q.weight");
    for (const RoundedTensor& tensor : outcome.tensors) {
        EXPECT_LE(tensor.feedback_error, tensor.nearest_error) << tensor.name;
        EXPECT_LT(tensor.predicted_gain, 1) << tensor.name;
        EXPECT_EQ(tensor.with_feedback, 1U) << tensor.name;
        EXPECT_EQ(tensor.fewest_tokens, outcome.tokens) << tensor.name;
    }
    const fs::path nearest = file_with(baby_llama(), types, {}, folder_ / "nearest.gguf");
    const fs::path feedback = file_with(baby_llama(), types, rounded(), folder_ / "feedback.gguf");
    EXPECT_EQ(fs::file_size(nearest), fs::file_size(feedback));
    EXPECT_LT(divergence(baby_llama(), feedback, kRead),
              0.7 * divergence(baby_llama(), nearest, kRead));
}

TEST_F(RoundedModel, GoesOnWithTheMatrixWhereItWasStopped) {
    const Types types{{"blk.0.ffn_up.weight", "q4_0"},
                      {"blk.1.attn_q.weight", "q4_0"},
                      {"blk.1.ffn_down.weight", "q4_0"},
                      {"blk.3.attn_v.weight", "q4_0"}};
    round(baby_llama(), types, 1500);
    const auto complete = contents(rounded());
    for (const auto& [name, bytes] : complete) {
        const bool early = name.starts_with("blk.0") || name.starts_with("blk.1.attn_q");
        if (!early) fs::remove(rounded() / name);
    }
    round(baby_llama(), types, 1500);
    EXPECT_EQ(contents(rounded()), complete);
}

TEST_F(RoundedModel, WithExpertsIsRoundedExpertByExpert) {
    const Types types{{"blk.0.ffn_down_exps.weight", "q4_K"},
                      {"blk.0.ffn_gate_exps.weight", "q3_K"},
                      {"blk.0.ffn_up_exps.weight", "q3_K"},
                      {"output.weight", "q6_K"}};
    const FeedbackOutcome outcome = round(tiny_moe(), types, 4000);
    ASSERT_EQ(outcome.tensors.size(), 4U);
    for (const RoundedTensor& tensor : outcome.tensors) {
        EXPECT_LE(tensor.feedback_error, tensor.nearest_error) << tensor.name;
        EXPECT_EQ(tensor.matrices, tensor.name == "output.weight" ? 1U : 8U) << tensor.name;
    }
}

// Eight experts whose roundings are known, of a stage whose branches are rounded together.
const Types kExperts{{"blk.0.ffn_down_exps.weight", "q4_K"},
                     {"blk.0.ffn_gate_exps.weight", "q3_K"},
                     {"blk.0.ffn_up_exps.weight", "q3_K"},
                     {"blk.1.attn_gate.weight", "q4_K"}};

TEST_F(RoundedModel, IsTheSameOnTwoThreads) {
    FeedbackOptions options = feedback_options(story(folder_, 4000), kExperts);
    round_with_feedback(tiny_moe(), rounded(), options, silent_progress());
    options.engine.threads = 2;
    round_with_feedback(tiny_moe(), folder_ / "lanes", options, silent_progress());
    EXPECT_EQ(contents(folder_ / "lanes"), contents(rounded()));
}

TEST_F(RoundedModel, IsTheSameWhereMemoryIsShort) {
    FeedbackOptions options = feedback_options(story(folder_, 4000), kExperts);
    round_with_feedback(tiny_moe(), rounded(), options, silent_progress());
    options.moment_bytes = 1;  // one expert at a time
    const FeedbackOutcome outcome =
        round_with_feedback(tiny_moe(), folder_ / "short", options, silent_progress());
    EXPECT_EQ(contents(folder_ / "short"), contents(rounded()));
    ASSERT_EQ(outcome.tensors.size(), kExperts.size());
    for (const RoundedTensor& tensor : outcome.tensors) {
        EXPECT_LE(tensor.feedback_error, tensor.nearest_error) << tensor.name;
        EXPECT_EQ(tensor.matrices, tensor.name == "blk.1.attn_gate.weight" ? 1U : 8U)
            << tensor.name;
    }
}

// Notes what is begun.
class Begun : public Progress {
  public:
    void begin(const std::string& task, int64_t, const std::string&) override {
        tasks.insert(task);
    }
    bool evaluated() const {
        return std::ranges::any_of(
            tasks, [](const std::string& task) { return task.starts_with("part "); });
    }
    std::set<std::string> tasks;
};

TEST_F(RoundedModel, IsNotEvaluatedAgainWhenAllIsDone) {
    const Types types{{"blk.0.ffn_up.weight", "q4_0"}, {"blk.1.attn_q.weight", "q4_0"}};
    Begun once, again;
    const FeedbackOutcome first = round(baby_llama(), types, 1500, once);
    EXPECT_TRUE(once.evaluated());
    const FeedbackOutcome second = round(baby_llama(), types, 1500, again);
    EXPECT_EQ(second.tensors.size(), first.tensors.size());
    EXPECT_EQ(second.evaluation, first.evaluation);
    EXPECT_FALSE(again.evaluated());
    fs::remove(rounded() / "blk.1.attn_q.weight.gguf");
    EXPECT_EQ(round(baby_llama(), types, 1500).tensors.size(), first.tensors.size());
}

TEST_F(RoundedModel, WantsTextEnoughToJudgeWhatItDid) {
    try {
        round(baby_llama(), layers_as(baby_llama(), "q4_0"), 200);
        FAIL() << "two windows are no text to round from";
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kInput);
        EXPECT_NE(std::string(error.what()).find("feedback wants"), std::string::npos);
    }
}

TEST_F(RoundedModel, RefusesATypeThatATensorCannotHave) {
    EXPECT_THROW(round(baby_llama(), {{"blk.0.attn_q.weight", "q4_K"}}, 3000), Error);
    EXPECT_THROW(round(baby_llama(), {{"blk.9.attn_q.weight", "q4_0"}}, 3000), Error);
}

TEST_F(RoundedModel, GainsAreFoundForEveryTypeThatCanBeHad) {
    const Types types{{"blk.0.attn_q.weight", "q4_0"}, {"blk.2.ffn_down.weight", "q4_0"}};
    const FeedbackGains gains = measure_feedback_gains(
        baby_llama(), rounded(), feedback_options(story(folder_, 2500), types),
        {"q4_0", "q8_0", "q4_K", "f16"}, silent_progress());
    ASSERT_EQ(gains.size(), 2U);
    for (const auto& [tensor, of_types] : gains) {
        EXPECT_EQ(of_types.size(), 2U) << tensor;  // rows of 128: no K type, and no integers in F16
        for (const auto& [type, gain] : of_types) {
            EXPECT_GT(gain, 0.05) << tensor << " " << type;
            EXPECT_LT(gain, 1) << tensor << " " << type;
        }
    }
}

}  // namespace
}  // namespace bitgauge
