#include "eval/peer_file.h"

#include <cstring>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "eval/log_probability_rows.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

constexpr uint64_t kTokensOffset = sizeof kPeerMagic + sizeof(PeerHeader);
constexpr int32_t kMost = 1 << 24;  // tokens of a window, entries of a vocabulary

}  // namespace

PeerFile::PeerFile(const fs::path& path) : mapped_(path) {
    read_header(path);
    require_plausible(path);
    require_complete(path);
    read_tokens(path);
}

void PeerFile::read_header(const fs::path& path) {
    const auto bytes = mapped_.bytes();
    if (bytes.size() < kTokensOffset ||
        std::memcmp(bytes.data(), kPeerMagic, sizeof kPeerMagic) != 0) {
        throw Error(
            ErrorKind::kInput,
            fmt::format(
                "'{}' is no base file of llama-perplexity (it does not begin with _logits_)",
                path.string()),
            "make one: llama-perplexity -m ORIGINAL.gguf -f TEXT --kl-divergence-base FILE");
    }
    std::memcpy(&header_, bytes.data() + sizeof kPeerMagic, sizeof header_);
}

void PeerFile::require_plausible(const fs::path& path) const {
    if (header_.window_tokens >= 4 && header_.vocabulary > 0 && header_.windows > 0 &&
        header_.window_tokens <= kMost && header_.vocabulary <= kMost) {
        return;
    }
    throw Error(
        ErrorKind::kInput,
        fmt::format("'{}' is damaged: {} windows of {} tokens, vocabulary {}", path.string(),
                    header_.windows, header_.window_tokens, header_.vocabulary));
}

// No product of what a header can say overflows 128 bits.
void PeerFile::require_complete(const fs::path& path) const {
    using Wide = unsigned __int128;
    const Wide one_window =
        Wide{window_tokens()} * sizeof(TokenId) + Wide{rows_per_window()} * row_bytes();
    const Wide due = kTokensOffset + windows() * one_window;
    if (file_bytes() == due) return;
    throw Error(ErrorKind::kInput,
                fmt::format("'{}' has {} bytes; {} windows of {} tokens with a vocabulary of {} "
                            "need {}",
                            path.string(), file_bytes(), header_.windows, header_.window_tokens,
                            header_.vocabulary, due),
                "its writer was interrupted; make it anew");
}

void PeerFile::read_tokens(const fs::path& path) {
    tokens_.resize(windows() * window_tokens());
    std::memcpy(tokens_.data(), mapped_.bytes().data() + kTokensOffset,
                tokens_.size() * sizeof(TokenId));
    for (TokenId token : tokens_) {
        if (token >= 0 && token < header_.vocabulary) continue;
        throw Error(ErrorKind::kInput,
                    fmt::format("'{}' is damaged: token {} is outside its vocabulary of {}",
                                path.string(), token, header_.vocabulary));
    }
}

uint64_t PeerFile::row_bytes() const {
    return 2 * log_probability_row_values(vocabulary());
}

uint64_t PeerFile::rows_offset() const {
    return kTokensOffset + windows() * window_tokens() * sizeof(TokenId);
}

// Copied, because rows behind an odd number of tokens do not lie on a multiple of 8.
std::vector<uint16_t> PeerFile::rows(uint64_t first, uint64_t count) const {
    std::vector<uint16_t> rows(count * window_bytes() / sizeof(uint16_t));
    std::memcpy(rows.data(), mapped_.bytes().data() + rows_offset() + first * window_bytes(),
                count * window_bytes());
    return rows;
}

void PeerFile::forget_rows(uint64_t first, uint64_t count) const {
    mapped_.forget(rows_offset() + first * window_bytes(), count * window_bytes());
}

double PeerFile::range_nats() const {
    float steepest = 0;
    for (uint64_t row = 0; row < windows() * rows_per_window(); ++row) {
        float scale = 0;
        std::memcpy(&scale, mapped_.bytes().data() + rows_offset() + row * row_bytes(),
                    sizeof scale);
        if (scale > steepest) steepest = scale;
    }
    return 65535.0 * steepest;
}

}  // namespace bitgauge
