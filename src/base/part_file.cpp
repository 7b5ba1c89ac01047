#include "base/part_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/file.h>
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

}  // namespace

int open_part(const fs::path& part, const fs::path& path, Earlier earlier) {
    for (;;) {
        const int descriptor = ::open(part.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        if (descriptor < 0) return descriptor;
        lock_or_refuse(descriptor, path);
        if (is_at(descriptor, part)) {
            return earlier == Earlier::kErase ? make_empty(descriptor) : descriptor;
        }
        ::close(descriptor);  // another process has renamed it meanwhile
    }
}

void sync_folder_of(const fs::path& path) {
    const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return;
    ::fsync(descriptor);
    ::close(descriptor);
}

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

void fail_to_write(const fs::path& path, const char* action, uint64_t bytes) {
    const int reason = errno;
    const bool full = reason == ENOSPC || reason == EFBIG || reason == EDQUOT;
    throw Error(
        ErrorKind::kEnvironment,
        fmt::format("'{}' could not be {}{}: {}", path.string(), action,
                    bytes > 0 ? fmt::format(" after {} bytes", bytes) : "", std::strerror(reason)),
        full ? "free some space or choose another place, then run the same command again"
             : "check the folder and its permissions");
}

}  // namespace bitgauge
