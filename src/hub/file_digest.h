#pragma once

// The hash a repository gives for a file, of a file that grows while it is hashed.

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>

#include "bitgauge/hub.h"

#include "base/positioned_file.h"

namespace bitgauge {

// SHA-256, or git's SHA-1 of a blob, as the length of the expected hash says. Thread-compatible.
class FileDigest {
  public:
    // Error(kInput) where the file's hash is neither.
    explicit FileDigest(const HubFile& file);
    ~FileDigest();

    void add(std::span<const std::byte> bytes);
    std::string hex();  // once, at the end

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// Hashes from the file's beginning as far as it is complete, in a thread of its own. The file
// outlives the object. Thread-compatible.
class FollowingDigest {
  public:
    FollowingDigest(const ResumableFile& file, const HubFile& expected);
    ~FollowingDigest();

    // Bytes below `end` will not change any more; `end` never falls.
    void reach(uint64_t end);
    // What is left is hashed first; false when Ctrl-C came before that was done.
    bool finish(std::string& hex);

  private:
    void follow();
    bool wait_for(uint64_t& end);

    const ResumableFile& file_;
    const uint64_t bytes_;
    FileDigest digest_;
    std::mutex mutex_;
    std::condition_variable changed_;
    uint64_t reached_ = 0;
    bool stopped_ = false;
    bool done_ = false;
    std::exception_ptr failed_;
    std::thread thread_;
};

}  // namespace bitgauge
