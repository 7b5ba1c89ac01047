#include <algorithm>
#include <array>
#include <cctype>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "bitgauge/engine.h"
#include "bitgauge/error.h"
#include "bitgauge/gguf.h"

#include "base/files.h"
#include "engine/llama_log.h"

#include <llama.h>

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

constexpr size_t kMoreBytes = 1 << 20;
constexpr int64_t kLastFileType = 64;  // numbers above are flags ("guessed")

std::string upper_case(std::string text) {
    for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return text;
}

// A name the quantizer takes: files of retired types exist, but nobody makes them any more.
bool is_known_file_type(int64_t number) {
    constexpr std::array<int64_t, 6> kRetired = {4, 5, 6, 33, 34, 35};
    return std::ranges::find(kRetired, number) == kRetired.end() &&
           file_type_name(number).rfind("file type", 0) != 0;
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

// Says in one sentence what libllama would only hint at.
void require_model(const fs::path& original, const fs::path& out) {
    GgufFile::open(original);
    std::error_code ignored;
    if (!fs::equivalent(original, out, ignored)) return;
    throw Error(ErrorKind::kInput,
                fmt::format("'{}' is the original itself; it would be lost", out.string()),
                "give another file with -o");
}

// The file that libllama writes before it gets its name; goes with this object if it is still
// there.
class PartFile {
  public:
    explicit PartFile(const fs::path& out) : path_(fs::path(out).concat(".part")) {
        const AtomicFile writable(out);  // or an Error that says why not
    }
    ~PartFile() {
        std::error_code ignored;
        fs::remove(path_, ignored);
    }
    PartFile(const PartFile&) = delete;
    PartFile& operator=(const PartFile&) = delete;

    const fs::path& path() const { return path_; }
    // libllama does not say when it could not write: one more write does.
    void require_room() const {
        if (fs::exists(path_)) append_zeros(path_, kMoreBytes);
    }

  private:
    fs::path path_;
};

// What libllama says, of what kind that is, and what to do.
struct Refusal {
    const char* part;
    ErrorKind kind;
    const char* hint;
};
constexpr std::array kRefusals = {
    Refusal{"invalid data", ErrorKind::kNotFinite, "its weights hold NaN or infinity"},
    Refusal{"validation failed", ErrorKind::kNotFinite, "its weights hold NaN or infinity"},
    Refusal{"importance matrix", ErrorKind::kInput, "choose a type of more bits"},
    Refusal{"imatrix", ErrorKind::kInput, "choose a type of more bits"},
    Refusal{"requantizing", ErrorKind::kInput, "give the unquantized original"},
    Refusal{"", ErrorKind::kInput, "bitgauge inspect shows what the file holds"}};

[[noreturn]] void refuse(const fs::path& original, const std::string& file_type,
                         const std::string& reason) {
    const auto& refusal = *std::ranges::find_if(kRefusals, [&](const Refusal& known) {
        return reason.find(known.part) != std::string::npos;
    });
    throw Error(refusal.kind,
                fmt::format("libllama cannot quantize '{}' to {}: {}", original.string(), file_type,
                            reason),
                refusal.hint);
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
    require_model(original, out);
    const PartFile part(out);
    start_libllama();
    forget_llama_complaints();
    if (llama_model_quantize(original.c_str(), part.path().c_str(), &params) != 0) {
        part.require_room();
        refuse(original, file_type, llama_complaint());
    }
    publish_file(part.path(), out);
}

}  // namespace bitgauge
