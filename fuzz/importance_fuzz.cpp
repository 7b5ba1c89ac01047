// Importance files from arbitrary bytes, in either format: read or refused with Error, never
// anything else; every entry's values can be had. Good seeds are small files of both formats.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <unistd.h>

#include <sys/mman.h>

#include "bitgauge/error.h"
#include "bitgauge/importance.h"

namespace {

void require(bool promise) {
    if (!promise) std::abort();
}

// A file in memory, under a path that can be opened.
class MemoryFile {
  public:
    MemoryFile(const uint8_t* data, size_t size)
        : descriptor_(::memfd_create("importance", MFD_CLOEXEC)) {
        require(::write(descriptor_, data, size) == static_cast<ssize_t>(size));
    }
    ~MemoryFile() { ::close(descriptor_); }
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;

    std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

  private:
    int descriptor_;
};

void read_all(const std::string& path) {
    using bitgauge::UnseenExperts;
    const auto importance = bitgauge::Importance::read(path);
    require(!importance.entries().empty());
    for (const auto& entry : importance.entries()) {
        require(importance.find(entry.tensor) == &entry);
        for (const auto unseen : {UnseenExperts::kPlain, UnseenExperts::kMean}) {
            require(importance.mean_squares(entry, unseen).size() == entry.values);
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const MemoryFile file(data, size);
    try {
        read_all(file.path());
    } catch (const bitgauge::Error&) {
    }
    return 0;
}
