#include "engine/engine_testing.h"

#include <cmath>
#include <map>
#include <regex>
#include <stdexcept>

#include "bitgauge/gguf.h"
#include "bitgauge/qtype.h"

#include "engine/handles.h"
#include "engine/llama_log.h"

#include <llama.h>

namespace bitgauge {
namespace {

llama_ftype file_type(const std::string& name) {
    constexpr int64_t kEnd = 64;
    for (int64_t number = 0; number < kEnd; ++number) {
        if (file_type_name(number) == name) return static_cast<llama_ftype>(number);
    }
    throw std::invalid_argument("no file type " + name);
}

// "llama_kv_cache:        CPU KV buffer size =     4.00 MiB": by kind. Compute buffers are logged
// anew when they grow.
std::map<std::string, uint64_t> buffers(const std::vector<std::string>& lines) {
    static const std::regex pattern("[^:]*: +(.*) buffer size = +([0-9.]+) MiB.*");
    std::map<std::string, uint64_t> sizes;
    for (const std::string& line : lines) {
        std::smatch match;
        if (!std::regex_match(line, match, pattern)) continue;
        const std::string name = match[1].str();
        const auto bytes = static_cast<uint64_t>(std::llround(std::stod(match[2].str()) * 1048576));
        uint64_t& size = sizes[name.substr(name.rfind(' ') + 1)];
        size = name.ends_with("compute") ? bytes : size + bytes;
    }
    return sizes;
}

}  // namespace

LoadedMemory loaded_memory(const std::filesystem::path& path, uint32_t tokens,
                           const std::string& key_value_type) {
    start_libllama();
    const LlamaLines lines;
    llama_model_params params = llama_model_default_params();
    params.load_mode = LLAMA_LOAD_MODE_NONE;
    params.n_gpu_layers = 0;
    const ModelHandle model(llama_model_load_from_file(path.c_str(), params));
    llama_context_params shape = llama_context_default_params();
    shape.n_ctx = tokens;
    shape.n_seq_max = 1;
    shape.n_threads = 1;
    shape.swa_full = false;
    shape.type_k = static_cast<ggml_type>(find_type(key_value_type)->id);
    shape.type_v = shape.type_k;
    const ContextHandle context(model ? llama_init_from_model(model.get(), shape) : nullptr);
    if (!context) throw std::runtime_error("libllama loads no " + path.string());
    auto sizes = buffers(lines.all());
    return {.weights = sizes["model"],
            .kept = sizes["KV"] + sizes["RS"] + sizes["state"],
            .compute = sizes["compute"],
            .output = sizes["output"]};
}

std::filesystem::path quantized(const std::filesystem::path& original, const std::string& type,
                                const std::filesystem::path& folder, bool pure) {
    auto out = folder / (original.stem().string() + "." + type + ".gguf");
    llama_model_quantize_params params = llama_model_quantize_default_params();
    params.ftype = file_type(type);
    params.nthread = 1;
    params.pure = pure;
    start_libllama();
    if (llama_model_quantize(original.c_str(), out.c_str(), &params) != 0) {
        throw std::runtime_error("libllama makes no " + out.string());
    }
    return out;
}

}  // namespace bitgauge
