// llama-perplexity's base file made a baseline, and a baseline made such a file.

#include <algorithm>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/eval.h"

#include "base/files.h"
#include "base/hash.h"
#include "base/interrupt.h"
#include "eval/baseline_reader.h"
#include "eval/capture.h"
#include "eval/corpus_identity.h"
#include "eval/log_probability_rows.h"
#include "eval/peer_file.h"
#include "eval/positions_file.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

constexpr double kPeerFloorNats = -16;  // llama-perplexity and ik_llama.cpp skip what is below
constexpr uint64_t kShardRowBytes = uint64_t{256} << 20;

// BOS of the original, where it is known and put before texts.
TokenId bos_of(const fs::path& original) {
    if (original.empty()) return -1;
    const Model model = Model::load_vocabulary(original);
    return model.adds_bos() ? model.bos() : -1;
}

BaselineManifest manifest_of(const PeerFile& peer, const fs::path& peer_path,
                             const fs::path& original, const Windows& windows) {
    BaselineManifest m;
    m.identity.baseline.kind = "imported";
    m.identity.baseline.precision = peer.range_nats() > 16.5 ? "u16 (24 nats)" : "u16 (16 nats)";
    m.identity.baseline.head_check_outcome = "log-probabilities as llama-perplexity stored them";
    const auto window = static_cast<uint32_t>(peer.window_tokens());
    const PassShape shape = default_shape(window, static_cast<uint32_t>(peer.vocabulary()));
    m.identity.protocol = {.name = "llama-perplexity",
                           .window_tokens = window,
                           .warmup_tokens = window / 2,
                           .adds_bos = bos_of(original) >= 0,
                           .sequences_per_batch = shape.sequences,
                           .tokens_per_ubatch = shape.ubatch_tokens};
    m.vocabulary = peer.vocabulary();
    m.windows = windows.windows.size();
    m.log_probability_floor = kPeerFloorNats;
    m.windows_per_shard =
        shape.sequences *
        static_cast<uint32_t>(std::max<uint64_t>(
            1, kShardRowBytes / (peer.rows_per_window() * peer.row_bytes() * shape.sequences)));
    Corpus corpus;
    corpus.key = ContentHash().add(std::as_bytes(std::span(peer.tokens()))).hex();
    m.identity.corpus = corpus_identity(corpus, windows);
    if (!original.empty()) {
        const GgufFile file = GgufFile::open(original);
        m.identity.baseline.original = identify_model(file, /*with_hash=*/true);
        m.tokenizer_hash = file.tokenizer_hash();
        m.tensors = tensor_shapes(file);
        if (file.vocabulary() != m.vocabulary) {
            throw Error(
                ErrorKind::kInput,
                fmt::format("'{}' was made with a vocabulary of {} tokens; '{}' has {}",
                            peer_path.string(), m.vocabulary, original.string(), file.vocabulary()),
                "give the original the base file was made from");
        }
    }
    m.identity.baseline.key = hash_text(hash_file(peer_path) + m.tokenizer_hash);
    return m;
}

void copy_rows(const PeerFile& peer, const BaselineFolder& folder, const BaselineManifest& m,
               Progress& progress) {
    progress.begin("importing", static_cast<int64_t>(m.windows), "windows");
    for (size_t shard = 0; shard < m.shards(); ++shard) {
        throw_if_interrupted();
        const WindowRange range = shard_range(m, shard);
        const size_t count = range.last - range.first;
        if (!shard_is_good(folder.shard(shard), shard_schema(CaptureKind::kLogProbabilities),
                           m.identity.baseline.key)) {
            write_log_probabilities(folder.shard(shard), m.identity.baseline.key,
                                    peer.rows(range.first, count),
                                    log_probability_row_values(m.vocabulary));
        }
        peer.forget_rows(range.first, count);
        progress.advance(static_cast<int64_t>(count));
    }
    progress.end();
}

void require_exportable(const BaselineReader& baseline, const fs::path& folder) {
    const ProtocolIdentity& protocol = baseline.manifest().identity.protocol;
    if (protocol.name == "llama-perplexity") return;
    throw Error(ErrorKind::kInput,
                fmt::format("baseline '{}' has the protocol '{}'; a base file holds windows of the "
                            "protocol 'llama-perplexity'",
                            folder.string(), protocol.name),
                "make one with --protocol llama-perplexity");
}

