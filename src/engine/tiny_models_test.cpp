#include <algorithm>
#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include "bitgauge/engine.h"
#include "bitgauge/gguf.h"

#include "engine/engine_testing.h"
#include "engine/tiny_models_testing.h"

#include <ggml.h>

namespace bitgauge {
namespace {

constexpr size_t kSequences = 2;
constexpr size_t kTokens = 32;

std::filesystem::path written(const TinyModel& model, int type = GGML_TYPE_F32) {
    static const auto folder = fresh_folder("tiny_models");
    const auto path = folder / (model.name + ".gguf");
    write_tiny_model(model, type, 1, path);
    return path;
}

// One row of logits for each token of two sequences that differ.
std::vector<std::vector<float>> decoded(const std::filesystem::path& path) {
    const Model model = Model::load(path, one_thread());
    Context context(
        model,
        {.window_tokens = kTokens, .sequences = kSequences, .call_tokens = kSequences * kTokens},
        one_thread());
    const auto ids = some_tokens(kSequences * kTokens, model.vocabulary());
    std::vector<BatchToken> tokens;
    for (size_t i = 0; i < ids.size(); ++i) {
        tokens.push_back({.token = ids[i],
                          .position = static_cast<int32_t>(i % kTokens),
                          .sequence = static_cast<int32_t>(i / kTokens),
                          .output = true});
    }
    context.decode(tokens, Context::Depth::kLogits);
    std::vector<std::vector<float>> rows;
    for (size_t i = 0; i < ids.size(); ++i) {
        rows.emplace_back(context.logits(i).begin(), context.logits(i).end());
    }
    return rows;
}

class TinyModels : public testing::TestWithParam<std::string> {};

TEST_P(TinyModels, LibllamaLoadsAndEvaluatesIt) {
    const auto path = written(tiny_model(GetParam()));
    const auto rows = decoded(path);
    for (const auto& row : rows) {
        ASSERT_TRUE(std::all_of(row.begin(), row.end(), [](float x) { return std::isfinite(x); }));
    }
    EXPECT_EQ(std::set(rows.begin(), rows.end()).size(), rows.size());
    std::filesystem::remove(path);
}

std::vector<std::string> names() {
    std::vector<std::string> all;
    for (const TinyModel& model : tiny_models()) all.push_back(model.name);
    return all;
}

INSTANTIATE_TEST_SUITE_P(All, TinyModels, testing::ValuesIn(names()), [](const auto& model) {
    std::string name = model.param;
    std::replace_if(
        name.begin(), name.end(), [](char c) { return !std::isalnum(c); }, '_');
    return name;
});

}  // namespace
}  // namespace bitgauge
