#include <cctype>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "bitgauge/engine.h"
#include "bitgauge/error.h"
#include "bitgauge/gguf.h"

#include "engine/llama_log.h"

#include <llama.h>

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kLastFileType = 64;  // numbers above are flags ("guessed")

std::string upper_case(std::string text) {
    for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return text;
}

bool is_known_file_type(int64_t number) {
    return file_type_name(number).rfind("file type", 0) != 0;
}

llama_ftype file_type_by_name(const std::string& name) {
    for (int64_t number = 0; number < kLastFileType; ++number) {
        if (is_known_file_type(number) && file_type_name(number) == upper_case(name)) {
            return static_cast<llama_ftype>(number);
        }
    }
    throw Error(ErrorKind::kInput, fmt::format("unknown file type '{}'", name),
                fmt::format("one of {}", fmt::join(quantizer_file_types(), " ")));
}

}  // namespace

std::vector<std::string> quantizer_file_types() {
    std::vector<std::string> names;
    for (int64_t number = 0; number < kLastFileType; ++number) {
        if (is_known_file_type(number)) names.push_back(file_type_name(number));
    }
    return names;
}

void quantize_with_libllama(const fs::path& original, const fs::path& out,
                            const std::string& file_type, const QuantizeOptions& options) {
    llama_model_quantize_params params = llama_model_quantize_default_params();
    params.ftype = file_type_by_name(file_type);
    params.nthread = static_cast<int32_t>(resolve_threads(options.threads));
    params.pure = options.pure;
    start_libllama();
    forget_llama_complaints();
    const fs::path part = fs::path(out).concat(".part");
    if (llama_model_quantize(original.c_str(), part.c_str(), &params) != 0) {
        std::error_code ignored;
        fs::remove(part, ignored);
        throw Error(ErrorKind::kInput,
                    fmt::format("libllama cannot quantize '{}' to {}: {}", original.string(),
                                file_type, last_llama_complaint()));
    }
    fs::rename(part, out);
}

}  // namespace bitgauge
