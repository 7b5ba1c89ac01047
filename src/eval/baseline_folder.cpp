#include "eval/baseline_folder.h"

#include <algorithm>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/files.h"
#include "base/hash.h"
#include "base/json.h"
#include "eval/baseline_difference.h"
#include "eval/shard_file.h"
#include "store/record_json.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

Json tensors_to_json(const std::vector<TensorShape>& tensors) {
    Json list = Json::array();
    for (const TensorShape& tensor : tensors) list.push_back({tensor.name, tensor.shape});
    return list;
}

std::vector<TensorShape> tensors_from_json(const Json& list) {
    std::vector<TensorShape> tensors;
    for (const Json& entry : list) {
        tensors.push_back(
            {entry.at(0).get<std::string>(), entry.at(1).get<std::vector<uint64_t>>()});
    }
    return tensors;
}

Json to_json(const BaselineManifest& m) {
    return {{"schema", BaselineManifest::kSchema},
            {"complete", m.complete},
            {"tokenizer_hash", m.tokenizer_hash},
            {"vocabulary", m.vocabulary},
            {"width", m.width},
            {"windows", m.windows},
            {"windows_per_shard", m.windows_per_shard},
            {"head_scale", m.head_scale},
            {"head_softcap", m.head_softcap},
            {"single_precision", m.single_precision},
            {"log_probability_floor_nats", m.log_probability_floor},
            {"identity", to_json(m.identity)},
            {"tensors", tensors_to_json(m.tensors)}};
}

BaselineManifest manifest_from_json(const Json& json) {
    BaselineManifest m;
    m.complete = json.at("complete");
    m.tokenizer_hash = json.at("tokenizer_hash");
    m.vocabulary = json.at("vocabulary");
    m.width = json.at("width");
    m.windows = json.at("windows");
    m.windows_per_shard = json.at("windows_per_shard");
    m.head_scale = json.at("head_scale");
    m.head_softcap = json.at("head_softcap");
    m.single_precision = json.value("single_precision", false);
    m.log_probability_floor = json.at("log_probability_floor_nats");
    m.identity = record_from_json(json.at("identity"));
    m.tensors = tensors_from_json(json.at("tensors"));
    return m;
}

[[noreturn]] void refuse_manifest(const BaselineFolder& folder, const std::string& why) {
    throw Error(ErrorKind::kInput, fmt::format("'{}' {}", folder.manifest().string(), why),
                "delete it and run the 'bitgauge baseline' command that made it again; what is "
                "whole is kept");
}

// Of all that stands before it.
std::string checksum_of(const Json& manifest) {
    Json rest = manifest;
    rest.erase("checksum");
    return hash_text(rest.dump());
}

Json parse_manifest(const BaselineFolder& folder) {
    try {
        return Json::parse(read_text_file(folder.manifest()));
    } catch (const Json::exception& error) {
        refuse_manifest(folder, "is no manifest: " + reason_of(error));
    }
}

std::string schema_of(const Json& manifest) {
    const bool has_one = manifest.is_object() && manifest.contains("schema");
    return has_one && manifest["schema"].is_string() ? manifest["schema"] : "none";
}

// Lengths and first scored positions, clusters and strata of all windows, one array each.
struct WindowColumns {
    std::vector<int32_t> tokens, length, first_scored, cluster, stratum;
};

WindowColumns columns_of(const Windows& windows) {
    WindowColumns columns;
    for (const Window& window : windows.windows) {
        columns.tokens.insert(columns.tokens.end(), window.tokens.begin(), window.tokens.end());
        columns.length.push_back(static_cast<int32_t>(window.tokens.size()));
        columns.first_scored.push_back(static_cast<int32_t>(window.first_scored));
        columns.cluster.push_back(static_cast<int32_t>(window.cluster));
        columns.stratum.push_back(static_cast<int32_t>(window.stratum));
    }
    return columns;
}

// Columns that do not fit each other, or count below zero or past the strata and clusters.
void require_columns_fit(const ShardReader& file, const WindowColumns& columns, size_t strata,
                         int64_t clusters) {
    const size_t n = columns.length.size();
    if (columns.first_scored.size() != n || columns.cluster.size() != n ||
        columns.stratum.size() != n) {
        file.fail("its columns differ in length");
    }
    size_t tokens = 0;
    for (size_t i = 0; i < n; ++i) {
        const bool fits = columns.length[i] >= 0 && columns.first_scored[i] >= 0 &&
                          columns.cluster[i] >= 0 && columns.cluster[i] < clusters &&
                          columns.stratum[i] >= 0 &&
                          static_cast<size_t>(columns.stratum[i]) < strata;
        if (!fits) file.fail(fmt::format("window {} has numbers that mean nothing", i + 1));
        tokens += static_cast<size_t>(columns.length[i]);
    }
    if (tokens != columns.tokens.size()) file.fail("its windows are not as long as its tokens");
}

std::vector<int32_t> read_column(const ShardReader& file, const char* name) {
    const auto values = file.values<int32_t>(name);
    return {values.begin(), values.end()};
}

WindowColumns read_columns(const ShardReader& file) {
    return {.tokens = read_column(file, "tokens"),
            .length = read_column(file, "length"),
            .first_scored = read_column(file, "first_scored"),
            .cluster = read_column(file, "cluster"),
            .stratum = read_column(file, "stratum")};
}

