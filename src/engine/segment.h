#pragma once

// A run of layers as a GGUF file that exists nowhere: a header of its own, tensors that are read
// from the original when libllama asks for them.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/positioned_file.h"
#include "engine/cut_plan.h"

namespace bitgauge {

// Tensors that stand in for the original's, by the original's names: another type, another content.
struct ReplacedTensor {
    int type_id = 0;
    std::span<const std::byte> bytes;
};
using ReplacedTensors = std::map<std::string, ReplacedTensor>;

// What stands at [offset, offset + size) of such a file. Nothing stands at the rest: zeros.
struct SegmentPiece {
    uint64_t offset = 0;
    uint64_t size = 0;
    uint32_t shard = 0;                // of the original ...
    uint64_t at = 0;                   // ... and where in it,
    const std::byte* bytes = nullptr;  // or these, where given
    int narrow_type = -1;              // of the original's values, which here are F32; -1: as there
};

// Types of 16 bits whose values F32 holds exactly.
bool can_be_widened(int type_id);
// The same values as F32.
std::vector<std::byte> widened(int type_id, std::span<const std::byte> bytes);

struct Segment {
    std::vector<std::byte> header;
    std::vector<SegmentPiece> pieces;  // in order
    uint64_t size = 0;                 // of the file
    uint64_t bytes_read = 0;           // from the original
    uint64_t weight_bytes = 0;         // of all pieces
};

// The bytes of `replaced` must live as long as the segment. `widen`: the original's weights of 16
// bits stand there as F32. Error(kInput) for a header whose arrays are shorter than its layers.
Segment make_segment(const Anatomy& model, const CutStage& stage, const ReplacedTensors& replaced,
                     bool widen = false);

// The shards of a model, open for reading. Thread-safe.
class OriginalFiles {
  public:
    explicit OriginalFiles(const GgufFile& file);
    void read(uint32_t shard, uint64_t offset, std::span<std::byte> bytes) const;
    // What was read need not stay in memory: it will not be read again soon.
    void forget_after_reading(bool forget) { forget_ = forget; }

  private:
    std::vector<PositionedReader> shards_;
    bool forget_ = false;
};

// The segment as a C stream, which libllama loads a model from. Both must outlive it. A failed read
// is kept and can be asked for.
class SegmentStream {
  public:
    SegmentStream(const Segment& segment, const OriginalFiles& files);
    ~SegmentStream();
    SegmentStream(const SegmentStream&) = delete;
    SegmentStream& operator=(const SegmentStream&) = delete;

    std::FILE* stream();
    void rethrow_failure() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace bitgauge
