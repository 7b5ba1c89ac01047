#include "bitgauge/load_memory.h"

#include <algorithm>
#include <array>
#include <limits>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/units.h"
#include "engine/isolated_job.h"
#include "engine/llama_log.h"
#include "engine/load_memory_job.h"
#include "engine/memory_log.h"
#include "engine/model_state.h"

#include <ggml-backend.h>

namespace bitgauge {
namespace {

// No card: their memory is not to be touched, and what is asked about may be another machine.
ModelHandle load_without_weights(const std::filesystem::path& path) {
    static std::array<ggml_backend_dev_t, 1> no_devices = {nullptr};
    llama_model_params params = llama_model_default_params();
    params.devices = no_devices.data();
    params.n_gpu_layers = 0;
    params.load_mode = LLAMA_LOAD_MODE_NONE;
    params.no_alloc = true;
    return load_handle(path, params);
}

llama_context_params context_params(const LoadShape& shape, uint32_t tokens) {
    llama_context_params params = llama_context_default_params();
    params.n_ctx = tokens;
    params.n_batch = std::max(params.n_batch, shape.call_tokens);
    params.n_ubatch = shape.call_tokens;
    params.n_seq_max = 1;
    params.type_k = static_cast<ggml_type>(kept_type(shape.key_type));
    params.type_v = static_cast<ggml_type>(kept_type(shape.value_type));
    params.swa_full = shape.whole_windows;
    return params;
}

[[noreturn]] void refuse_context(const std::filesystem::path& model, const LoadShape& shape,
                                 uint32_t tokens) {
    const std::string reason = llama_complaint();
    const bool plain = shape.key_type == "f16" && shape.value_type == "f16";
    throw Error(ErrorKind::kInput,
                fmt::format("libllama makes no context of {} with keys in {} and values in {} for "
                            "'{}': {}",
                            counted(tokens, "token"), shape.key_type, shape.value_type,
                            model.filename().string(), reason.empty() ? "no reason given" : reason),
                plain ? "the model may have no text to generate" : "try --kv f16");
}

// `outputs`: most tokens of a call that logits are wanted of; 0: all.
ContextMemory simulate_context(llama_model* model, const std::filesystem::path& path,
                               const LoadShape& shape, uint32_t tokens, uint32_t outputs) {
    forget_llama_complaints();
    const LlamaLines lines;
    llama_context_params params = context_params(shape, tokens);
    params.n_outputs_max = outputs;
    const ContextHandle context(llama_init_from_model(model, params));
    if (!context) refuse_context(path, shape, tokens);
    LoggedMemory logged = memory_in_log(lines.all());
    if (!logged.has_compute) {
        throw Error(ErrorKind::kEnvironment,
                    fmt::format("libllama {} does not say what a context takes", llama_version()),
                    "this bitgauge was made for another libllama");
    }
    logged.context.tokens = tokens;
    return logged.context;
}

ContextMemory simulate_context(llama_model* model, const std::filesystem::path& path,
                               const LoadShape& shape, uint32_t tokens) {
    ContextMemory memory = simulate_context(model, path, shape, tokens, /*outputs=*/0);
    memory.layers_compute = simulate_context(model, path, shape, tokens, /*outputs=*/1).compute;
    return memory;
}

Json to_json(const ContextMemory& memory) {
    return {{"tokens", memory.tokens},
            {"keys_values", memory.keys_values},
            {"recurrent", memory.recurrent},
            {"compute", memory.compute},
            {"layers_compute", memory.layers_compute},
            {"output", memory.output}};
}

ContextMemory memory_from_json(const Json& json) {
    return {.tokens = json.at("tokens"),
            .keys_values = json.at("keys_values"),
            .recurrent = json.at("recurrent"),
            .compute = json.at("compute"),
            .layers_compute = json.at("layers_compute"),
            .output = json.at("output")};
}

}  // namespace

Json do_load_memory_job(const Json& job, Progress&) {
    const std::filesystem::path path = job.at("model").get<std::string>();
    const LoadShape shape{.contexts = job.at("contexts"),
                          .key_type = job.at("key_type"),
                          .value_type = job.at("value_type"),
                          .call_tokens = job.at("call_tokens"),
                          .whole_windows = job.at("whole_windows")};
    const ModelHandle model = load_without_weights(path);
    Json memories = Json::array();
    for (const uint32_t tokens : shape.contexts) {
        memories.push_back(to_json(simulate_context(model.get(), path, shape, tokens)));
    }
    return {{"memories", memories}};
}

std::vector<ContextMemory> simulate_loading(const std::filesystem::path& model,
                                            const LoadShape& shape, const Isolation& isolation,
                                            const std::filesystem::path& folder,
                                            Progress& progress) {
    const Json job = {{"job", kLoadMemoryJob},
                      {"model", model.string()},
                      {"contexts", shape.contexts},
                      {"key_type", shape.key_type},
                      {"value_type", shape.value_type},
                      {"call_tokens", shape.call_tokens},
                      {"whole_windows", shape.whole_windows}};
    const Json outcome = run_job(job, folder, isolation, progress, do_load_memory_job);
    std::vector<ContextMemory> memories;
    for (const Json& memory : outcome.at("memories")) memories.push_back(memory_from_json(memory));
    return memories;
}

std::vector<ComputingDevice> computing_devices() {
    start_libllama();
    std::vector<ComputingDevice> devices;
    for (size_t i = 0; i < ggml_backend_dev_count(); ++i) {
        ggml_backend_dev_t device = ggml_backend_dev_get(i);
        const auto type = ggml_backend_dev_type(device);
        const bool shares = type == GGML_BACKEND_DEVICE_TYPE_IGPU;
        if (type != GGML_BACKEND_DEVICE_TYPE_GPU && !shares) continue;
        size_t free = 0, total = 0;
        ggml_backend_dev_memory(device, &free, &total);
        devices.push_back(
            {ggml_backend_dev_name(device), ggml_backend_dev_description(device), free, shares});
    }
    // libllama leaves those inside the processor alone where there is another
    const auto shares = [](const ComputingDevice& device) { return device.shares_memory; };
    if (!std::all_of(devices.begin(), devices.end(), shares)) std::erase_if(devices, shares);
    return devices;
}

}  // namespace bitgauge
