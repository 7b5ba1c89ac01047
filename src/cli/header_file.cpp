#include "cli/header_file.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <system_error>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/files.h"
#include "gguf/header_check.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

constexpr uint64_t kFirstPrefix = uint64_t{1} << 20;
constexpr uint64_t kLongestHeader = uint64_t{256} << 20;

void make_longer(const fs::path& path, uint64_t bytes) {
    std::error_code failed;
    if (fs::file_size(path, failed) < bytes && !failed) fs::resize_file(path, bytes, failed);
    if (!failed) return;
    throw Error(ErrorKind::kEnvironment,
                fmt::format("'{}' cannot be made {} bytes long: {}", path.string(), bytes,
                            failed.message()),
                "set TMPDIR to a folder on a file system with sparse files");
}

// Where the first tensor's data begin, and where the last one's end.
struct Extent {
    uint64_t begin = UINT64_MAX;
    uint64_t end = 0;
};

Extent extent_of(const GgufFile& file, uint32_t shard) {
    Extent extent;
    for (const TensorInfo& tensor : file.tensors()) {
        if (tensor.shard != shard) continue;
        extent.begin = std::min(extent.begin, tensor.offset);
        extent.end = std::max(extent.end, tensor.offset + tensor.bytes);
    }
    return extent;
}

std::string beginning(const fs::path& path, uint64_t most) {
    const MappedFile file(path);
    const auto bytes = file.bytes().first(std::min<uint64_t>(file.bytes().size(), most));
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Whether the bytes hold a header as a whole; what is none at all is refused at once.
bool is_whole(const std::string& bytes, const std::string& name, bool last) {
    try {
        const HeaderLayout layout = check_header(std::as_bytes(std::span(bytes)), name);
        return last || layout.data <= bytes.size();
    } catch (const Error&) {
        if (last || !bytes.starts_with("GGUF")) throw;
        return false;
    }
}

std::string fetch_header(const HubListing& listing, const HubFile& file, const HubOptions& options,
                         uint64_t& fetched_bytes) {
    std::string bytes;
    for (uint64_t want = kFirstPrefix;; want *= 2) {
        const std::string more = fetch_range(listing, file, bytes.size(), want, options);
        fetched_bytes += more.size();
        bytes += more;
        const bool last = more.empty() || bytes.size() >= std::min(file.bytes, kLongestHeader);
        if (is_whole(bytes, file.path, last)) return bytes;
    }
}

}  // namespace

fs::path write_header_files(const GgufFile& file, const fs::path& folder) {
    make_folder(folder);
    for (uint32_t shard = 0; shard < file.shards().size(); ++shard) {
        const Extent extent = extent_of(file, shard);
        const fs::path path = folder / file.shards()[shard].filename();
        write_file_atomically(path, beginning(file.shards()[shard], extent.begin));
        make_longer(path, extent.end);
    }
    return folder / file.shards().front().filename();
}

fs::path fetch_headers(const HubListing& listing, const HubModel& model, const fs::path& folder,
                       const HubOptions& options, uint64_t& fetched_bytes) {
    make_folder(folder);
    for (const HubFile& file : model.files) {
        const std::string header = fetch_header(listing, file, options, fetched_bytes);
        write_file_atomically(folder / fs::path(file.path).filename(), header);
    }
    fs::path first = folder / fs::path(model.files.front().path).filename();
    const GgufFile file = GgufFile::open_header(first);
    for (uint32_t shard = 0; shard < file.shards().size(); ++shard) {
        make_longer(file.shards()[shard], extent_of(file, shard).end);
    }
    return first;
}

}  // namespace bitgauge
