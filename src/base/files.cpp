#include "base/files.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <unistd.h>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "bitgauge/error.h"

namespace bitgauge {
namespace fs = std::filesystem;

namespace {

bool is_at(int descriptor, const fs::path& path) {
    struct stat open_one {};
    struct stat named {};
    return ::fstat(descriptor, &open_one) == 0 && ::stat(path.c_str(), &named) == 0 &&
           open_one.st_ino == named.st_ino && open_one.st_dev == named.st_dev;
}

// Held until the descriptor is closed. A file system without locks is taken as it is.
void lock_or_refuse(int descriptor, const fs::path& path) {
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
    ::close(descriptor);
    throw Error(ErrorKind::kEnvironment,
                fmt::format("'{}' is being written by another process", path.string()),
                "wait until that has ended, then run the same command again");
}

int make_empty(int descriptor) {
    struct stat info {};
    const bool regular = ::fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode);
    if (!regular || ::ftruncate(descriptor, 0) == 0) return descriptor;
    ::close(descriptor);
    return -1;
}

// What a killed process left at `part` is written over. Negative, with errno, where it cannot be.
int open_alone(const fs::path& part, const fs::path& path) {
    for (;;) {
        const int descriptor = ::open(part.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        if (descriptor < 0) return descriptor;
        lock_or_refuse(descriptor, path);
        if (is_at(descriptor, part)) return make_empty(descriptor);
        ::close(descriptor);  // another process has renamed it meanwhile
    }
}

// Where this fails the rename stands, only its durability is unknown.
void sync_folder_of(const fs::path& path) {
    const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return;
    ::fsync(descriptor);
    ::close(descriptor);
}

// Counts what has been written; false, with errno, when not all of it could be.
bool write_all(int descriptor, std::span<const std::byte> bytes, uint64_t& written) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(descriptor, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        bytes = bytes.subspan(static_cast<size_t>(n));
        written += static_cast<uint64_t>(n);
    }
    return true;
}

[[noreturn]] void fail_to_write(const fs::path& path, const char* action, uint64_t bytes) {
    const int reason = errno;
    const bool full = reason == ENOSPC || reason == EFBIG || reason == EDQUOT;
    throw Error(
        ErrorKind::kEnvironment,
        fmt::format("'{}' could not be {}{}: {}", path.string(), action,
                    bytes > 0 ? fmt::format(" after {} bytes", bytes) : "", std::strerror(reason)),
        full ? "free some space or choose another place, then run the same command again"
             : "check the folder and its permissions");
}

}  // namespace

AtomicFile::AtomicFile(fs::path path) : path_(std::move(path)), part_(path_) {
    part_ += ".part";
    if (fs::is_directory(path_)) {
        errno = EISDIR;
        fail("created");
    }
    descriptor_ = open_alone(part_, path_);
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

void publish_file(const fs::path& part, const fs::path& path) {
    const int descriptor = ::open(part.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0 || ::fsync(descriptor) != 0) fail_to_write(path, "synced", 0);
    ::close(descriptor);
    if (::rename(part.c_str(), path.c_str()) != 0) fail_to_write(path, "renamed", 0);
    sync_folder_of(path);
}

void append_zeros(const fs::path& path, size_t bytes) {
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
    if (descriptor < 0) fail_to_write(path, "opened", 0);
    uint64_t written = fs::file_size(path);
    if (!write_all(descriptor, std::vector<std::byte>(bytes), written)) {
        fail_to_write(path, "written", written);
    }
    ::close(descriptor);
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

void make_folder(const fs::path& path) {
    std::error_code failed;
    fs::create_directories(path, failed);
    if (failed && !fs::is_directory(path)) {
        throw Error(ErrorKind::kEnvironment,
                    fmt::format("folder '{}' cannot be made: {}", path.string(), failed.message()),
                    "check the path and its permissions");
    }
}

}  // namespace bitgauge
