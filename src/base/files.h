#pragma once

// Files that are complete or absent, and files mapped for reading.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace bitgauge {

// A file that appears under its name only when commit() has written, synced and renamed it; before
// that it is `<path>.part`, which two processes never write at once (the second gets an Error, on
// file systems with locks). Destroyed without commit(), it leaves nothing. Thread-compatible.
// Every failure throws Error(kEnvironment) naming the path and the reason (no space left, ...).
class AtomicFile {
  public:
    explicit AtomicFile(std::filesystem::path path);
    ~AtomicFile();
    AtomicFile(const AtomicFile&) = delete;
    AtomicFile& operator=(const AtomicFile&) = delete;

    void write(std::span<const std::byte> bytes);
    void write(std::string_view text);
    uint64_t written_bytes() const { return written_bytes_; }
    void commit();

  private:
    [[noreturn]] void fail(const char* action) const;

    std::filesystem::path path_;
    std::filesystem::path part_;
    int descriptor_ = -1;
    uint64_t written_bytes_ = 0;
};

void write_file_atomically(const std::filesystem::path& path, std::string_view text);

// Whole content; Error(kInput) when it cannot be read.
std::string read_text_file(const std::filesystem::path& path);

// A file's bytes, read-only, for as long as the object lives; movable. Error(kInput) when it cannot
// be opened or is no regular file. An empty file maps to an empty span. Thread-safe for reading.
class MappedFile {
  public:
    explicit MappedFile(const std::filesystem::path& path);
    ~MappedFile();
    MappedFile(MappedFile&& other) noexcept;
    MappedFile& operator=(MappedFile&& other) noexcept;

    std::span<const std::byte> bytes() const { return {data_, size_}; }

    // The kernel may drop these pages from memory; they are read again when touched.
    void forget(size_t offset, size_t size) const;

  private:
    const std::byte* data_ = nullptr;
    size_t size_ = 0;
};

// Where what can be made again is kept: ${XDG_CACHE_HOME:-~/.cache}/bitgauge; empty where the
// environment names neither.
std::filesystem::path cache_folder();

// A folder of this process alone, gone with the object. Error(kEnvironment).
class TemporaryFolder {
  public:
    TemporaryFolder();
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

// Creates the folder and its parents; Error(kEnvironment) when that fails.
void make_folder(const std::filesystem::path& path);

}  // namespace bitgauge
