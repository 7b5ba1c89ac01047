#pragma once

// Where the logits of a block of positions come from, a tile of the vocabulary at a time.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/head.h"
#include "stats/divergence.h"

namespace bitgauge {

// Thread-safe: several tiles may be asked for at once.
class LogitTiles {
  public:
    virtual ~LogitTiles() = default;
    virtual size_t positions() const = 0;
    virtual size_t vocabulary() const = 0;
    // Entries [first, first + count) of positions [row, row + rows), `row` a multiple of 4:
    // out[i * count + j] belongs to position row + i, entry first + j.
    virtual void tile(size_t row, size_t rows, size_t first, size_t count, std::span<float> out,
                      HeadScratch& scratch) const = 0;
};

// Final states times a head.
class HeadTiles : public LogitTiles {
  public:
    // `states`: rows of head.width(), not rounded yet. The head must outlive this.
    HeadTiles(const Head& head, std::vector<float> states);

    size_t positions() const override { return inputs_.rows; }
    size_t vocabulary() const override { return head_.vocabulary(); }
    void tile(size_t row, size_t rows, size_t first, size_t count, std::span<float> out,
              HeadScratch& scratch) const override;

  private:
    const Head& head_;
    HeadInputs inputs_;
};

// Rows of 16-bit log-probabilities as llama-perplexity stores them: scale and minimum in single
// precision, then one integer per entry, padded to an even number (peer_base_file.h).
class StoredTiles : public LogitTiles {
  public:
    StoredTiles(std::span<const uint16_t> rows, size_t vocabulary);

    size_t positions() const override { return rows_.size() / row_values_; }
    size_t vocabulary() const override { return vocabulary_; }
    void tile(size_t row, size_t rows, size_t first, size_t count, std::span<float> out,
              HeadScratch& scratch) const override;

  private:
    std::span<const uint16_t> rows_;
    size_t vocabulary_;
    size_t row_values_;
};

// Whole rows of logits that are already there.
class DenseTiles : public LogitTiles {
  public:
    DenseTiles(std::span<const float> logits, size_t vocabulary);

    size_t positions() const override { return logits_.size() / vocabulary_; }
    size_t vocabulary() const override { return vocabulary_; }
    void tile(size_t row, size_t rows, size_t first, size_t count, std::span<float> out,
              HeadScratch& scratch) const override;

  private:
    std::span<const float> logits_;
    size_t vocabulary_;
};

}  // namespace bitgauge
