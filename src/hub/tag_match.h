#pragma once

// Names of GGUF files: labels such as Q4_K_M in them, shards, and what is no model.

#include <string>
#include <string_view>
#include <vector>

#include "bitgauge/hub.h"

namespace bitgauge {

// `label` stands in `path`, in any case, between characters that are neither letters nor digits. An
// underscore behind it continues the label unless `loose`: Q4_K is not in "m-Q4_K_M.gguf".
bool has_label(std::string_view path, std::string_view label, bool loose = false);

// What a user would type for this file: "Q4_K_M", "UD-IQ2_XXS"; the file's name without .gguf where
// nothing in it looks like a type.
std::string label_of(std::string_view path);

// One model: a file, or all its shards in order.
struct ModelFiles {
    std::string name;  // the path without the shard's number
    std::vector<HubFile> files;
    uint64_t shards = 1;  // that the names say there are

    uint64_t bytes() const;
};

// GGUF files by path, shards together; with projectors (mmproj) or only those.
std::vector<ModelFiles> group_models(const std::vector<HubFile>& files);
std::vector<ModelFiles> group_projectors(const std::vector<HubFile>& files);

}  // namespace bitgauge
