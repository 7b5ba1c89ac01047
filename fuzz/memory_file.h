#pragma once

// What fuzz targets of files share.

#include <cstdlib>
#include <string>
#include <string_view>
#include <unistd.h>

#include <sys/mman.h>

inline void require(bool promise) {
    if (!promise) std::abort();
}

// A file in memory, under a path that can be opened.
class MemoryFile {
  public:
    explicit MemoryFile(std::string_view bytes) : descriptor_(::memfd_create("fuzz", MFD_CLOEXEC)) {
        require(::write(descriptor_, bytes.data(), bytes.size()) ==
                static_cast<ssize_t>(bytes.size()));
    }
    ~MemoryFile() { ::close(descriptor_); }
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;

    std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

  private:
    int descriptor_;
};
