// Importance files from arbitrary bytes, in either format: read or refused with Error, never
// anything else; every entry's values can be had. Good seeds are small files of both formats.

#include <cstddef>
#include <cstdint>
#include <string>

#include "bitgauge/error.h"
#include "bitgauge/importance.h"

#include "memory_file.h"

namespace {

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
    const MemoryFile file({reinterpret_cast<const char*>(data), size});
    try {
        read_all(file.path());
    } catch (const bitgauge::Error&) {
    }
    return 0;
}
