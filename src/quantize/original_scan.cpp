#include "quantize/original_scan.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <tbb/parallel_pipeline.h>
#include <tbb/task_arena.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"

#include "base/hash.h"
#include "base/interrupt.h"
#include "base/positioned_file.h"
#include "base/units.h"

#include "quantize/worker_threads.h"

namespace bitgauge {
namespace {

constexpr uint64_t kPieceBytes = uint64_t{1} << 18;  // stays in a core's cache
constexpr float kLargestF16 = 65504.0F;
constexpr uint32_t kInfinityBits = 0x7f800000;     // of F32; beyond them: NaN
constexpr uint32_t kLargestBf16Bits = 0x7f7f0000;  // of F32

constexpr size_t kNoTensor = std::numeric_limits<size_t>::max();

// Bytes of one shard that belong to one tensor, in whole blocks, or to none.
struct Piece {
    uint64_t offset = 0;
    uint64_t size = 0;
    size_t tensor = kNoTensor;
};

struct LoadedPiece {
    Piece piece;
    std::vector<std::byte> bytes;
    TensorScan scan;
};

// --- one piece ----------------------------------------------------------------------------------

float from_bits(uint32_t bits) {
    float value = 0;
    std::memcpy(&value, &bits, sizeof(value));
    return value;
}

uint32_t to_bits(float value) {
    uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof(bits));
    return bits;
}

// The largest magnitude as bits: their order is that of the magnitudes, with NaN above infinity.
template <class Word>
uint32_t largest_bits(std::span<const std::byte> bytes, Word magnitude_mask) {
    Word largest = 0;
    for (size_t i = 0; i + sizeof(Word) <= bytes.size(); i += sizeof(Word)) {
        Word word = 0;
        std::memcpy(&word, bytes.data() + i, sizeof(word));
        largest = std::max<Word>(largest, word & magnitude_mask);
    }
    return largest;
}

void count(float value, float limit, TensorScan& scan) {
    const float magnitude = std::fabs(value);
    if (std::isnan(value)) {
        ++scan.nan;
    } else if (std::isinf(value)) {
        ++scan.infinite;
    } else {
        scan.largest = std::max(scan.largest, magnitude);
        if (magnitude > limit) ++scan.too_large;
    }
}

TensorScan scan_floats(std::span<const float> values, float limit) {
    TensorScan scan;
    const uint32_t bits = largest_bits<uint32_t>(std::as_bytes(values), 0x7fffffff);
    if (bits <= to_bits(limit) && bits < kInfinityBits) {
        scan.largest = from_bits(bits);
        return scan;
    }
    for (const float value : values) count(value, limit, scan);
    return scan;
}

TensorScan scan_decoded(const QType& type, std::span<const std::byte> bytes, float limit) {
    std::vector<float> values(bytes.size() / type.block_bytes * type.block_weights);
    decode_row(type.id, bytes, values);
    return scan_floats(values, limit);
}

// The two widths of a float that originals have are looked at as they are; the rest is decoded.
TensorScan scan_piece(const QType& type, std::span<const std::byte> bytes, float limit) {
    if (!type.decodable) return {};
    if (type.name == "bf16") {
        const uint32_t bits = largest_bits<uint16_t>(bytes, 0x7fff) << 16;
        if (bits <= to_bits(limit) && bits < kInfinityBits) return {.largest = from_bits(bits)};
    }
    if (type.name == "f16") {
        const auto bits = static_cast<uint16_t>(largest_bits<uint16_t>(bytes, 0x7fff));
        float largest = 0;
        decode_row(type.id, std::as_bytes(std::span(&bits, 1)), std::span(&largest, 1));
        if (largest <= limit && std::isfinite(largest)) return {.largest = largest};
    }
    return scan_decoded(type, bytes, limit);
}

// --- one shard ----------------------------------------------------------------------------------

void add_pieces(uint64_t offset, uint64_t size, uint64_t step, size_t tensor,
                std::vector<Piece>& pieces) {
    for (uint64_t at = 0; at < size; at += step) {
        pieces.push_back({offset + at, std::min(step, size - at), tensor});
    }
}

uint64_t whole_blocks(const TensorInfo& tensor) {
    const uint64_t block = type_by_id(tensor.type_id)->block_bytes;
    return std::max(block, kPieceBytes / block * block);
}

void require_order(const std::filesystem::path& shard, uint64_t end, uint64_t next,
                   const char* problem) {
    if (end <= next) return;
    throw Error(ErrorKind::kInput,
                fmt::format("'{}' cannot be read: {} (byte {} before byte {})", shard.string(),
                            problem, next, end),
                "is it still being written, or damaged?");
}

// All bytes of a shard in order.
std::vector<Piece> cut(const GgufFile& file, uint32_t shard, uint64_t shard_bytes) {
    std::vector<size_t> inside;
    for (size_t i = 0; i < file.tensors().size(); ++i) {
        if (file.tensors()[i].shard == shard) inside.push_back(i);
    }
    std::ranges::sort(inside, {}, [&](size_t i) {
        return std::pair(file.tensors()[i].offset, file.tensors()[i].bytes);
    });
    std::vector<Piece> pieces;
    uint64_t at = 0;
    for (const size_t i : inside) {
        const TensorInfo& tensor = file.tensors()[i];
        require_order(file.shards()[shard], at, tensor.offset, "tensors of it overlap");
        add_pieces(at, tensor.offset - at, kPieceBytes, kNoTensor, pieces);
        add_pieces(tensor.offset, tensor.bytes, whole_blocks(tensor), i, pieces);
        at = tensor.offset + tensor.bytes;
    }
    require_order(file.shards()[shard], at, shard_bytes, "it has become shorter");
    add_pieces(at, shard_bytes - at, kPieceBytes, kNoTensor, pieces);
    return pieces;
}

class ShardScan {
  public:
    ShardScan(const GgufFile& file, const std::vector<float>& limits, OriginalScan& result,
              Progress& progress)
        : file_(file), limits_(limits), result_(result), progress_(progress) {}

