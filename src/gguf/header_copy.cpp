#include "gguf/header_copy.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <tuple>
#include <vector>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/files.h"
#include "base/hash.h"
#include "base/interrupt.h"
#include "gguf/checksum.h"
#include "gguf/gguf_handle.h"
#include "gguf/header_check.h"

#include <gguf.h>

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

constexpr size_t kCopyStep = size_t{8} << 20;

// What lies behind a file's header, in steps that do not fill the memory.
class TensorData {
  public:
    explicit TensorData(const fs::path& path)
        : file_(path),
          begin_(std::min<uint64_t>(check_header(file_.bytes(), path.string()).data,
                                    file_.bytes().size())) {}

    uint64_t begin() const { return begin_; }

    // Calls `use` with one step after the other; returns the hash of all.
    template <class Use>
    std::string each(Progress& progress, const Use& use) const {
        const std::span<const std::byte> data = file_.bytes().subspan(begin_);
        ContentHash hash;
        for (size_t at = 0; at < data.size(); at += kCopyStep) {
            throw_if_interrupted("run the same command again");
            const auto step = data.subspan(at, std::min(kCopyStep, data.size() - at));
            hash.add(step);
            use(step);
            file_.forget(begin_ + at, step.size());
            progress.advance(1);
        }
        return hash.hex();
    }
    int64_t steps() const {
        return static_cast<int64_t>((file_.bytes().size() - begin_ + kCopyStep - 1) / kCopyStep);
    }

  private:
    MappedFile file_;
    uint64_t begin_;
};

[[noreturn]] void refuse_copy(const GgufFile& file, const std::string& why,
                              const std::string& hint) {
    throw Error(ErrorKind::kInput, fmt::format("'{}' {}", file.shards().front().string(), why),
                hint);
}

void require_whole(const GgufFile& file, const gguf_context* header, const fs::path& path) {
    if (file.shards().size() > 1) {
        refuse_copy(file, fmt::format("is split into {} files", file.shards().size()),
                    "merge it with llama-gguf-split --merge first");
    }
    if (static_cast<size_t>(gguf_get_n_tensors(header)) != file.tensors().size()) {
        refuse_copy(file, "has tensors of types that only ik_llama.cpp knows", "");
    }
    if (file.find_tensor(kChecksumTensor) != nullptr) {
        refuse_copy(file, "ends with a checksum of itself: it is no model", "");
    }
    std::error_code absent;
    if (fs::equivalent(file.shards().front(), path, absent)) {
        refuse_copy(file, "would be replaced by its copy", "give another path for the new file");
    }
}

std::vector<std::byte> header_with(gguf_context* header,
                                   const std::map<std::string, std::string>& texts) {
    for (const auto& [key, text] : texts) {
        if (text.find('\0') != std::string::npos) {
            throw Error(ErrorKind::kInput, fmt::format("the text of '{}' has a zero byte", key));
        }
        gguf_set_val_str(header, key.c_str(), text.c_str());
    }
    std::vector<std::byte> bytes(gguf_get_meta_size(header));
    gguf_get_meta_data(header, bytes.data());
    return bytes;
}

// The tensor table, offsets counted from where the data begin.
auto table_of(const GgufFile& file, uint64_t data) {
    std::vector<std::tuple<std::string, int, std::vector<uint64_t>, uint64_t>> table;
    for (const TensorInfo& tensor : file.tensors()) {
        table.emplace_back(tensor.name, tensor.type_id, tensor.shape, tensor.offset - data);
    }
    return table;
}

bool same_tensors(const GgufFile& file, uint64_t data, const std::string& hash,
                  const fs::path& path, Progress& progress) {
    const TensorData written(path);
    return table_of(GgufFile::open(path), written.begin()) == table_of(file, data) &&
           written.each(progress, [](auto) {}) == hash;
}

}  // namespace

std::string write_with_texts(const GgufFile& file, const std::map<std::string, std::string>& texts,
                             const fs::path& path, Progress& progress) {
    const GgufHandle header = read_gguf_header(file.shards().front());
    require_whole(file, header.get(), path);
    const TensorData data(file.shards().front());
    progress.begin("copying", 2 * data.steps(), "steps");
    AtomicFile copy(path);
    copy.write(header_with(header.get(), texts));
    std::string hash = data.each(progress, [&](auto step) { copy.write(step); });
    copy.commit();
    const bool same = same_tensors(file, data.begin(), hash, path, progress);
    progress.end();
    if (same) return hash;
    std::error_code ignored;
    fs::remove(path, ignored);
    throw Error(ErrorKind::kEnvironment,
                fmt::format("'{}' read back other tensors than were written", path.string()),
                "check the disk");
}

}  // namespace bitgauge
