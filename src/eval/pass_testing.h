#pragma once

// Passes that are watched or stopped on their way, and a cache that is not the user's.

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bitgauge/error.h"
#include "bitgauge/progress.h"

namespace bitgauge {

// The cache lies in `folder` as long as this lives.
class OwnCache {
  public:
    explicit OwnCache(const std::filesystem::path& folder) {
        if (const char* before = std::getenv(kName)) before_ = before;
        ::setenv(kName, folder.c_str(), 1);
    }
    ~OwnCache() {
        if (before_) {
            ::setenv(kName, before_->c_str(), 1);
        } else {
            ::unsetenv(kName);
        }
    }
    OwnCache(const OwnCache&) = delete;
    OwnCache& operator=(const OwnCache&) = delete;

  private:
    static constexpr const char* kName = "XDG_CACHE_HOME";
    std::optional<std::string> before_;
};

// Counts what it is told; in step `at`, the first being 0, it does `what`.
class WatchedProgress : public Progress {
  public:
    WatchedProgress() = default;
    WatchedProgress(size_t at, std::function<void()> what) : at_(at), what_(std::move(what)) {}

    void advance(int64_t) override {
        if (steps++ == at_ && what_) what_();
    }
    void warn(const std::string& message) override { warnings.push_back(message); }

    size_t steps = 0;
    std::vector<std::string> warnings;

  private:
    size_t at_ = 0;
    std::function<void()> what_;
};

// As Ctrl-C in that step.
inline WatchedProgress interrupted_in(size_t step) {
    return {step, [] { throw Error(ErrorKind::kInterrupted, "interrupted by a test"); }};
}

}  // namespace bitgauge
