// Importance of layers that predict further tokens, against what they take in by definition.

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/tiny_models_testing.h"
#include "eval/baseline_folder.h"
#include "eval/baseline_testing.h"
#include "eval/importance_pass.h"
#include "gguf/data.h"
#include "gguf/model_copy_testing.h"

#include "importance/importance_sums.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

constexpr int kF32 = 0;  // ggml's number
constexpr size_t kWindow = 20;
constexpr size_t kWindows = 3;
constexpr uint32_t kLayer = 8;  // of one that predicts, behind eight others

Windows some_windows() {
    const std::vector<TokenId> tokens = some_tokens(kWindow * kWindows, 256);
    Windows windows{.strata = {"all"}, .n_clusters = 1, .cluster_unit = "document"};
    for (size_t i = 0; i < kWindows; ++i) {
        const auto begin = tokens.begin() + static_cast<ptrdiff_t>(i * kWindow);
        windows.windows.push_back({.tokens = {begin, begin + static_cast<ptrdiff_t>(kWindow)}});
    }
    return windows;
}

// --- the definition -----------------------------------------------------------------------------

// DeepSeek-V3 (2024), equation 21: the projection takes RMSNorm(embedding of this token) and
// RMSNorm(state of the token before), one behind the other.
class Definition {
  public:
    explicit Definition(const fs::path& path)
        : path_(path), file_(GgufFile::open(path)), data_(file_) {
        const std::string arch = file_.architecture();
        epsilon_ = file_.number(arch + ".attention.layer_norm_rms_epsilon").value_or(0);
        embedding_ =
            values(has("nextn.embed_tokens") ? name("nextn.embed_tokens") : "token_embd.weight");
    }

    // Sums of squares of what `nextn.eh_proj` takes in.
    std::vector<double> sums() const {
        const Model model = Model::load(path_, one_thread());
        const size_t width = model.width();
        const auto embedding_norm = values(name("nextn.enorm"));
        const auto state_norm = values(name("nextn.hnorm"));
        std::vector<double> sums(2 * width);
        for (const Window& window : some_windows().windows) {
            const std::vector<float> states = states_of(model, window);
            for (size_t p = 1; p < kWindow; ++p) {
                const auto token = static_cast<size_t>(window.tokens[p]);
                add(&embedding_[token * width], embedding_norm, sums.data());
                add(&states[(p - 1) * width], state_norm, sums.data() + width);
            }
        }
        return sums;
    }

    bool has(const std::string& part) const { return file_.find_tensor(name(part)) != nullptr; }

  private:
    static std::string name(const std::string& part) {
        return fmt::format("blk.{}.{}.weight", kLayer, part);
    }
    std::vector<float> values(const std::string& tensor) const {
        const auto bytes = data_.tensor_bytes(*file_.find_tensor(tensor));
        const auto* floats = reinterpret_cast<const float*>(bytes.data());
        return {floats, floats + bytes.size() / sizeof(float)};
    }
    static std::vector<float> states_of(const Model& model, const Window& window) {
        Context context(model, {kWindow, 1, kWindow}, one_thread());
        std::vector<BatchToken> tokens;
        for (size_t p = 0; p < kWindow; ++p) {
            tokens.push_back(
                {.token = window.tokens[p], .position = static_cast<int32_t>(p), .output = true});
        }
        context.decode(tokens, Context::Depth::kStates);
        return {context.states().begin(), context.states().end()};
    }
    void add(const float* x, const std::vector<float>& weights, double* sums) const {
        double square = 0;
        for (size_t c = 0; c < weights.size(); ++c) square += double{x[c]} * x[c];
        const double scale = 1 / std::sqrt(square / static_cast<double>(weights.size()) + epsilon_);
        for (size_t c = 0; c < weights.size(); ++c) {
            const double y = x[c] * scale * weights[c];
            sums[c] += y * y;
        }
    }

    fs::path path_;
    GgufFile file_;
    GgufData data_;
    double epsilon_ = 0;
    std::vector<float> embedding_;
};

// --- every architecture that can ----------------------------------------------------------------

TinyModel with_prediction_layer(const std::string& name) {
    TinyModel model = tiny_model(name);
    for (TinyKey& key : model.keys) {
        auto* layers = std::get_if<PerLayer>(&key.value);
        if (layers != nullptr && layers->size() == kLayer)
            layers->push_back(std::ranges::max(*layers));
    }
    model.keys.emplace_back("block_count", 9);
    model.keys.emplace_back("nextn_predict_layers", 1);
    return model;
}

