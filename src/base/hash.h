#pragma once

// Identity of contents: XXH3 of 128 bits (Collet 2019), as fast as memory. It tells two files
// apart; it is no protection against someone who wants a collision.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bitgauge {

// 32 hexadecimal digits. Thread-compatible.
class ContentHash {
  public:
    ContentHash();
    ~ContentHash();
    ContentHash(ContentHash&&) noexcept;

    ContentHash& add(std::span<const std::byte> bytes);
    ContentHash& add(std::string_view text);
    std::string hex() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

std::string hash_text(std::string_view text);

// XXH3 of 64 bits: for tables in memory, never for a name on disk.
uint64_t quick_hash(std::span<const std::byte> bytes);

// One hash of several, in their order.
std::string combined_hash(const std::vector<std::string>& hashes);

// Reads the whole file; Error(kInput) when it cannot be read.
std::string hash_file(const std::filesystem::path& path);

}  // namespace bitgauge
