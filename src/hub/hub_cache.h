#pragma once

// The cache that Hugging Face's tools share:
//
//   models--USER--NAME/blobs/HASH               the contents
//   models--USER--NAME/snapshots/COMMIT/PATH    a link to ../../blobs/HASH
//   models--USER--NAME/refs/REVISION            COMMIT
//
// Goal: what this program fetched the tools find, and the other way round. Not a goal: their lock
// files, and what they keep of files that are absent.

#include <filesystem>
#include <optional>
#include <string>

#include "bitgauge/hub.h"

namespace bitgauge {

// One repository's folder. Thread-compatible.
class HubCache {
  public:
    HubCache(const std::filesystem::path& cache, const std::string& repository);

    std::filesystem::path blob(const HubFile& file) const;
    std::filesystem::path snapshot(const std::string& commit, const std::string& path) const;

    // The blob is there in full size.
    bool has_blob(const HubFile& file) const;
    // The file can be read under its snapshot's path in full size.
    bool has(const std::string& commit, const HubFile& file) const;

    // Links the snapshot's path to the blob; Error(kEnvironment) where that fails.
    void link(const std::string& commit, const HubFile& file) const;
    void write_ref(const std::string& revision, const std::string& commit) const;

    // What is there of a revision, or of a commit; Error(kInput) when nothing is.
    HubListing listing(const std::string& revision) const;

  private:
    std::optional<std::string> commit_of(const std::string& revision) const;

    std::string repository_;
    std::filesystem::path folder_;
};

// Error(kInput) unless the text is safe as a path below a folder: no empty part, no '.' or '..', no
// control character.
void require_inner_path(const std::string& path, const char* what);

}  // namespace bitgauge
