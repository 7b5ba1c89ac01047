#include "engine/memory_log.h"

#include <cmath>
#include <map>
#include <optional>
#include <regex>

namespace bitgauge {
namespace {

constexpr double kMiB = 1024.0 * 1024.0;

uint64_t bytes_of(const std::string& mebibytes) {
    return static_cast<uint64_t>(std::llround(std::stod(mebibytes) * kMiB));
}

// "load_tensors:   CPU model buffer size =   35.16 MiB"
struct Buffer {
    std::string name;  // "CPU"
    std::string kind;  // "model", "compute", "output"
    uint64_t bytes = 0;
};

std::optional<Buffer> buffer_in(const std::string& line) {
    static const std::regex pattern(
        "[^:]*: +(\\S+) +(model|compute|output) buffer size = +([0-9.]+) MiB.*");
    std::smatch match;
    if (!std::regex_match(line, match, pattern)) return std::nullopt;
    return Buffer{match[1].str(), match[2].str(), bytes_of(match[3].str())};
}

// "llama_kv_cache: size = 4.00 MiB (4096 cells, 2 layers, 1/1 seqs), K (f16): ..." and the like.
struct Summary {
    bool recurrent = false;
    uint64_t bytes = 0;
};

std::optional<Summary> summary_in(const std::string& line) {
    static const std::regex cells("([^:]*): size = +([0-9.]+) MiB \\( *[0-9]+ cells.*");
    static const std::regex states("([^:]*): .*ratio = .*, size = +([0-9.]+) MiB.*");
    std::smatch match;
    const bool found =
        std::regex_match(line, match, cells) || std::regex_match(line, match, states);
    if (!found) return std::nullopt;
    const std::string logger = match[1].str();
    return Summary{logger.find("kv_cache") == std::string::npos, bytes_of(match[2].str())};
}

}  // namespace

LoggedMemory memory_in_log(std::span<const std::string> lines) {
    std::map<std::string, std::map<std::string, uint64_t>> buffers;  // by kind and name
    LoggedMemory memory;
    for (const std::string& line : lines) {
        if (const auto summary = summary_in(line)) {
            auto& sum = summary->recurrent ? memory.context.recurrent : memory.context.keys_values;
            sum += summary->bytes;
        } else if (const auto buffer = buffer_in(line)) {
            buffers[buffer->kind][buffer->name] = buffer->bytes;
        }
    }
    for (const auto& [name, bytes] : buffers["model"]) memory.weights += bytes;
    for (const auto& [name, bytes] : buffers["compute"]) memory.context.compute += bytes;
    for (const auto& [name, bytes] : buffers["output"]) memory.context.output += bytes;
    memory.has_compute = !buffers["compute"].empty();
    return memory;
}

}  // namespace bitgauge
