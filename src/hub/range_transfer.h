#pragma once

// The chunks of one file that are not there yet, over several connections at once.
//
// A connection asks for a chunk; when it drops, what has come stays and the rest is asked for again
// after a pause. The first answer's final address is where the others ask directly, until that is
// refused (signed addresses expire). A server that ignores ranges gets one stream from the file's
// beginning. Bytes of a chunk that is done are never written again, so that they may be hashed.

#include <chrono>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bitgauge/hub.h"

#include "base/positioned_file.h"

#include "hub/chunk_journal.h"
#include "hub/http_client.h"

namespace bitgauge {

// Thread-compatible.
class RangeTransfer {
  public:
    // All of them outlive the object.
    RangeTransfer(const std::string& url, const HubFile& file, const HubOptions& options,
                  ResumableFile& part, ChunkJournal& journal);
    ~RangeTransfer();

    // Until every chunk is there. `on_bytes` hears now and then how many bytes of the file are.
    void run(const std::function<void(uint64_t)>& on_bytes, Progress& progress);

  private:
    using Clock = std::chrono::steady_clock;
    enum class Answer { kUnseen, kGood, kIgnoresRange, kPage, kOtherLength, kTooLong };

    struct Range {
        size_t chunk = 0;
        uint64_t begin = 0;
        uint64_t end = 0;
        uint64_t at = 0;     // next byte
        int tries = 0;       // without success, one after the other
        bool whole = false;  // the whole file without a range
        Clock::time_point not_before = {};
    };
    struct Connection {
        CurlHandle handle;
        Range range;
        uint64_t asked_from = 0;
        bool busy = false;
        bool direct = false;  // at the address of an earlier answer
        Answer answer = Answer::kUnseen;
        uint64_t said_bytes = 0;  // of the file, as the answer says
        std::exception_ptr failed;
        RangeTransfer* transfer = nullptr;
    };

    static size_t on_data(char* data, size_t one, size_t size, void* connection);
    bool take(Connection& c, std::span<const std::byte> bytes);
    Answer judge(Connection& c) const;
    Answer judge_range(Connection& c) const;

    void queue_open_chunks();
    void start_idle();
    void start(Connection& c, const Range& range);
    void stop(Connection& c);
    bool collect(Progress& progress);  // whether a connection has become idle
    void end(Connection& c, CURLcode code, Progress& progress);
    void finish(Connection& c);
    void repeat(Connection& c, const HttpEnd& end, Progress& progress);
    bool has_succeeded(const Connection& c);
    void use_one_stream(Progress& progress);
    void mark_stream(const Connection& c);
    [[noreturn]] void refuse(const Connection& c) const;
    uint64_t bytes_so_far() const;

    const std::string& url_;
    const HubFile& file_;
    const HubOptions& options_;
    ResumableFile& part_;
    ChunkJournal& journal_;
    CurlMulti multi_;
    std::vector<std::unique_ptr<Connection>> connections_;
    std::deque<Range> open_;
    std::string direct_url_;
    bool one_stream_ = false;
    uint64_t stream_best_ = 0;  // how far the one stream came
    Clock::time_point pause_until_ = {};
};

}  // namespace bitgauge