// All logits of a few positions from tiles.
std::vector<float> dense_rows(const BaselineShard& shard, size_t first, size_t count,
                              size_t vocabulary) {
    std::vector<float> rows(count * vocabulary);
    HeadScratch scratch;
    const auto tiles = shard.range(first, count);
    constexpr size_t kTile = 4096;
    std::vector<float> tile;
    for (size_t v = 0; v < vocabulary; v += kTile) {
        const size_t n = std::min(kTile, vocabulary - v);
        tile.resize(count * n);
        tiles->tile(0, count, v, n, tile, scratch);
        for (size_t i = 0; i < count; ++i) {
            std::copy_n(tile.begin() + static_cast<ptrdiff_t>(i * n), n,
                        rows.begin() + static_cast<ptrdiff_t>(i * vocabulary + v));
        }
    }
    return rows;
}

void write_rows(AtomicFile& file, const BaselineShard& shard, size_t vocabulary,
                double range_nats) {
    constexpr size_t kRows = 64;
    std::vector<uint16_t> row(log_probability_row_values(vocabulary));
    for (size_t at = 0; at < shard.positions(); at += kRows) {
        const size_t count = std::min(kRows, shard.positions() - at);
        const std::vector<float> logits = dense_rows(shard, at, count, vocabulary);
        for (size_t i = 0; i < count; ++i) {
            encode_log_probabilities({logits.data() + i * vocabulary, vocabulary},
                                     static_cast<float>(range_nats), row);
            file.write(std::as_bytes(std::span(row)));
        }
    }
}

// An imported shard is passed on as it came: its rows are the peer's already.
void write_shard(AtomicFile& file, const BaselineReader& baseline, const fs::path& folder,
                 size_t shard, double range_nats) {
    const auto opened = baseline.open_shard(shard);
    const BaselineManifest& m = baseline.manifest();
    if (m.identity.baseline.kind != "imported") {
        return write_rows(file, *opened, m.vocabulary, range_nats);
    }
    const ShardReader stored(BaselineFolder{folder}.shard(shard),
                             shard_schema(CaptureKind::kLogProbabilities));
    file.write(stored.bytes("rows"));
}

}  // namespace

BaselineSummary import_peer_baseline(const fs::path& peer_file, const fs::path& original,
                                     const fs::path& out, Progress& progress) {
    const PeerFile peer(peer_file);
    const Protocol protocol{.kind = Protocol::Kind::kLlamaPerplexity,
                            .window_tokens = static_cast<uint32_t>(peer.window_tokens())};
    const std::vector<uint32_t> one_document(peer.tokens().size(), 0);
    const Windows windows =
        disjoint_windows(peer.tokens(), one_document, protocol, bos_of(original));
    BaselineManifest m = manifest_of(peer, peer_file, original, windows);
    const BaselineFolder folder{out};
    make_folder(out);
    earlier_manifest(folder, m);
    write_windows(folder.windows(), windows);
    write_manifest(folder, m);
    copy_rows(peer, folder, m, progress);
    m.complete = true;
    write_manifest(folder, m);
    return {.identity = m.identity, .bytes = peer.file_bytes(), .peer_bytes = peer.file_bytes()};
}

void export_peer_baseline(const fs::path& baseline_folder, const fs::path& peer_file,
                          double range_nats, Progress& progress) {
    const BaselineReader baseline(baseline_folder);
    require_exportable(baseline, baseline_folder);
    const BaselineManifest& m = baseline.manifest();
    const PeerHeader header{
        .window_tokens = static_cast<int32_t>(m.identity.protocol.window_tokens),
        .vocabulary = static_cast<int32_t>(m.vocabulary),
        .windows = static_cast<int32_t>(m.windows)};
    AtomicFile file(peer_file);
    file.write(std::as_bytes(std::span(kPeerMagic)));
    file.write(std::as_bytes(std::span(&header, 1)));
    for (const Window& window : baseline.windows().windows) {
        file.write(std::as_bytes(std::span(window.tokens)));
    }
    progress.begin("exporting", static_cast<int64_t>(m.shards()), "shards");
    for (size_t shard = 0; shard < m.shards(); ++shard) {
        throw_if_interrupted();
        write_shard(file, baseline, baseline_folder, shard, range_nats);
        progress.advance(1);
    }
    progress.end();
    file.commit();
}

}  // namespace bitgauge
