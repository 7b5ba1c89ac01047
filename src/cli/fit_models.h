#pragma once

// The models that `bitgauge fit` asks about: a file, all files of a folder, or of a repository,
// of which headers alone are fetched.

#include <filesystem>
#include <string>
#include <vector>

#include "bitgauge/gguf.h"
#include "bitgauge/hub.h"
#include "bitgauge/placement.h"
#include "bitgauge/progress.h"

namespace bitgauge {

// One file, with all its shards.
struct FitFile {
    std::string name;         // base name, of the first shard
    std::string source;       // what llama.cpp's programs take: "-m FILE" or "-hf USER/NAME:TAG"
    std::string name_to_run;  // what `bitgauge run` takes, for a shell
    uint64_t bytes = 0;
    ModelParts parts;
    bool scaled = false;  // parts are another file's, by size
    size_t model = 0;     // into FitModels::models
};

// What files of one original share: contexts take the same whatever the types are.
struct FitModel {
    GgufFile header;
    std::filesystem::path path;  // that libllama can look at; its data may be a hole
};

struct FitModels {
    std::vector<FitFile> files;  // by size, the largest first
    std::vector<FitModel> models;
    uint64_t fetched_bytes = 0;  // of headers
};

struct FitSource {
    std::string typed;  // a path, or USER/NAME[:TAG]
    std::string revision = "main";
    HubOptions hub;
};

// `scratch`: where headers without their data go. Error(kInput): nothing there, no model, damaged.
FitModels find_models(const FitSource& source, const std::filesystem::path& scratch,
                      Progress& progress);

}  // namespace bitgauge
