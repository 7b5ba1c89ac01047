#include "gguf/checksum.h"

#include <algorithm>
#include <span>
#include <string>

#include "base/files.h"
#include "base/hash.h"

namespace bitgauge {

bool checksum_holds(const std::filesystem::path& path) {
    constexpr size_t kStep = size_t{64} << 20;  // pages are dropped after each step
    const MappedFile file(path);
    const auto bytes = file.bytes();
    if (bytes.size() < kChecksumBytes) return false;
    const size_t end = bytes.size() - kChecksumBytes;
    ContentHash hash;
    for (size_t at = 0; at < end; at += kStep) {
        const size_t n = std::min(kStep, end - at);
        hash.add(bytes.subspan(at, n));
        file.forget(at, n);
    }
    const std::string digits = hash.hex();
    return std::ranges::equal(bytes.subspan(end), std::as_bytes(std::span(digits)));
}

}  // namespace bitgauge