    // Reads and looks at pieces in parallel, hashes in order.
    std::string run(uint32_t shard, size_t pieces_at_once) {
        const auto& path = file_.shards()[shard];
        const PositionedReader reader(path);
        const std::vector<Piece> pieces = cut(file_, shard, std::filesystem::file_size(path));
        // Pieces are done in order: who comes `pieces_at_once` later finds the place free.
        std::vector<LoadedPiece> places(pieces_at_once);
        ContentHash hash;
        size_t next = 0;
        ReadAhead ahead;
        const uint64_t end = pieces.empty() ? 0 : pieces.back().offset + pieces.back().size;
        const auto choose = [&](tbb::flow_control& control) -> LoadedPiece* {
            if (next == pieces.size() || interrupted()) {
                control.stop();
                return nullptr;
            }
            ahead.reach(reader, pieces[next].offset, end);
            LoadedPiece& place = places[next % pieces_at_once];
            place.piece = pieces[next++];
            return &place;
        };
        const auto look = [&](LoadedPiece* place) { return examined(place, reader); };
        const auto take = [&](const LoadedPiece* place) { take_in(*place, hash); };
        tbb::parallel_pipeline(
            pieces_at_once,
            tbb::make_filter<void, LoadedPiece*>(tbb::filter_mode::serial_in_order, choose) &
                tbb::make_filter<LoadedPiece*, LoadedPiece*>(tbb::filter_mode::parallel, look) &
                tbb::make_filter<LoadedPiece*, void>(tbb::filter_mode::serial_in_order, take));
        throw_if_interrupted();
        return hash.hex();
    }

  private:
    LoadedPiece* examined(LoadedPiece* place, const PositionedReader& reader) const {
        place->bytes.resize(place->piece.size);
        reader.read(place->piece.offset, place->bytes);
        place->scan = {};
        const size_t tensor = place->piece.tensor;
        if (tensor != kNoTensor) {
            const QType& type = *type_by_id(file_.tensors()[tensor].type_id);
            place->scan = scan_piece(type, place->bytes, limits_[tensor]);
        }
        return place;
    }

    void take_in(const LoadedPiece& loaded, ContentHash& hash) {
        hash.add(loaded.bytes);
        const size_t tensor = loaded.piece.tensor;
        if (tensor != kNoTensor) result_.tensors[tensor].merge(loaded.scan);
        advance(loaded.piece.size);
    }

    void advance(uint64_t bytes) {
        const uint64_t before = done_ >> 20U;
        done_ += bytes;
        progress_.advance(static_cast<int64_t>((done_ >> 20U) - before));
    }

    const GgufFile& file_;
    const std::vector<float>& limits_;
    OriginalScan& result_;
    Progress& progress_;
    uint64_t done_ = 0;
};

}  // namespace

void TensorScan::merge(const TensorScan& other) {
    nan += other.nan;
    infinite += other.infinite;
    too_large += other.too_large;
    largest = std::max(largest, other.largest);
}

float largest_encodable(int type_id, bool copied) {
    const std::string& type = type_by_id(type_id)->name;
    if (copied || type == "f32" || type == "mxfp4") return std::numeric_limits<float>::max();
    if (type == "bf16") return from_bits(kLargestBf16Bits);
    if (type == "q8_0") return 127 * kLargestF16;
    if (type == "nvfp4") return 6.0F * 448.0F;  // levels times the largest UE4M3
    return kLargestF16;
}

OriginalScan scan_original(const GgufFile& original, const std::vector<float>& limits,
                           uint32_t threads, Progress& progress) {
    OriginalScan scan;
    scan.tensors.resize(original.tensors().size());
    std::vector<std::string> hashes;
    ShardScan shard_scan(original, limits, scan, progress);
    progress.begin("checking", static_cast<int64_t>(original.file_bytes() >> 20U), "MiB");
    in_worker_threads(threads, [&](size_t at_once) {
        for (uint32_t shard = 0; shard < original.shards().size(); ++shard) {
            hashes.push_back(shard_scan.run(shard, at_once));
        }
    });
    progress.end();
    scan.content_hash = hashes.size() == 1 ? hashes.front() : combined_hash(hashes);
    return scan;
}

std::string describe(const TensorScan& scan, float limit) {
    std::vector<std::string> parts;
    if (scan.nan > 0) parts.push_back(fmt::format("{} NaN", scan.nan));
    if (scan.infinite > 0) parts.push_back(fmt::format("{} infinite", scan.infinite));
    if (scan.too_large > 0) {
        parts.push_back(fmt::format("{} beyond {} (up to {:.3g})", scan.too_large,
                                    limit < 1e18F ? format_count(static_cast<uint64_t>(limit))
                                                  : fmt::format("{:.3g}", limit),
                                    scan.largest));
    }
    return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace bitgauge