// Whether anything would be lost: a run that failed at once leaves a manifest alone.
bool holds_work(const BaselineFolder& folder, const BaselineManifest& m) {
    for (size_t shard = 0; shard < m.shards(); ++shard) {
        if (fs::exists(folder.shard(shard))) return true;
    }
    return m.complete;
}

}  // namespace

std::vector<TensorShape> tensor_shapes(const GgufFile& file) {
    std::vector<TensorShape> shapes;
    for (const TensorInfo& tensor : file.tensors()) shapes.push_back({tensor.name, tensor.shape});
    std::ranges::sort(shapes, {}, &TensorShape::name);
    return shapes;
}

PassShape BaselineManifest::pass_shape() const {
    return {.window_tokens = identity.protocol.window_tokens,
            .sequences = identity.protocol.sequences_per_batch,
            .ubatch_tokens = identity.protocol.tokens_per_ubatch};
}

fs::path BaselineFolder::shard(size_t index) const {
    return root / fmt::format("states-{:05d}.gguf", index + 1);
}

void write_manifest(const BaselineFolder& folder, const BaselineManifest& manifest) {
    Json json = to_json(manifest);
    json["checksum"] = checksum_of(json);
    write_file_atomically(folder.manifest(), json.dump(1) + "\n");
}

BaselineManifest read_manifest(const BaselineFolder& folder, bool must_be_complete) {
    if (!fs::exists(folder.manifest())) {
        throw Error(
            ErrorKind::kInput,
            fmt::format("'{}' is no baseline: it has no manifest.json", folder.root.string()),
            "make one: bitgauge baseline ORIGINAL.gguf -t TEXT -o " + folder.root.string());
    }
    const Json json = parse_manifest(folder);
    const std::string schema = schema_of(json);
    if (schema != BaselineManifest::kSchema) {
        throw Error(ErrorKind::kInput,
                    fmt::format("baseline '{}' has schema '{}'; this program reads '{}'",
                                folder.root.string(), schema, BaselineManifest::kSchema),
                    "make it anew with this program");
    }
    try {
        if (json.value("checksum", "") != checksum_of(json)) {
            refuse_manifest(folder, "is damaged (its checksum is not that of its contents)");
        }
        BaselineManifest manifest = manifest_from_json(json);
        if (must_be_complete && !manifest.complete) {
            throw Error(ErrorKind::kInput,
                        fmt::format("baseline '{}' is not complete", folder.root.string()),
                        "run the 'bitgauge baseline' command that made it again; it goes on where "
                        "it stopped");
        }
        return manifest;
    } catch (const Json::exception& error) {
        refuse_manifest(folder, "is damaged: " + reason_of(error));
    }
}

std::optional<BaselineManifest> earlier_manifest(const BaselineFolder& folder,
                                                 const BaselineManifest& planned) {
    if (!fs::exists(folder.manifest())) return std::nullopt;
    BaselineManifest earlier = read_manifest(folder, /*must_be_complete=*/false);
    if (earlier.identity.baseline.key == planned.identity.baseline.key) return earlier;
    if (!holds_work(folder, earlier)) return std::nullopt;
    throw Error(ErrorKind::kInput,
                fmt::format("'{}' holds another baseline: {}", folder.root.string(),
                            baseline_difference(earlier, planned)),
                "give another folder with -o, or delete that one");
}

void write_windows(const fs::path& path, const Windows& windows) {
    const WindowColumns columns = columns_of(windows);
    ShardWriter file(kWindowsSchema);
    file.writer().set_texts("bitgauge.strata", windows.strata);
    file.writer().set_text("bitgauge.cluster_unit", windows.cluster_unit);
    file.writer().set_u32("bitgauge.clusters", windows.n_clusters);
    file.add_integers("tokens", columns.tokens);
    file.add_integers("length", columns.length);
    file.add_integers("first_scored", columns.first_scored);
    file.add_integers("cluster", columns.cluster);
    file.add_integers("stratum", columns.stratum);
    file.write(path);
}

Windows read_windows(const fs::path& path) {
    const ShardReader file(path, kWindowsSchema);
    Windows windows;
    windows.strata =
        read_texts(file.header(), "bitgauge.strata").value_or(std::vector<std::string>{});
    windows.cluster_unit = file.header().text("bitgauge.cluster_unit").value_or("");
    windows.n_clusters =
        static_cast<uint32_t>(file.header().integer("bitgauge.clusters").value_or(0));
    const WindowColumns columns = read_columns(file);
    require_columns_fit(file, columns, windows.strata.size(), windows.n_clusters);
    auto token = columns.tokens.begin();
    for (size_t i = 0; i < columns.length.size(); ++i) {
        const auto end = token + columns.length[i];
        windows.windows.push_back({.tokens = {token, end},
                                   .first_scored = static_cast<uint32_t>(columns.first_scored[i]),
                                   .cluster = static_cast<uint32_t>(columns.cluster[i]),
                                   .stratum = static_cast<uint32_t>(columns.stratum[i])});
        token = end;
    }
    return windows;
}

WindowRange shard_range(const BaselineManifest& manifest, size_t shard) {
    const size_t first = shard * manifest.windows_per_shard;
    return {first, std::min<size_t>(manifest.windows, first + manifest.windows_per_shard)};
}

size_t scored_positions(const Windows& windows, const WindowRange& range) {
    size_t n = 0;
    for (size_t i = range.first; i < range.last; ++i) n += windows.windows[i].scored();
    return n;
}

}  // namespace bitgauge
