#pragma once

// llama-perplexity's base file (--kl-divergence-base), mapped and checked: "_logits_", int32 n_ctx,
// n_vocab, n_chunk, the tokens of all windows, then per window the rows of positions n_ctx / 2 ...
// n_ctx - 2 (eval/log_probability_rows.h). No version, no checksum, native byte order. Source:
// llama.cpp tools/perplexity/perplexity.cpp.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "bitgauge/token.h"

#include "base/files.h"

namespace bitgauge {

constexpr char kPeerMagic[8] = {'_', 'l', 'o', 'g', 'i', 't', 's', '_'};

struct PeerHeader {
    int32_t window_tokens = 0;
    int32_t vocabulary = 0;
    int32_t windows = 0;
};

// Thread-safe for reading.
class PeerFile {
  public:
    // Error(kInput): not such a file, of another size than its header says, a token outside the
    // vocabulary.
    explicit PeerFile(const std::filesystem::path& path);

    uint64_t windows() const { return static_cast<uint64_t>(header_.windows); }
    uint64_t window_tokens() const { return static_cast<uint64_t>(header_.window_tokens); }
    uint64_t vocabulary() const { return static_cast<uint64_t>(header_.vocabulary); }
    uint64_t rows_per_window() const { return window_tokens() - 1 - window_tokens() / 2; }
    uint64_t row_bytes() const;
    uint64_t file_bytes() const { return mapped_.bytes().size(); }

    // Of all windows, one after the other, as the file has them.
    const std::vector<TokenId>& tokens() const { return tokens_; }
    // The rows of windows [first, first + count).
    std::vector<uint16_t> rows(uint64_t first, uint64_t count) const;
    // Their pages may leave memory.
    void forget_rows(uint64_t first, uint64_t count) const;
    // How far below the largest the entries of any row reach.
    double range_nats() const;

  private:
    void read_header(const std::filesystem::path& path);
    void require_plausible(const std::filesystem::path& path) const;
    void require_complete(const std::filesystem::path& path) const;
    void read_tokens(const std::filesystem::path& path);
    uint64_t rows_offset() const;
    uint64_t window_bytes() const { return rows_per_window() * row_bytes(); }

    MappedFile mapped_;
    PeerHeader header_;
    std::vector<TokenId> tokens_;
};

}  // namespace bitgauge