class PredictionOf : public testing::TestWithParam<const char*> {
  protected:
    PredictionOf() { write_tiny_model(with_prediction_layer(GetParam()), kF32, 1, model_); }

    ImportanceSums measured(bool prediction, bool head = false) const {
        const fs::path work = folder_ / "work";
        fs::create_directories(work);
        const ImportanceJob job{
            .model = model_,
            .windows = work / "windows.gguf",
            .last = kWindows,
            .folder = work,
            .identity = "test",
            .prediction = prediction,
            .head = head,
            .shape = {.window_tokens = kWindow, .sequences = 2, .ubatch_tokens = 2 * kWindow},
            .engine = one_thread()};
        write_windows(job.windows, some_windows());
        measure_sums(job, silent_progress());
        return read_importance_sums(sums_path(job));
    }
    static std::string name(const std::string& part, uint32_t layer = kLayer) {
        return fmt::format("blk.{}.{}", layer, part);
    }

    fs::path folder_ = fresh_folder(std::string("prediction_") + GetParam());
    fs::path model_ = folder_ / "model.gguf";
};

TEST_P(PredictionOf, TakesInTokensWithTheStatesBeforeThem) {
    const ImportanceSums sums = measured(true);
    const std::string projection = name("nextn.eh_proj.weight");
    ASSERT_TRUE(sums.tensors.contains(projection));
    const ImportanceSums::Group& got = sums.of(projection);
    const std::vector<double> wanted = Definition(model_).sums();
    EXPECT_EQ(got.counts, std::vector<int64_t>{kWindows * (kWindow - 1)});
    ASSERT_EQ(got.sums.size(), wanted.size());
    for (size_t i = 0; i < wanted.size(); ++i) {
        ASSERT_NEAR(got.sums[i], wanted[i], 1e-5 * wanted[i]) << "channel " << i;
    }
}

TEST_P(PredictionOf, HasImportanceOfEveryMatrixAndLeavesTheOthersAsTheyAre) {
    const ImportanceSums without = measured(false);
    const ImportanceSums with = measured(true);
    for (const auto& [tensor, group] : without.tensors) {
        EXPECT_FALSE(tensor.starts_with(name("")));
        EXPECT_EQ(with.of(tensor).sums, without.of(tensor).sums) << tensor;
        EXPECT_EQ(with.of(tensor).counts, without.of(tensor).counts) << tensor;
    }
    // Layers with an indexer attend to all tokens where they predict.
    const GgufFile file = GgufFile::open(model_);
    for (const TensorInfo& tensor : file.tensors()) {
        const bool known = without.tensors.contains(name(tensor.name.substr(6), kLayer - 1));
        const bool dense = tensor.name.find(".indexer.") == std::string::npos;
        if (!tensor.name.starts_with(name("")) || !known || !dense) continue;
        EXPECT_TRUE(with.tensors.contains(tensor.name)) << tensor.name;
    }
}

TEST_P(PredictionOf, HasItsOwnHeadWhereHeadsAreAskedFor) {
    const std::string head = name("nextn.shared_head_head.weight");
    if (GgufFile::open(model_).find_tensor(head) == nullptr) return;
    EXPECT_EQ(measured(true, true).of(head).counts, std::vector<int64_t>{kWindows * (kWindow - 1)});
}

TEST(Prediction, IsRefusedForModelsThatLibllamaDoesNotEvaluateSo) {
    const fs::path folder = fresh_folder("prediction_refused");
    write_tiny_model(with_prediction_layer("step35"), kF32, 1, folder / "step35.gguf");
    const ImportanceOptions options{.texts = {story(folder, 100)}, .prediction = true};
    const auto refused = [&](const fs::path& model) {
        return error_of(
            [&] { measure_importance(model, folder / "out", options, silent_progress()); });
    };
    const Error unknown = refused(folder / "step35.gguf");
    EXPECT_EQ(unknown.kind(), ErrorKind::kInput);
    EXPECT_NE(std::string(unknown.what()).find("those of step35 models"), std::string::npos);
    const Error none = refused(baby_llama());
    EXPECT_EQ(none.kind(), ErrorKind::kInput);
    EXPECT_NE(std::string(none.what()).find("has no layers that predict further tokens"),
              std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Architectures, PredictionOf,
                         testing::Values("bailingmoe3", "cohere2moe", "deepseek2", "deepseek32",
                                         "glm-dsa", "glm4moe", "hy_v3", "nemotron_h_moe", "qwen35",
                                         "qwen35moe", "qwen3next"),
                         [](const auto& name) { return test_name(name.param); });

}  // namespace
}  // namespace bitgauge
