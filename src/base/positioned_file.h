#pragma once

// Files read and written at positions, by many threads at once; the one that is written survives
// the process that writes it.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include "base/part_file.h"

namespace bitgauge {

// A file being read. Thread-safe.
class PositionedReader {
  public:
    // Error(kInput) when it cannot be opened.
    explicit PositionedReader(std::filesystem::path path);
    ~PositionedReader();
    PositionedReader(PositionedReader&& other) noexcept;
    PositionedReader& operator=(PositionedReader&&) = delete;

    // Fills `bytes` from byte `offset` on. Error(kInput) when the file ends before, Error(
    // kEnvironment) when the disk fails.
    void read(uint64_t offset, std::span<std::byte> bytes) const;
    // These bytes will be asked for soon: the kernel may fetch them meanwhile.
    void will_need(uint64_t offset, uint64_t size) const;
    // These bytes will not be asked for again soon: the kernel may forget them.
    void will_not_need(uint64_t offset, uint64_t size) const;

  private:
    std::filesystem::path path_;
    int descriptor_ = -1;
};

// Tells the kernel, tens of MiB at a time, what somebody who reads forward will ask for.
class ReadAhead {
  public:
    // Bytes from `offset` on are about to be read; at `end` the reading stops.
    void reach(const PositionedReader& reader, uint64_t offset, uint64_t end);

  private:
    uint64_t announced_ = 0;
};

// A file of known size that appears under its name only at publish(); before that it is
// `<path>.part`, which outlives the process, so that another one can go on where this one was
// stopped. Two processes never write it at once. write() and read() are thread-safe, the rest is
// thread-compatible. Every failure throws Error(kEnvironment) naming the path and the reason.
class ResumableFile {
  public:
    // Goes on with what stands in `<path>.part`, or erases it.
    ResumableFile(std::filesystem::path path, Earlier earlier);
    ~ResumableFile();
    ResumableFile(ResumableFile&& other) noexcept;
    ResumableFile& operator=(ResumableFile&&) = delete;

    // Makes the file `bytes` long and takes that room from the disk where the file system can; what
    // is in it already stays, new bytes are zero.
    void reserve(uint64_t bytes);
    uint64_t size() const;  // of what is there

    void write(uint64_t offset, std::span<const std::byte> bytes);
    // What was written before; false when the file ends earlier.
    bool read(uint64_t offset, std::span<std::byte> bytes) const;

    // These bytes are complete: the kernel may put them on the disk meanwhile, for a short sync().
    void written(uint64_t offset, uint64_t size) const;
    void sync();
    void publish();  // after sync()
    void discard();  // nothing is left
    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
    std::filesystem::path part_;
    int descriptor_ = -1;
};

}  // namespace bitgauge
