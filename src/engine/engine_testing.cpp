#include "engine/engine_testing.h"

#include <stdexcept>

#include "bitgauge/gguf.h"

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

}  // namespace

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
