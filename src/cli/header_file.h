#pragma once

// Model files of which only the header is there, as files that libllama can look at: the tensors'
// data are holes.

#include <cstdint>
#include <filesystem>

#include "bitgauge/gguf.h"
#include "bitgauge/hub.h"

namespace bitgauge {

// Headers of `file`'s shards in `folder`, each as long as its tensors promise. Returns the first.
std::filesystem::path write_header_files(const GgufFile& file, const std::filesystem::path& folder);

// The headers of a model on a hub, into `folder` under the files' own names. Fetches prefixes that
// grow until the header is whole; adds what came to `fetched_bytes`. Returns the first shard's
// path. Error(kInput) for what is no GGUF.
std::filesystem::path fetch_headers(const HubListing& listing, const HubModel& model,
                                    const std::filesystem::path& folder, const HubOptions& options,
                                    uint64_t& fetched_bytes);

}  // namespace bitgauge
