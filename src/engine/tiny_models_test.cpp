#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "bitgauge/engine.h"
#include "bitgauge/gguf.h"

#include "engine/engine_testing.h"
#include "engine/handles.h"
#include "engine/tiny_models_testing.h"

#include <ggml-backend.h>
#include <ggml.h>

namespace bitgauge {
namespace {

constexpr size_t kSequences = 2;
constexpr size_t kTokens = 32;

std::filesystem::path written(const TinyModel& model, int type = GGML_TYPE_F32) {
    static const auto folder = fresh_folder("tiny_models");
    auto path = folder / (model.name + ".gguf");
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

std::vector<double> probabilities(const std::vector<float>& row) {
    const double top = *std::max_element(row.begin(), row.end());
    std::vector<double> shares;
    double mass = 0;
    for (const float logit : row) mass += shares.emplace_back(std::exp(logit - top));
    for (double& share : shares) share /= mass;
    return shares;
}

// Of the next-token distribution, in nats.
double mean_entropy(const std::vector<std::vector<float>>& rows) {
    double total = 0;
    for (const auto& row : rows) {
        for (const double p : probabilities(row)) total -= p > 0 ? p * std::log(p) : 0;
    }
    return total / static_cast<double>(rows.size());
}

double mean_divergence(const std::vector<std::vector<float>>& original,
                       const std::vector<std::vector<float>>& other) {
    double total = 0;
    for (size_t i = 0; i < original.size(); ++i) {
        const auto p = probabilities(original[i]), q = probabilities(other[i]);
        for (size_t t = 0; t < p.size(); ++t) total += p[t] * std::log(p[t] / q[t]);
    }
    return total / static_cast<double>(original.size());
}

class TinyModels : public testing::TestWithParam<std::string> {};

TEST_P(TinyModels, LibllamaLoadsAndEvaluatesIt) {
    const auto path = written(tiny_model(GetParam()));
    const auto rows = decoded(path);
    for (const auto& row : rows) {
        ASSERT_TRUE(std::all_of(row.begin(), row.end(), [](float x) { return std::isfinite(x); }));
    }
    EXPECT_GT(mean_entropy(rows), 0.5);
    EXPECT_LT(mean_entropy(rows), 5.2);  // ln 256 = 5.5: it would know nothing
    EXPECT_EQ(std::set(rows.begin(), rows.end()).size(), rows.size());
    std::filesystem::remove(path);
}

TEST(TinyModelTypes, HoldTheSameWeightsAsSinglePrecision) {
    const TinyModel& model = tiny_model("llama");
    const auto single = decoded(written(model));
    const auto half = decoded(written(model, GGML_TYPE_F16));
    const auto four_bits = decoded(written(model, GGML_TYPE_Q4_0));
    EXPECT_LT(mean_divergence(single, half), 1e-4);
    EXPECT_GT(mean_divergence(single, four_bits), 1e-3);
    EXPECT_LT(mean_divergence(single, four_bits), 1.0);
}

TEST(TinyModelTypes, LeaveNormsAndRoutersAlone) {
    const GgufFile file = GgufFile::open(written(tiny_model("qwen35moe"), GGML_TYPE_Q4_0));
    const auto type = [&](const char* name) { return file.find_tensor(name)->type_id; };
    EXPECT_EQ(type("blk.3.attn_q.weight"), GGML_TYPE_Q4_0);
    EXPECT_EQ(type("blk.3.ffn_down_exps.weight"), GGML_TYPE_Q4_0);
    EXPECT_EQ(type("token_embd.weight"), GGML_TYPE_Q4_0);
    for (const char* name : {"blk.3.attn_norm.weight", "blk.3.ffn_gate_inp.weight",
                             "blk.0.ssm_conv1d.weight", "blk.0.ssm_a"}) {
        EXPECT_EQ(type(name), GGML_TYPE_F32) << name;
    }
}

// libllama asks for each node before it is computed and after; per layer, whom the router chose.
struct Chosen {
    std::map<std::string, std::set<int32_t>> experts;

    static bool note(ggml_tensor* node, bool ask, void* self) {
        const std::string name = node->name;
        if (!name.starts_with("ffn_moe_topk-")) return !ask;
        if (ask) return true;
        for (int64_t token = 0; token < node->ne[1]; ++token) {
            std::vector<int32_t> ids(static_cast<size_t>(node->ne[0]));
            ggml_backend_tensor_get(node, ids.data(), static_cast<size_t>(token) * node->nb[1],
                                    ids.size() * sizeof(int32_t));
            static_cast<Chosen*>(self)->experts[name].insert(ids.begin(), ids.end());
        }
        return true;
    }
};

TEST(TinyModelRouters, ChooseOtherExpertsForOtherTokens) {
    const auto path = written(tiny_model("qwen3moe"));
    const ModelHandle model(llama_model_load_from_file(path.c_str(), llama_model_default_params()));
    Chosen chosen;
    llama_context_params params = llama_context_default_params();
    params.n_threads = params.n_threads_batch = 1;
    params.cb_eval = Chosen::note;
    params.cb_eval_user_data = &chosen;
    const ContextHandle context(llama_init_from_model(model.get(), params));
    auto ids = some_tokens(64, 256);
    std::vector<int8_t> outputs(ids.size(), 1);  // else the last layer sees one token
    llama_batch batch = llama_batch_get_one(ids.data(), static_cast<int32_t>(ids.size()));
    batch.logits = outputs.data();
    EXPECT_EQ(llama_decode(context.get(), batch), 0);
    EXPECT_EQ(chosen.experts.size(), 8);
    for (const auto& [layer, experts] : chosen.experts) EXPECT_GE(experts.size(), 4) << layer;
}

TEST(TinyModelSeeds, MakeOtherWeights) {
    const auto folder = fresh_folder("tiny_seeds");
    const auto logits = [&](uint64_t seed) {
        write_tiny_model(tiny_model("llama"), GGML_TYPE_F32, seed, folder / "model.gguf");
        return decoded(folder / "model.gguf");
    };
    const auto first = logits(1);
    EXPECT_EQ(logits(1), first);
    EXPECT_NE(logits(2), first);
}

INSTANTIATE_TEST_SUITE_P(All, TinyModels, testing::ValuesIn(tiny_model_names()),
                         [](const auto& model) { return test_name(model.param); });

}  // namespace
}  // namespace bitgauge
