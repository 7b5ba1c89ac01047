#include "base/positioned_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "bitgauge/error.h"

namespace bitgauge {
namespace fs = std::filesystem;

namespace {

// Bytes read: fewer than asked for where the file ends; negative, with errno, on failure.
ssize_t read_all(int descriptor, uint64_t offset, std::span<std::byte> bytes) {
    size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t n = ::pread(descriptor, bytes.data() + done, bytes.size() - done,
                                  static_cast<off_t>(offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return n;
        if (n == 0) break;
        done += static_cast<size_t>(n);
    }
    return static_cast<ssize_t>(done);
}

// In memory room is taken page by page, by one thread: there it is only looked for.
bool is_in_memory(const struct statfs& where) {
    return where.f_type == TMPFS_MAGIC;
}

bool has_room(const struct statfs& where, uint64_t bytes) {
    if (where.f_blocks == 0) return true;  // without a limit
    errno = ENOSPC;
    return bytes <= where.f_bavail * static_cast<uint64_t>(where.f_bsize);
}

// False, with errno, where there is no room; file systems that cannot promise it only set the size.
bool take_room(int descriptor, uint64_t bytes) {
    const auto size = static_cast<off_t>(bytes);
    struct statfs where = {};
    if (::fstatfs(descriptor, &where) == 0 && is_in_memory(where)) {
        struct stat now = {};
        ::fstat(descriptor, &now);
        const uint64_t taken = static_cast<uint64_t>(now.st_blocks) * 512;
        if (taken < bytes && !has_room(where, bytes - taken)) return false;
        return ::ftruncate(descriptor, size) == 0;
    }
    if (size > 0 && ::fallocate(descriptor, 0, 0, size) == 0) return true;
    if (size > 0 && errno != EOPNOTSUPP && errno != ENOSYS) return false;
    return ::ftruncate(descriptor, size) == 0;
}

}  // namespace

PositionedReader::PositionedReader(fs::path path)
    : path_(std::move(path)), descriptor_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ >= 0) return;
    throw Error(ErrorKind::kInput,
                fmt::format("'{}' cannot be read: {}", path_.string(), std::strerror(errno)),
                "check the path and its permissions");
}

PositionedReader::~PositionedReader() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

PositionedReader::PositionedReader(PositionedReader&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

void PositionedReader::read(uint64_t offset, std::span<std::byte> bytes) const {
    const ssize_t n = read_all(descriptor_, offset, bytes);
    if (n == static_cast<ssize_t>(bytes.size())) return;
    if (n < 0) {
        throw Error(ErrorKind::kEnvironment,
                    fmt::format("'{}' cannot be read at byte {}: {}", path_.string(), offset,
                                std::strerror(errno)),
                    "check the disk");
    }
    throw Error(ErrorKind::kInput,
                fmt::format("'{}' has become shorter: it ends at byte {}, {} more were expected",
                            path_.string(), offset + static_cast<uint64_t>(n),
                            bytes.size() - static_cast<size_t>(n)),
                "do not change the file while it is read");
}

void PositionedReader::will_need(uint64_t offset, uint64_t size) const {
    ::posix_fadvise(descriptor_, static_cast<off_t>(offset), static_cast<off_t>(size),
                    POSIX_FADV_WILLNEED);
}

void PositionedReader::will_not_need(uint64_t offset, uint64_t size) const {
    ::posix_fadvise(descriptor_, static_cast<off_t>(offset), static_cast<off_t>(size),
                    POSIX_FADV_DONTNEED);
}

void ReadAhead::reach(const PositionedReader& reader, uint64_t offset, uint64_t end) {
    constexpr uint64_t kStep = uint64_t{32} << 20;
    if (offset < announced_) return;
    const uint64_t size = std::min(kStep, end - offset);
    reader.will_need(offset, size);
    announced_ = offset + size;
}

ResumableFile::ResumableFile(fs::path path, Earlier earlier)
    : path_(std::move(path)), part_(path_) {
    part_ += ".part";
    if (fs::is_directory(path_)) {
        errno = EISDIR;
        fail_to_write(path_, "created", 0);
    }
    descriptor_ = open_part(part_, path_, earlier);
    if (descriptor_ < 0) fail_to_write(path_, "created", 0);
}

ResumableFile::~ResumableFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

ResumableFile::ResumableFile(ResumableFile&& other) noexcept
    : path_(std::move(other.path_)),
      part_(std::move(other.part_)),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

uint64_t ResumableFile::size() const {
    struct stat info {};
    return ::fstat(descriptor_, &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
}

void ResumableFile::reserve(uint64_t bytes) {
    const bool done = size() <= bytes ? take_room(descriptor_, bytes)
                                      : ::ftruncate(descriptor_, static_cast<off_t>(bytes)) == 0;
    if (!done) fail_to_write(path_, fmt::format("given its {} bytes", bytes).c_str(), 0);
}

void ResumableFile::write(uint64_t offset, std::span<const std::byte> bytes) {
    size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t n = ::pwrite(descriptor_, bytes.data() + done, bytes.size() - done,
                                   static_cast<off_t>(offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) fail_to_write(path_, "written", offset + done);
        done += static_cast<size_t>(n);
    }
}

bool ResumableFile::read(uint64_t offset, std::span<std::byte> bytes) const {
    return read_all(descriptor_, offset, bytes) == static_cast<ssize_t>(bytes.size());
}

void ResumableFile::written(uint64_t offset, uint64_t size) const {
    ::sync_file_range(descriptor_, static_cast<off_t>(offset), static_cast<off_t>(size),
                      SYNC_FILE_RANGE_WRITE);
}

void ResumableFile::sync() {
    if (::fsync(descriptor_) != 0) fail_to_write(path_, "synced", 0);
}

void ResumableFile::publish() {
    if (::rename(part_.c_str(), path_.c_str()) != 0) fail_to_write(path_, "renamed", 0);
    ::close(std::exchange(descriptor_, -1));
    sync_folder_of(path_);
}

void ResumableFile::discard() {
    if (descriptor_ < 0) return;
    ::unlink(part_.c_str());
    ::close(std::exchange(descriptor_, -1));
}

}  // namespace bitgauge
