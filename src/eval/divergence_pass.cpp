#include "eval/divergence_pass.h"

#include <algorithm>
#include <limits>

#include <tbb/blocked_range2d.h>
#include <tbb/parallel_for.h>
#include <tbb/partitioner.h>

namespace bitgauge {
namespace {

constexpr size_t kTileEntries = 512;
constexpr size_t kBlockRows = 2048;      // decoded weights are used this often
constexpr size_t kSmallBlockRows = 128;  // where the vocabulary has too few tiles to share out
constexpr size_t kSpans = 16;            // of the vocabulary, each merged in order

// What is known of a block of positions after some tiles.
struct BlockSums {
    explicit BlockSums(size_t rows, size_t candidates)
        : reference(rows),
          reference_next(rows, std::numeric_limits<double>::quiet_NaN()),
          candidate(candidates, std::vector<CandidateSums>(rows)),
          candidate_next(candidates, reference_next) {}

    void merge(const BlockSums& later) {
        for (size_t i = 0; i < reference.size(); ++i) {
            reference[i].merge(later.reference[i]);
            take_if_known(reference_next[i], later.reference_next[i]);
            for (size_t c = 0; c < candidate.size(); ++c) {
                candidate[c][i].merge(later.candidate[c][i]);
                take_if_known(candidate_next[c][i], later.candidate_next[c][i]);
            }
        }
    }

    static void take_if_known(double& value, double later) {
        if (later == later) value = later;
    }

    std::vector<ReferenceSums> reference;
    std::vector<double> reference_next;  // l of the next token, once its tile has gone by
    std::vector<std::vector<CandidateSums>> candidate;
    std::vector<std::vector<double>> candidate_next;
};

struct TileBuffers {
    std::vector<float> reference, weights, candidate;
    HeadScratch scratch;
    std::vector<ReferenceSums> tile;
};

class Pass {
  public:
    Pass(const LogitTiles& original, std::span<const LogitTiles* const> candidates,
         std::span<const TokenId> next, const ReferenceReading& reading)
        : original_(original), candidates_(candidates), next_(next), reading_(reading) {
        const size_t tiles = (original.vocabulary() + kTileEntries - 1) / kTileEntries;
        spans_ = std::min(kSpans, tiles);
        span_tiles_ = (tiles + spans_ - 1) / spans_;
        block_rows_ = tiles >= kSpans ? kBlockRows : kSmallBlockRows;
    }

    std::vector<PositionValues> run() const {
        const size_t blocks = (next_.size() + block_rows_ - 1) / block_rows_;
        std::vector<std::vector<BlockSums>> sums(blocks);
        for (size_t b = 0; b < blocks; ++b) {
            sums[b].assign(spans_, BlockSums(rows_of(b), candidates_.size()));
        }
        tbb::parallel_for(
            tbb::blocked_range2d<size_t>(0, blocks, 1, 0, spans_, 1),
            [&](const tbb::blocked_range2d<size_t>& range) {
                TileBuffers buffers;
                for (size_t b = range.rows().begin(); b < range.rows().end(); ++b) {
                    for (size_t s = range.cols().begin(); s < range.cols().end(); ++s) {
                        add_span(b * block_rows_, s, buffers, sums[b][s]);
                    }
                }
            },
            tbb::simple_partitioner());
        std::vector<PositionValues> results(candidates_.size());
        for (auto& block : sums) {
            for (size_t s = 1; s < spans_; ++s) block[0].merge(block[s]);
            finish(block[0], results);
        }
        return results;
    }

  private:
    size_t rows_of(size_t block) const {
        return std::min(block_rows_, next_.size() - block * block_rows_);
    }

    void add_span(size_t row, size_t span, TileBuffers& buffers, BlockSums& sums) const {
        const size_t last =
            std::min(original_.vocabulary(), (span + 1) * span_tiles_ * kTileEntries);
        for (size_t first = span * span_tiles_ * kTileEntries; first < last;
             first += kTileEntries) {
            add_tile(row, first, std::min(kTileEntries, last - first), buffers, sums);
        }
    }

