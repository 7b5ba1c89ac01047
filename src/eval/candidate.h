#pragma once

// A file to be measured: whether it can be compared with a baseline at all, and where its work
// lies.

#include <filesystem>
#include <memory>
#include <string>

#include "bitgauge/eval.h"

#include "eval/baseline_reader.h"
#include "eval/capture.h"

namespace bitgauge {

struct Candidate {
    std::filesystem::path path;
    ModelIdentity identity;
    std::string key;                  // of a complete record of it
    std::filesystem::path work;       // folder of its shards
    std::string evaluation;           // whole or staged, and why
    bool whole_logits = false;        // states and head do not reproduce it
    std::unique_ptr<ModelHead> head;  // otherwise, once captured
};

// Error(kInput) when the file is of another model (architecture, tensor names or shapes), another
// vocabulary or another tokenizer than the baseline's original.
void require_comparable(const GgufFile& file, const BaselineManifest& baseline,
                        const std::filesystem::path& path);

// Reads the header, checks it, hashes the file.
Candidate open_candidate(const std::filesystem::path& path, const BaselineManifest& baseline,
                         const std::filesystem::path& work_root);

}  // namespace bitgauge
