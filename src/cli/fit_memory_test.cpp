// What `bitgauge fit` says a model takes, beside what libllama allocates when it is really loaded.

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "bitgauge/error.h"
#include "bitgauge/load_memory.h"
#include "bitgauge/placement.h"
#include "bitgauge/progress.h"
#include "bitgauge/qtype.h"

#include "engine/engine_testing.h"
#include "engine/tiny_models_testing.h"

#include "hardware/kept_states.h"

namespace bitgauge {
namespace {

constexpr double kMost = 0.03;  // relative
constexpr uint64_t kContexts[] = {512, 1024, 4096, 8192};

// One of each way to keep what has been read: all of it, a window, one row for keys and values
// (MLA), states; with and without experts.
constexpr const char* kModels[] = {"llama",     "llama-moe",    "qwen3",     "qwen3moe",  "gemma2",
                                   "gemma3",    "gpt-oss",      "deepseek2", "glm4moe",   "mamba",
                                   "mamba2",    "qwen35",       "qwen35moe", "qwen3next", "jamba",
                                   "falcon-h1", "lfm2",         "phi3",      "command-r", "cohere2",
                                   "olmo2",     "granitehybrid"};

class FitMemory : public testing::TestWithParam<const char*> {
  protected:
    void SetUp() override {
        const TinyModel& model = tiny_model(GetParam());
        path_ = fresh_folder(std::string("fit_memory_") + GetParam()) / "model.gguf";
        write_tiny_model(model, find_type("f16")->id, 1, path_);
    }
    void TearDown() override { std::filesystem::remove_all(path_.parent_path()); }

    ContextMemory simulated(uint64_t tokens, const std::string& type) const {
        return simulate_loading(path_,
                                {.contexts = {static_cast<uint32_t>(tokens)},
                                 .key_type = type,
                                 .value_type = type},
                                {}, path_.parent_path() / "job", silent_progress())
            .front();
    }

    // Heads need whole blocks of the type.
    bool takes(const std::string& type) const {
        try {
            simulated(512, type);
            return true;
        } catch (const Error&) {
            EXPECT_NE(type, "f16");
            return false;
        }
    }

    std::filesystem::path path_;
};

TEST_P(FitMemory, IsWhatLibllamaAllocates) {
    const uint64_t weights = model_parts(GgufFile::open(path_)).weights();
    double worst = 0;
    for (const char* type : {"f16", "q8_0"}) {
        if (!takes(type)) continue;
        for (const uint64_t tokens : kContexts) {
            const ContextMemory context = simulated(tokens, type);
            const LoadedMemory real = loaded_memory(path_, static_cast<uint32_t>(tokens), type);
            const auto predicted = static_cast<double>(weights + context.total());
            const auto loaded = static_cast<double>(real.total());
            worst = std::max(worst, std::abs(predicted / loaded - 1));
            EXPECT_NEAR(predicted / loaded, 1, kMost)
                << type << " " << tokens << ": weights " << weights << "/" << real.weights
                << ", kept " << context.kept() << "/" << real.kept << ", compute "
                << context.compute << "/" << real.compute << ", output " << context.output << "/"
                << real.output;
        }
    }
    RecordProperty("worst_relative_error", std::to_string(worst));
    std::printf("%-16s largest error %.3f %%\n", GetParam(), 100 * worst);
}

// A layer with a window keeps less than the closed form, which counts every token.
TEST_P(FitMemory, IsTheClosedFormOfWhatLayersKeep) {
    const KeptStates kept = kept_states(GgufFile::open(path_));
    const ContextMemory context = simulated(4096, "f16");
    constexpr double kRounding = 0.02 * 1048576;
    const auto keys_values = static_cast<double>(kept.per_token * 4096);
    EXPECT_LE(static_cast<double>(context.keys_values), keys_values * 1.03 + kRounding);
    EXPECT_NEAR(static_cast<double>(context.recurrent), static_cast<double>(kept.per_sequence),
                static_cast<double>(kept.per_sequence) * kMost + kRounding);
    std::printf("%-16s keys and values %.4f of the closed form\n", GetParam(),
                keys_values > 0 ? static_cast<double>(context.keys_values) / keys_values : 0.0);
}

INSTANTIATE_TEST_SUITE_P(Models, FitMemory, testing::ValuesIn(kModels),
                         [](const auto& info) { return test_name(info.param); });

}  // namespace
}  // namespace bitgauge