    void add_tile(size_t row, size_t first, size_t count, TileBuffers& b, BlockSums& sums) const {
        const size_t rows = sums.reference.size();
        b.reference.resize(rows * count);
        b.weights.resize(rows * count);
        b.candidate.resize(rows * count);
        b.tile.resize(rows);
        original_.tile(row, rows, first, count, b.reference, b.scratch);
        add_reference(row, first, count, b, sums);
        for (size_t c = 0; c < candidates_.size(); ++c) {
            candidates_[c]->tile(row, rows, first, count, b.candidate, b.scratch);
            add_candidate(row, first, count, b, sums.candidate[c], sums.candidate_next[c]);
        }
    }

    void add_reference(size_t row, size_t first, size_t count, TileBuffers& b,
                       BlockSums& sums) const {
        for (size_t i = 0; i < b.tile.size(); ++i) {
            const std::span<const float> l(b.reference.data() + i * count, count);
            b.tile[i] = reference_tile(l, static_cast<TokenId>(first), reading_.floor,
                                       {b.weights.data() + i * count, count});
            sums.reference[i].merge(b.tile[i]);
            keep_next(row + i, first, l, sums.reference_next[i]);
        }
    }

    void add_candidate(size_t row, size_t first, size_t count, const TileBuffers& b,
                       std::vector<CandidateSums>& sums, std::vector<double>& next) const {
        for (size_t i = 0; i < sums.size(); ++i) {
            const std::span<const float> l(b.reference.data() + i * count, count);
            const std::span<const float> w(b.weights.data() + i * count, count);
            const std::span<const float> m(b.candidate.data() + i * count, count);
            sums[i].merge(candidate_tile(l, w, b.tile[i], m, static_cast<TokenId>(first)));
            keep_next(row + i, first, m, next[i]);
        }
    }

    void keep_next(size_t position, size_t first, std::span<const float> tile,
                   double& value) const {
        const auto token = static_cast<size_t>(next_[position]);
        if (token >= first && token < first + tile.size()) value = tile[token - first];
    }

    void finish(const BlockSums& sums, std::vector<PositionValues>& results) const {
        for (size_t c = 0; c < results.size(); ++c) {
            for (size_t i = 0; i < sums.reference.size(); ++i) {
                results[c].push_back(finish_position(sums.reference[i], sums.candidate[c][i],
                                                     sums.reference_next[i],
                                                     sums.candidate_next[c][i], reading_.scale));
            }
        }
    }

    const LogitTiles& original_;
    std::span<const LogitTiles* const> candidates_;
    std::span<const TokenId> next_;
    ReferenceReading reading_;
    size_t spans_ = 1;
    size_t span_tiles_ = 1;
    size_t block_rows_ = kBlockRows;
};

}  // namespace

void PositionValues::resize(size_t n) {
    kld.resize(n);
    nll.resize(n);
    nll_original.resize(n);
    same_top.resize(n);
    finite.resize(n);
}

void PositionValues::set(size_t i, const PositionValues& from, size_t j) {
    kld[i] = from.kld[j];
    nll[i] = from.nll[j];
    nll_original[i] = from.nll_original[j];
    same_top[i] = from.same_top[j];
    finite[i] = from.finite[j];
}

void PositionValues::append(const PositionValues& more) {
    const auto add = [](auto& to, const auto& from) {
        to.insert(to.end(), from.begin(), from.end());
    };
    add(kld, more.kld);
    add(nll, more.nll);
    add(nll_original, more.nll_original);
    add(same_top, more.same_top);
    add(finite, more.finite);
}

void PositionValues::push_back(const TokenDivergence& d) {
    kld.push_back(d.kld_nats);
    nll.push_back(d.nll_nats);
    nll_original.push_back(d.reference_nats);
    same_top.push_back(d.same_top ? 1 : 0);
    finite.push_back(d.finite ? 1 : 0);
}

std::vector<PositionValues> diverge(const LogitTiles& original,
                                    std::span<const LogitTiles* const> candidates,
                                    std::span<const TokenId> next,
                                    const ReferenceReading& reading) {
    return Pass(original, candidates, next, reading).run();
}

}  // namespace bitgauge
