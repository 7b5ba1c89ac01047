#pragma once

// What goes into the products of a model's weights with activations, seen while they are computed.

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "bitgauge/engine.h"

struct ggml_tensor;

namespace bitgauge {

// The input of one product, in the memory of this process. F32; `shape` and `strides` (bytes) as
// ggml has them: channels, rows, matrices, stacks.
struct ProductInput {
    std::string weight;  // by the original's name: "blk.12.attn_q.weight"
    uint64_t matrices = 1;
    uint64_t stacks = 1;  // of the weight, beyond its matrices
    const std::byte* data = nullptr;
    std::array<uint64_t, 4> shape = {};
    std::array<uint64_t, 4> strides = {};
    uint64_t bytes = 0;
    // Routed experts: which of them took which row, I32, [slots, tokens]; nullptr otherwise.
    const std::byte* ids = nullptr;
    std::array<uint64_t, 2> id_shape = {};
    std::array<uint64_t, 2> id_strides = {};
    uint64_t id_bytes = 0;
};

// Called by the thread that evaluates, between two nodes of a graph: what takes long is better done
// elsewhere. Views are valid during the call.
class ProductObserver {
  public:
    virtual ~ProductObserver() = default;
    virtual bool wants(const std::string& weight) const = 0;
    virtual void on_product(const ProductInput& input) = 0;
    // A weight (`input` has no more than its name and dimensions) is multiplied with the very
    // activation (and experts) that `leader`, of the same dimensions, was.
    virtual void on_shared(const ProductInput& input, const std::string& leader) = 0;
    // Nothing behind this product is needed of the call: it is not computed, and the call gives no
    // states.
    virtual bool is_enough(const std::string& /*weight*/) const { return false; }
};

// Fewer rows are no evaluation of a text; llama-imatrix leaves them out too.
constexpr int64_t kFewestObservedRows = 16;

// Between the nodes of a graph and an observer. Private to this room.
class ProductTap {
  public:
    // `layers` of the whole model, by the stage's numbers; empty: the same.
    explicit ProductTap(const std::vector<uint32_t>& layers) : layers_(layers) {}

    void observe(ProductObserver* observer) { observer_ = observer; }
    // A new call: activations of the one before are gone.
    void begin() { leaders_.clear(); }
    // Before a node is computed: whether it is wanted. Tells the observer of shared activations.
    bool wants(const ggml_tensor* node);
    // After it was. False: the observer needs no more of this graph.
    bool take(const ggml_tensor* node);

    // The weights that nodes use, by the original's names, from now on.
    void find_weights() { finding_ = true; }
    ggml_tensor* weight(const std::string& name) const;  // nullptr: none was found

  private:
    void find_in(const ggml_tensor* node);
    std::string original_name(const char* name) const;
    ProductInput without_data(const ggml_tensor* weight) const;

    ProductObserver* observer_ = nullptr;
    const std::vector<uint32_t>& layers_;
    using Activation = std::tuple<const ggml_tensor*, const ggml_tensor*, uint64_t, uint64_t>;

    std::map<Activation, std::string> leaders_;  // input, experts, dimensions of the weight
    bool finding_ = false;
    std::map<std::string, ggml_tensor*, std::less<>> weights_;
    std::vector<std::byte> data_, ids_;  // copies from a device
};

}  // namespace bitgauge
