// What `bitgauge fit` says a model takes, beside what libllama allocates when it is really loaded.

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "bitgauge/error.h"
#include "bitgauge/load_memory.h"
#include "bitgauge/placement.h"
#include "bitgauge/progress.h"
#include "bitgauge/qtype.h"

#include "engine/engine_testing.h"
#include "engine/tiny_models_testing.h"

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

class FitMemory : public testing::TestWithParam<std::string> {
  protected:
    void SetUp() override {
        const TinyModel& model = tiny_model(GetParam());
        path_ = fresh_folder("fit_memory_" + GetParam()) / "model.gguf";
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
    RecordProperty("largest_relative_error", std::to_string(worst));
}

// Not of every architecture there is: it shares out over layers what libllama says of all of them.
class FitClosedForm : public FitMemory {};

// Of layers that look at all tokens; those with a window keep less.
TEST_P(FitClosedForm, IsWhatLayersKeep) {
    const GgufFile file = GgufFile::open(path_);
    double per_token = 0, per_sequence = 0;
    for (const LayerParts& layer : model_parts(file).layers) {
        per_token += static_cast<double>(layer.kept_per_token);
        per_sequence += static_cast<double>(layer.kept_per_sequence);
    }
    constexpr uint64_t kTokens = 4096;
    constexpr double kLogged = 0.02 * 1048576;  // two lines of 0.01 MiB
    const ContextMemory context = simulated(kTokens, "f16");
    const auto keys_values = static_cast<double>(context.keys_values);
    const auto recurrent = static_cast<double>(context.recurrent);
    EXPECT_LE(keys_values, per_token * kTokens + kLogged);
    EXPECT_NEAR(recurrent, per_sequence, per_sequence * kMost + kLogged);
    const bool windows =
        file.integer(file.architecture() + ".attention.sliding_window").value_or(0) > 0;
    if (!windows) {
        EXPECT_NEAR(keys_values, per_token * kTokens, kLogged);
    }
}

std::vector<std::string> some_models() {
    return {std::begin(kModels), std::end(kModels)};
}

std::vector<std::string> other_models() {
    std::vector<std::string> names = tiny_model_names();
    std::erase_if(names, [](const std::string& name) {
        return std::find(std::begin(kModels), std::end(kModels), name) != std::end(kModels);
    });
    return names;
}

// Of which the closed form knows less than libllama, whose sum is shared out: numbers of heads by
// layer, indexers, loops over the same weights, linear attention of their own.
constexpr const char* kOfTheirOwn[] = {
    "bailingmoe3", "deepseek32", "deepseek4",  "glm-dsa",        "glm5-next", "hy_v4", "kimi-k3",
    "kimi-linear", "minimax-01", "minimax-m3", "nanbeige-loops", "openelm",   "plamo2"};

std::vector<std::string> others_with_a_closed_form() {
    std::vector<std::string> names = other_models();
    std::erase_if(names, [](const std::string& name) {
        return std::find(std::begin(kOfTheirOwn), std::end(kOfTheirOwn), name) !=
               std::end(kOfTheirOwn);
    });
    return names;
}

std::string name_of(const testing::TestParamInfo<std::string>& model) {
    return test_name(model.param);
}

INSTANTIATE_TEST_SUITE_P(Some, FitMemory, testing::ValuesIn(some_models()), name_of);
INSTANTIATE_TEST_SUITE_P(Some, FitClosedForm, testing::ValuesIn(some_models()), name_of);
INSTANTIATE_TEST_SUITE_P(Others, FitClosedForm, testing::ValuesIn(others_with_a_closed_form()),
                         name_of);
// A slow test.
INSTANTIATE_TEST_SUITE_P(DISABLED_Others, FitMemory, testing::ValuesIn(other_models()), name_of);

}  // namespace
}  // namespace bitgauge
