#include "gguf/gguf_handle.h"

#include <mutex>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/files.h"
#include "gguf/header_check.h"
#include "gguf/ik_header.h"

namespace bitgauge {
namespace {

// ggml's log goes into a string for as long as this lives. The callback is global, hence the lock.
class CapturedLog {
  public:
    CapturedLog() : lock_(mutex()) {
        ggml_log_get(&old_callback_, &old_data_);
        ggml_log_set(append, &text_);
    }
    ~CapturedLog() { ggml_log_set(old_callback_, old_data_); }
    CapturedLog(const CapturedLog&) = delete;
    CapturedLog& operator=(const CapturedLog&) = delete;

    // The first line without the name of ggml's function: the cause; the rest says who gave up.
    std::string cause() const {
        std::string line = text_.substr(0, text_.find('\n'));
        const size_t colon = line.find(": ");
        return colon == std::string::npos ? line : line.substr(colon + 2);
    }

  private:
    static std::mutex& mutex() {
        static std::mutex one;
        return one;
    }
    static void append(ggml_log_level, const char* text, void* data) {
        static_cast<std::string*>(data)->append(text);
    }

    std::lock_guard<std::mutex> lock_;
    std::string text_;
    ggml_log_callback old_callback_ = nullptr;
    void* old_data_ = nullptr;
};

}  // namespace

GgufHandle read_gguf_header(const std::filesystem::path& path) {
    const MappedFile file(path);
    const HeaderLayout layout = check_header(file.bytes(), path.string());
    const CapturedLog log;
    constexpr gguf_init_params kNoData = {/*no_alloc=*/true, /*ctx=*/nullptr};
    GgufHandle header;
    if (has_ik_types(file.bytes(), layout)) {
        const std::vector<std::byte> keys = without_tensors(file.bytes(), layout);
        header.reset(gguf_init_from_buffer(keys.data(), keys.size(), kNoData));
    } else {
        header.reset(gguf_init_from_file(path.c_str(), kNoData));
    }
    if (header == nullptr) {
        throw Error(ErrorKind::kInput,
                    fmt::format("'{}' is damaged: {}", path.string(), log.cause()),
                    "fetch or make the file again");
    }
    return header;
}

}  // namespace bitgauge
