#include "gguf/split.h"

#include <regex>

#include <fmt/format.h>

namespace bitgauge {

std::optional<ShardName> parse_shard_name(const std::filesystem::path& path) {
    static const std::regex pattern(R"((.*)-(\d{5})-of-(\d{5})\.gguf)");
    std::smatch match;
    const std::string name = path.filename().string();
    if (!std::regex_match(name, match, pattern)) return std::nullopt;
    return ShardName{match[1].str(), static_cast<uint32_t>(std::stoul(match[2].str())),
                     static_cast<uint32_t>(std::stoul(match[3].str()))};
}

std::filesystem::path sibling_shard(const std::filesystem::path& path, uint32_t number) {
    const auto name = parse_shard_name(path);
    return path.parent_path() /
           fmt::format("{}-{:05d}-of-{:05d}.gguf", name->prefix, number, name->count);
}

std::filesystem::path shard_path(const std::filesystem::path& whole, uint32_t number,
                                 uint32_t count) {
    std::string prefix = whole.string();
    if (prefix.ends_with(".gguf")) prefix.resize(prefix.size() - 5);
    return fmt::format("{}-{:05d}-of-{:05d}.gguf", prefix, number, count);
}

}  // namespace bitgauge
