#pragma once

// GGUF files of a repository on Hugging Face, or of a server with its interface: which there are,
// which one a tag means, and each fetched whole and checked, into the cache that Hugging Face's own
// tools share, or to a place of one's own.
//
// Sizes are bytes. A file is under its name complete and with the hash the repository gives for it,
// or it is not there; what a run that was stopped has fetched is kept beside it (`.part`) and the
// next run goes on. Errors: kInput for a repository, revision, tag or file that is not there or not
// granted; kEnvironment for the network, the server and the disk; kInterrupted at Ctrl-C. No
// message contains the token or an address that a server signed.
//
// Every function may be called from any thread; Progress is called from the caller's thread only.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "bitgauge/progress.h"

namespace bitgauge {

struct HubOptions {
    std::string endpoint = "https://huggingface.co";
    std::string token;            // sent to the endpoint's host and to nobody else; empty for none
    std::filesystem::path cache;  // the folder that holds models--USER--NAME
    bool offline = false;         // only what the cache has
    int connections = 8;
    uint64_t chunk_bytes = uint64_t{16} << 20;  // asked for at once by one connection
    int stall_s = 30;                           // without data, then the connection is dropped
    int retries = 10;                           // of a chunk, one after the other without success
};

// From HF_ENDPOINT, HF_TOKEN or the token file of Hugging Face's tools, HF_HUB_CACHE, HF_HOME and
// HF_HUB_OFFLINE, as those tools read them.
HubOptions hub_options_from_environment();

struct HubName {
    std::string repository;  // "user/name"
    std::string tag;         // "Q4_K_M"; empty for none
};

// "user/name" or "user/name:TAG"; Error(kInput) for anything else.
HubName parse_hub_name(const std::string& typed);

struct HubFile {
    std::string path;  // inside the repository, with '/'
    uint64_t bytes = 0;
    // SHA-256 in 64 hexadecimal digits, or, of a small file that git holds itself, git's SHA-1 of
    // it in 40.
    std::string hash;
};

struct HubListing {
    std::string repository;
    std::string revision;  // as asked for: "main"
    std::string commit;
    std::vector<HubFile> files;  // by path
};

// What the server has; with options.offline, what the cache has of it.
HubListing list_repository(const std::string& repository, const std::string& revision,
                           const HubOptions& options);

// The GGUF file that `tag` names, with all its shards. A tag is a part of the path between
// characters that are neither letters nor digits, in any case; the first such file by path counts.
// Without a tag Q4_K_M, and where there is none the first file. Projectors (mmproj) and importance
// files are passed over; `with_projector` adds one projector, F16 where there is a choice.
std::vector<HubFile> choose_files(const HubListing& listing, const std::string& tag,
                                  bool with_projector);

enum class HubState { kAbsent, kPartial, kPresent };

// Where a file is, or will be.
struct HubPlace {
    HubFile file;
    std::filesystem::path path;
    HubState state = HubState::kAbsent;
};

// Places in the cache; with `out` the file of that name, or files in that folder: a folder when it
// is one, when it ends in '/', and when there are several files. A file that is in the way at `out`
// with another size is an Error(kInput).
std::vector<HubPlace> find_places(const HubListing& listing, const std::vector<HubFile>& files,
                                  const std::filesystem::path& out, const HubOptions& options);

// Fetches what is not there yet. Returns the places with the state they had before.
std::vector<HubPlace> pull_files(const HubListing& listing, const std::vector<HubFile>& files,
                                 const std::filesystem::path& out, const HubOptions& options,
                                 Progress& progress);

// Bytes [begin, end) of a file, end not included, without keeping them: a header of a file that is
// too large to fetch. Less where the file ends before. At most 64 MiB at a time. Tried again like a
// chunk. Error(kEnvironment) from a server that ignores ranges.
std::string fetch_range(const HubListing& listing, const HubFile& file, uint64_t begin,
                        uint64_t end, const HubOptions& options);

// The models of a listing: GGUF files by path, shards together, in order. Projectors (mmproj) and
// importance files are passed over, and what lacks shards.
struct HubModel {
    std::string name;   // the path without the shard's number
    std::string label;  // as one would type its tag: "Q4_K_M"
    std::vector<HubFile> files;

    uint64_t bytes() const;
};
std::vector<HubModel> hub_models(const HubListing& listing);

}  // namespace bitgauge
