#include "base/files.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "bitgauge/error.h"

#include "base/part_file.h"

namespace bitgauge {
namespace fs = std::filesystem;

AtomicFile::AtomicFile(fs::path path) : path_(std::move(path)), part_(path_) {
    part_ += ".part";
    if (fs::is_directory(path_)) {
        errno = EISDIR;
        fail("created");
    }
    descriptor_ = open_part(part_, path_, Earlier::kErase);
    if (descriptor_ < 0) fail("created");
}

AtomicFile::~AtomicFile() {
    if (descriptor_ < 0) return;
    ::unlink(part_.c_str());
    ::close(descriptor_);
}

void AtomicFile::fail(const char* action) const {
    fail_to_write(path_, action, written_bytes_);
}

void AtomicFile::write(std::span<const std::byte> bytes) {
    if (!write_all(descriptor_, bytes, written_bytes_)) fail("written");
}

void AtomicFile::write(std::string_view text) {
    write(std::as_bytes(std::span(text)));
}

void AtomicFile::commit() {
    if (::fsync(descriptor_) != 0) fail("synced");
    if (::rename(part_.c_str(), path_.c_str()) != 0) fail("renamed");
    ::close(std::exchange(descriptor_, -1));
    sync_folder_of(path_);
}

void write_file_atomically(const fs::path& path, std::string_view text) {
    AtomicFile file(path);
    file.write(text);
    file.commit();
}

std::string read_text_file(const fs::path& path) {
    const MappedFile file(path);
    const auto bytes = file.bytes();
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

MappedFile::MappedFile(const fs::path& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat info {};
    if (descriptor < 0 || ::fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) {
        const std::string reason = descriptor < 0 ? std::strerror(errno) : "not a regular file";
        if (descriptor >= 0) ::close(descriptor);
        throw Error(ErrorKind::kInput,
                    fmt::format("'{}' cannot be read: {}", path.string(), reason),
                    "check the path and its permissions");
    }
    size_ = static_cast<size_t>(info.st_size);
    void* mapped =
        size_ == 0 ? nullptr : ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, descriptor, 0);
    const int reason = errno;
    ::close(descriptor);
    if (mapped == MAP_FAILED) {
        throw Error(ErrorKind::kEnvironment,
                    fmt::format("'{}' cannot be mapped: {}", path.string(), std::strerror(reason)));
    }
    data_ = static_cast<const std::byte*>(mapped);
}

MappedFile::~MappedFile() {
    if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
}

void MappedFile::forget(size_t offset, size_t size) const {
    const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    const size_t first = (offset + page - 1) / page * page;
    const size_t last = (offset + size) / page * page;
    if (data_ == nullptr || first >= last || last > size_) return;
    ::madvise(const_cast<std::byte*>(data_) + first, last - first, MADV_DONTNEED);
}

TemporaryFolder::TemporaryFolder() {
    std::string name = fs::temp_directory_path() / "bitgauge-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) {
        throw Error(ErrorKind::kEnvironment, "no temporary folder could be made",
                    "set TMPDIR to a folder that can be written");
    }
    path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

void make_folder(const fs::path& path) {
    std::error_code failed;
    fs::create_directories(path, failed);
    if (failed && !fs::is_directory(path)) {
        throw Error(ErrorKind::kEnvironment,
                    fmt::format("folder '{}' cannot be made: {}", path.string(), failed.message()),
                    "check the path and its permissions");
    }
}

fs::path cache_folder() {
    const char* cache = std::getenv("XDG_CACHE_HOME");
    if (cache != nullptr && *cache != '\0') return fs::path(cache) / "bitgauge";
    const char* home = std::getenv("HOME");
    return home == nullptr ? fs::path() : fs::path(home) / ".cache/bitgauge";
}

}  // namespace bitgauge
