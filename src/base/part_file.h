#pragma once

// What files.cpp and positioned_file.cpp share: a file that grows as `<path>.part`, written by one
// process at a time, and what is said when it cannot be written.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace bitgauge {

// What a killed process left at `part`.
enum class Earlier { kErase, kKeep };

// A descriptor for reading and writing, locked until it is closed; negative, with errno, where
// there can be none. Error(kEnvironment) while another process writes it.
int open_part(const std::filesystem::path& part, const std::filesystem::path& path,
              Earlier earlier);

// Counts what has been written; false, with errno, when not all of it could be.
bool write_all(int descriptor, std::span<const std::byte> bytes, uint64_t& written);

// Error(kEnvironment) with the reason in errno: "'<path>' could not be written after 12 bytes:
// ...".
[[noreturn]] void fail_to_write(const std::filesystem::path& path, const char* action,
                                uint64_t bytes);

// Where this fails the rename stands, only its durability is unknown.
void sync_folder_of(const std::filesystem::path& path);

}  // namespace bitgauge
