#pragma once

// How long ggml's processor code takes for the product of a weight matrix of one type with a few
// columns of inputs, as libllama calls it.
//
// A product of one column is what generating a token does with every matrix; there the time is that
// of fetching and decoding weights. So that no cache keeps them from one product to the next,
// several copies of the matrix are gone through in turn.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace bitgauge {

struct ProductShape {
    uint32_t rows = 4096;     // outputs
    uint32_t columns = 4096;  // inputs: weights of a row
    uint32_t tokens = 1;      // columns of the inputs' matrix
};

// One type and shape, ready to be timed. One thread at a time per object.
class ProductRun {
  public:
    // `rows`: some encoded rows of `type_id`, shape.columns weights each, repeated until the matrix
    // is full. Where libllama would lay the type out anew for this processor, so is it here.
    // Error(kEnvironment) for want of memory, Error(kInput) where ggml has no such product.
    ProductRun(int type_id, std::span<const std::byte> rows, const ProductShape& shape,
               uint32_t copies, uint32_t threads);
    ~ProductRun();
    ProductRun(ProductRun&&) noexcept;

    // Seconds of one product: the mean of one go through all copies.
    double seconds();
    bool is_laid_out_anew() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace bitgauge
