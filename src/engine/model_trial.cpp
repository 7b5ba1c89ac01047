#include "engine/model_trial.h"

#include <algorithm>
#include <vector>

#include "base/files.h"
#include "engine/isolated_job.h"
#include "engine/token_reader.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

constexpr const char* kText = "One and two";  // any that every tokenizer knows

Json job_of(const fs::path& path, const ContextShape& shape, const EngineOptions& engine) {
    return {{"job", kTrialJob},
            {"model", path.string()},
            {"window_tokens", shape.window_tokens},
            {"threads", engine.threads},
            {"gpu_layers", engine.gpu_layers},
            {"cpu_expert_layers", engine.cpu_expert_layers},
            {"tensor_split", engine.tensor_split},
            {"key_type", shape.key_type},
            {"value_type", shape.value_type}};
}

}  // namespace

void try_model(const fs::path& path, const ContextShape& shape, const EngineOptions& engine,
               const Isolation& isolation, Progress& progress) {
    const TemporaryFolder folder;
    run_job(job_of(path, shape, engine), folder.path(), isolation, progress,
            [](const Json& job, Progress&) { return do_model_trial(job); });
}

Json do_model_trial(const Json& job) {
    const EngineOptions engine = {.threads = job.at("threads"),
                                  .gpu_layers = job.at("gpu_layers"),
                                  .cpu_expert_layers = job.at("cpu_expert_layers"),
                                  .tensor_split = job.at("tensor_split")};
    const Model model = Model::load(job.at("model").get<std::string>(), engine);
    const auto reader = reader_of(model,
                                  {.window_tokens = job.at("window_tokens"),
                                   .call_tokens = 1,
                                   .key_type = job.at("key_type"),
                                   .value_type = job.at("value_type")},
                                  engine);
    std::vector<BatchToken> tokens;
    for (const TokenId token : model.tokenize(kText, true, true)) {
        tokens.push_back({.token = token, .position = static_cast<int32_t>(tokens.size())});
    }
    tokens.resize(std::min<size_t>(tokens.size(), job.at("window_tokens")));
    if (!tokens.empty()) tokens.back().output = true;
    reader->read(tokens);
    return Json::object();
}

}  // namespace bitgauge
