#include "hub/chunk_journal.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>

#include <fmt/format.h>

#include "bitgauge/error.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

// Text of fixed length, so that a chunk's byte has a fixed place.
constexpr size_t kHeadBytes = 160;

std::string head_text(const HubFile& file, uint64_t chunk_bytes) {
    std::string text =
        fmt::format("bitgauge chunks 1 {} {} {}", file.hash, file.bytes, chunk_bytes);
    text.resize(kHeadBytes - 1, ' ');
    return text + "\n";
}

size_t chunk_count(uint64_t bytes, uint64_t chunk_bytes) {
    return static_cast<size_t>((bytes + chunk_bytes - 1) / chunk_bytes);
}

}  // namespace

ChunkJournal::ChunkJournal(ResumableFile& part, const HubFile& file, uint64_t chunk_bytes)
    : part_(part),
      file_(file),
      chunk_bytes_(chunk_bytes),
      done_(chunk_count(file.bytes, chunk_bytes)) {
    resumed_ = read_back();
    if (resumed_) count();
    if (!resumed_) restart();
}

void ChunkJournal::count() {
    done_bytes_ = 0;
    first_open_ = 0;
    for (size_t i = 0; i < done_.size(); ++i)
        done_bytes_ += is_done(i) ? end_of(i) - begin_of(i) : 0;
    while (first_open_ < done_.size() && is_done(first_open_)) ++first_open_;
}

std::vector<std::byte> ChunkJournal::head() const {
    const std::string text = head_text(file_, chunk_bytes_);
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

bool ChunkJournal::read_back() {
    if (part_.size() != file_.bytes + kHeadBytes + done_.size()) return false;
    std::vector<std::byte> found(kHeadBytes);
    return part_.read(file_.bytes, found) && found == head() &&
           part_.read(file_.bytes + kHeadBytes, std::as_writable_bytes(std::span(done_)));
}

void ChunkJournal::restart() {
    std::fill(done_.begin(), done_.end(), uint8_t{0});
    count();
    part_.reserve(0);  // what another upload left there
    try {
        part_.reserve(file_.bytes + kHeadBytes + done_.size());
        part_.write(file_.bytes, head());
    } catch (const Error&) {
        part_.discard();  // nothing had been fetched
        throw;
    }
}

uint64_t ChunkJournal::begin_of(size_t chunk) const {
    return chunk * chunk_bytes_;
}

uint64_t ChunkJournal::end_of(size_t chunk) const {
    return std::min(file_.bytes, (chunk + 1) * chunk_bytes_);
}

void ChunkJournal::mark(size_t chunk) {
    if (is_done(chunk)) return;
    done_[chunk] = 1;
    done_bytes_ += end_of(chunk) - begin_of(chunk);
    part_.write(file_.bytes + kHeadBytes + chunk,
                std::as_bytes(std::span(done_).subspan(chunk, 1)));
    while (first_open_ < done_.size() && is_done(first_open_)) ++first_open_;
}

uint64_t ChunkJournal::contiguous_bytes() const {
    return first_open_ == 0 ? 0 : end_of(first_open_ - 1);
}

void ChunkJournal::forget_beyond_contiguous() {
    std::fill(done_.begin() + static_cast<ptrdiff_t>(first_open_), done_.end(), uint8_t{0});
    count();
    part_.write(file_.bytes + kHeadBytes, std::as_bytes(std::span(done_)));
}

void ChunkJournal::cut_off() {
    part_.reserve(file_.bytes);
}

uint64_t fetched_before(const fs::path& path, const HubFile& file) {
    std::ifstream part(path.string() + ".part", std::ios::binary);
    part.seekg(static_cast<std::streamoff>(file.bytes));
    std::string head(kHeadBytes, '\0');
    const std::string known = fmt::format("bitgauge chunks 1 {} {} ", file.hash, file.bytes);
    if (!part.read(head.data(), kHeadBytes) || !head.starts_with(known)) return 0;
    const uint64_t chunk_bytes = std::strtoull(head.c_str() + known.size(), nullptr, 10);
    if (chunk_bytes == 0) return 0;
    uint64_t sum = 0;
    char done = 0;
    for (uint64_t begin = 0; begin < file.bytes && part.get(done); begin += chunk_bytes) {
        sum += done != 0 ? std::min(chunk_bytes, file.bytes - begin) : 0;
    }
    return sum;
}

}  // namespace bitgauge
