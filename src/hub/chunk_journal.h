#pragma once

// Which chunks of a file that is being fetched are there: one byte a chunk, behind the file's own
// bytes in its `.part`, where the part's lock guards both and nothing can part them.

#include <cstdint>
#include <vector>

#include "bitgauge/hub.h"

#include "base/positioned_file.h"

namespace bitgauge {

// Thread-compatible. Failures as ResumableFile's.
class ChunkJournal {
  public:
    // Goes on with the journal at the part's end when that is one of this file in chunks of this
    // size; otherwise begins anew and takes the room that the file needs. The part outlives it.
    ChunkJournal(ResumableFile& part, const HubFile& file, uint64_t chunk_bytes);

    bool resumed() const { return resumed_; }
    size_t chunks() const { return done_.size(); }
    uint64_t begin_of(size_t chunk) const;
    uint64_t end_of(size_t chunk) const;
    bool is_done(size_t chunk) const { return done_[chunk] != 0; }
    bool complete() const { return first_open_ == done_.size(); }

    void mark(size_t chunk);
    uint64_t done_bytes() const { return done_bytes_; }
    // Everything below it is there.
    uint64_t contiguous_bytes() const;
    size_t contiguous_chunks() const { return first_open_; }

    void restart();                   // nothing is there any more
    void forget_beyond_contiguous();  // what follows will be written again
    void cut_off();                   // the part is the file's own bytes alone

  private:
    std::vector<std::byte> head() const;
    bool read_back();
    void count();

    ResumableFile& part_;
    const HubFile& file_;
    uint64_t chunk_bytes_;
    std::vector<uint8_t> done_;
    size_t first_open_ = 0;
    uint64_t done_bytes_ = 0;
    bool resumed_ = false;
};

// Bytes that an earlier run has fetched, read without a lock; 0 when there is no journal of it.
uint64_t fetched_before(const std::filesystem::path& path, const HubFile& file);

}  // namespace bitgauge
