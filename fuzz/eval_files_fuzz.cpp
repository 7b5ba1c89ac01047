// A baseline's files and llama-perplexity's base file from arbitrary bytes: read or refused with
// Error, never anything else; what is read keeps its promises. The first byte chooses the kind of
// file; shards get the checksum that their bytes want, so that what lies behind it is reached.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <unistd.h>

#include "bitgauge/error.h"

#include "base/hash.h"
#include "base/json.h"
#include "eval/baseline_folder.h"
#include "eval/peer_file.h"
#include "eval/shard_file.h"

#include "memory_file.h"

namespace {

std::string with_checksum(std::string_view bytes) {
    return std::string(bytes) + bitgauge::hash_text(bytes);
}

void check_windows(std::string_view bytes) {
    const MemoryFile file(with_checksum(bytes));
    const bitgauge::Windows windows = bitgauge::read_windows(file.path());
    for (const bitgauge::Window& window : windows.windows) {
        require(window.cluster < windows.n_clusters);
        require(window.stratum < windows.strata.size());
        require(window.scored() <= window.tokens.size());
    }
}

void check_positions(std::string_view bytes) {
    const MemoryFile file(with_checksum(bytes));
    const bitgauge::ShardReader shard(file.path(), "bitgauge.positions/1");
    double sum = 0;
    for (double value : shard.values<double>("kld_nats")) sum += value;
    for (int32_t value : shard.values<int32_t>("finite")) sum += value;
    static volatile double sink = 0;
    sink = sum;  // every byte was read
}

void check_peer_file(std::string_view bytes) {
    const MemoryFile file(bytes);
    const bitgauge::PeerFile peer(file.path());
    require(peer.tokens().size() == peer.windows() * peer.window_tokens());
    for (bitgauge::TokenId token : peer.tokens()) {
        require(token >= 0 && static_cast<uint64_t>(token) < peer.vocabulary());
    }
    const auto rows = peer.rows(0, peer.windows());
    require(rows.size() * 2 == peer.windows() * peer.rows_per_window() * peer.row_bytes());
    peer.range_nats();
}

std::string with_manifest_checksum(std::string_view bytes) {
    using bitgauge::Json;
    Json json = Json::parse(bytes, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object()) return std::string(bytes);
    const auto dump = [&] { return json.dump(-1, ' ', false, Json::error_handler_t::replace); };
    json.erase("checksum");
    json["checksum"] = bitgauge::hash_text(dump());
    return dump();
}

// The manifest has a name, so it lies in a folder of its own, in memory.
void check_manifest(std::string_view bytes) {
    static const std::filesystem::path folder =
        std::filesystem::path("/dev/shm") / ("bitgauge_fuzz_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "manifest.json", std::ios::binary) << with_manifest_checksum(bytes);
    const auto manifest = bitgauge::read_manifest({folder}, /*must_be_complete=*/false);
    for (const auto& tensor : manifest.tensors) require(tensor.name.size() <= bytes.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    try {
        switch (data[0] % 4) {
            case 0:
                check_windows(bytes);
                break;
            case 1:
                check_positions(bytes);
                break;
            case 2:
                check_peer_file(bytes);
                break;
            default:
                check_manifest(bytes);
        }
    } catch (const bitgauge::Error&) {
        return 0;  // refused in words
    }
    return 0;
}
