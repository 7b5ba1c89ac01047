#pragma once

// One file from its address to its place: whole, with the right hash, or absent.

#include <cstdint>
#include <filesystem>
#include <string>

#include "bitgauge/hub.h"

namespace bitgauge {

// Bytes of all files as steps of MiB.
class ByteProgress {
  public:
    ByteProgress(Progress& progress, uint64_t total_bytes);
    ~ByteProgress();
    ByteProgress(const ByteProgress&) = delete;
    ByteProgress& operator=(const ByteProgress&) = delete;

    // So many bytes of the file in progress are there.
    void reach(uint64_t bytes);
    // The file in progress, of this size, is complete.
    void next_file(uint64_t bytes);
    Progress& progress() { return progress_; }

  private:
    Progress& progress_;
    uint64_t before_ = 0;  // bytes of the files before this one
    uint64_t shown_ = 0;   // steps
};

// Goes on with an earlier run's `<place>.part`. Errors as hub.h says; what has been fetched stays,
// except when all of it has another hash than the repository says.
void download_file(const std::string& url, const HubFile& file, const std::filesystem::path& place,
                   const HubOptions& options, ByteProgress& progress);

// The same from a file on this machine.
void copy_file_checked(const std::filesystem::path& from, const HubFile& file,
                       const std::filesystem::path& place, ByteProgress& progress);

// The file has the repository's hash.
bool has_hash(const std::filesystem::path& path, const HubFile& file);

}  // namespace bitgauge
