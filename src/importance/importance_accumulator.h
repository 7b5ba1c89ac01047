#pragma once

// Adds up importance while a model is evaluated. An observer hands over the inputs of each product
// of a weight with activations, as ggml has them; tensors that read one and the same activation (q,
// k and v; gate, up and router) are counted once and share the result.
//
// Sums are those of llama-imatrix (collect_imatrix), which adds in single precision; here they are
// in double and the same whatever the division of the tokens into batches (stats/square_sums.h).

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "importance/importance_sums.h"

namespace bitgauge {

// The weight of a product (src0): its name without a backend's decoration, and its dimensions
// beyond the matrix (ne[2], ne[3]).
struct ImportanceWeight {
    std::string name;
    uint64_t matrices = 1;
    uint64_t stacks = 1;
};

// What the weight was multiplied with (src1): F32, [channels, rows, ...]; `strides` in bytes, the
// first one is 4. For routed experts [channels, slots or 1, tokens].
struct Activation {
    const void* data = nullptr;
    std::array<uint64_t, 4> shape = {0, 1, 1, 1};
    std::array<uint64_t, 4> strides = {4, 0, 0, 0};
};

// Which expert took which row (ids of MUL_MAT_ID, I32): [slots, tokens]; strides in bytes.
struct Routing {
    const void* data = nullptr;
    uint64_t slots = 0;
    uint64_t tokens = 0;
    uint64_t slot_stride = 4;
    uint64_t token_stride = 0;
};

// Not thread-safe: one thread at a time, which need not be the one that decodes. Nothing handed
// over is kept after the call.
class ImportanceAccumulator {
  public:
    ImportanceAccumulator() = default;
    // Goes on from there: the result has the bits of an uninterrupted pass.
    explicit ImportanceAccumulator(ImportanceSums start);

    // The product of `weight` with x. Weights of several matrices multiply as ggml broadcasts them
    // (matrix i2 % ne[2], i3 % ne[3]) and have one count in all.
    // Throws Error(kInput): another shape than before; a tensor that shared before and now does
    // not; Error(kNotFinite): x holds NaN or infinity (the sums have it then, too).
    void add(const ImportanceWeight& weight, const Activation& x);
    // The product with experts: row (slot % slots of x, token) goes to expert ids[slot, token], and
    // each expert has its own count. Also Error(kInput): an expert out of range.
    void add_routed(const ImportanceWeight& weight, const Activation& x, const Routing& ids);
    // `weight` was multiplied with the very activation (and ids) that add() or add_routed() last
    // took for `leader`. Each batch says it anew. Error(kInput): as above, or not so in earlier
    // batches.
    void share(const ImportanceWeight& weight, const std::string& leader);
    // Throws Error(kInput) where a tensor did not share in the last batch as it did before. Call it
    // before sums() are used.
    void require_complete() const;

    // Datasets, chunks and provenance are the caller's to set.
    ImportanceSums& sums() { return sums_; }
    const ImportanceSums& sums() const { return sums_; }

  private:
    static constexpr size_t kNone = static_cast<size_t>(-1);

    // What this object has seen of a group; one per group of sums_.
    struct Progress {
        std::string leader;
        size_t origin = kNone;  // group of the start that it goes on from
        uint64_t batches = 0;   // activations added
        size_t members = 0;     // tensors that share, the leader among them
        size_t claims = 0;      // of them in the last batch
    };

    ImportanceSums::Group& begin_batch(const ImportanceWeight& weight, uint64_t channels,
                                       size_t counts);
    size_t group_led_by(const std::string& tensor);
    size_t begun_group(const std::string& leader) const;
    size_t continued_group(const std::string& tensor, size_t origin);
    size_t new_group();
    void join(const std::string& tensor, size_t group);
    void leave_origin(const std::string& tensor);
    void require_all_shared(size_t group) const;

    ImportanceSums sums_;
    std::vector<Progress> progress_;
    std::map<std::string, size_t> waiting_;  // tensors of the start not met yet, and their groups
};

}  // namespace bitgauge
