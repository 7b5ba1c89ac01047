#include "base/hash.h"

#include <algorithm>
#include <new>

#include <fmt/format.h>

#include "base/files.h"

#include <xxhash.h>

namespace bitgauge {

struct ContentHash::State {
    State() : xxh(XXH3_createState()) {
        if (xxh == nullptr) throw std::bad_alloc();
        XXH3_128bits_reset(xxh);
    }
    ~State() { XXH3_freeState(xxh); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    XXH3_state_t* xxh;
};

ContentHash::ContentHash() : state_(std::make_unique<State>()) {}
ContentHash::~ContentHash() = default;
ContentHash::ContentHash(ContentHash&&) noexcept = default;

ContentHash& ContentHash::add(std::span<const std::byte> bytes) {
    XXH3_128bits_update(state_->xxh, bytes.data(), bytes.size());
    return *this;
}

ContentHash& ContentHash::add(std::string_view text) {
    return add(std::as_bytes(std::span(text)));
}

std::string ContentHash::hex() const {
    const XXH128_hash_t digest = XXH3_128bits_digest(state_->xxh);
    return fmt::format("{:016x}{:016x}", digest.high64, digest.low64);
}

std::string hash_text(std::string_view text) {
    return ContentHash().add(text).hex();
}

uint64_t quick_hash(std::span<const std::byte> bytes) {
    return XXH3_64bits(bytes.data(), bytes.size());
}

std::string combined_hash(const std::vector<std::string>& hashes) {
    ContentHash hash;
    for (const std::string& one : hashes) hash.add(one);
    return hash.hex();
}

std::string hash_file(const std::filesystem::path& path) {
    constexpr size_t kStep = size_t{64} << 20;  // pages are dropped after each step
    const MappedFile file(path);
    const auto bytes = file.bytes();
    ContentHash hash;
    for (size_t at = 0; at < bytes.size(); at += kStep) {
        const size_t n = std::min(kStep, bytes.size() - at);
        hash.add(bytes.subspan(at, n));
        file.forget(at, n);
    }
    return hash.hex();
}

}  // namespace bitgauge
