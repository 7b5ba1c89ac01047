#pragma once

// Models split into shards: the names llama.cpp's gguf-split gives them.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace bitgauge {

// "model-00002-of-00003.gguf": prefix "model", number 2 of 3, counted from 1.
struct ShardName {
    std::string prefix;
    uint32_t number = 0;
    uint32_t count = 0;
};

// Nothing when `path` is not named like a shard.
std::optional<ShardName> parse_shard_name(const std::filesystem::path& path);

// The path of shard `number` beside `path`, which is named like a shard itself.
std::filesystem::path sibling_shard(const std::filesystem::path& path, uint32_t number);

// "dir/model.gguf" (or "dir/model") -> "dir/model-00002-of-00003.gguf", for number 2 of 3.
std::filesystem::path shard_path(const std::filesystem::path& whole, uint32_t number,
                                 uint32_t count);

}  // namespace bitgauge
