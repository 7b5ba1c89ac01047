#include "hub/file_download.h"

#include <algorithm>
#include <functional>
#include <vector>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/interrupt.h"
#include "base/positioned_file.h"

#include "hub/chunk_journal.h"
#include "hub/file_digest.h"
#include "hub/range_transfer.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMiB = uint64_t{1} << 20;

// The file's hash once everything is there.
std::string fetch(const std::string& url, const HubFile& file, const HubOptions& options,
                  ResumableFile& part, ChunkJournal& journal, ByteProgress& progress) {
    FollowingDigest digest(part, file);
    digest.reach(journal.contiguous_bytes());
    RangeTransfer transfer(url, file, options, part, journal);
    transfer.run(
        [&](uint64_t bytes) {
            digest.reach(journal.contiguous_bytes());
            progress.reach(bytes);
        },
        progress.progress());
    std::string hex;
    if (!digest.finish(hex)) throw_if_interrupted();
    return hex;
}

[[noreturn]] void fail_hash(const HubFile& file, const std::string& hash) {
    throw Error(
        ErrorKind::kEnvironment,
        fmt::format("'{}' was fetched with the hash {} where the repository says {}; it was "
                    "removed",
                    file.path, hash, file.hash),
        "try again later, or another endpoint");
}

// What an earlier run left may be damaged, by a power failure for instance; then all is fetched
// once more.
void fetch_checked(const std::string& url, const HubFile& file, const HubOptions& options,
                   ResumableFile& part, ChunkJournal& journal, ByteProgress& progress) {
    std::string hash = fetch(url, file, options, part, journal, progress);
    if (hash != file.hash && journal.resumed()) {
        progress.progress().warn(fmt::format(
            "what an earlier run fetched of '{}' is damaged; all of it is fetched again",
            file.path));
        journal.restart();
        hash = fetch(url, file, options, part, journal, progress);
    }
    if (hash == file.hash) return;
    part.discard();
    fail_hash(file, hash);
}

bool is_there(const fs::path& place, const HubFile& file) {
    std::error_code none;
    return fs::is_regular_file(place, none) && fs::file_size(place, none) == file.bytes;
}

// Hands on the whole file, piece by piece.
void read_through(const fs::path& path, uint64_t bytes,
                  const std::function<void(uint64_t, std::span<const std::byte>)>& use) {
    constexpr uint64_t kStep = 4 * kMiB;
    const PositionedReader reader(path);
    std::vector<std::byte> buffer(std::min(bytes, kStep));
    for (uint64_t at = 0; at < bytes; at += kStep) {
        throw_if_interrupted();
        const auto piece = std::span(buffer).first(std::min(kStep, bytes - at));
        reader.read(at, piece);
        use(at, piece);
    }
}

}  // namespace

ByteProgress::ByteProgress(Progress& progress, uint64_t total_bytes) : progress_(progress) {
    progress_.begin("fetching", static_cast<int64_t>(total_bytes / kMiB), "MiB");
}

ByteProgress::~ByteProgress() {
    progress_.end();
}

// Never back: what has to come again is not taken away from the bar.
void ByteProgress::reach(uint64_t bytes) {
    const uint64_t steps = (before_ + bytes) / kMiB;
    if (steps <= shown_) return;
    progress_.advance(static_cast<int64_t>(steps - shown_));
    shown_ = steps;
}

void ByteProgress::next_file(uint64_t bytes) {
    reach(bytes);
    before_ += bytes;
}

void download_file(const std::string& url, const HubFile& file, const fs::path& place,
                   const HubOptions& options, ByteProgress& progress) {
    ResumableFile part(place, Earlier::kKeep);
    if (is_there(place, file)) return part.discard();  // another process was faster
    ChunkJournal journal(part, file, options.chunk_bytes);
    if (journal.resumed()) {
        progress.progress().detail(fmt::format("'{}' goes on at {} of {} bytes", file.path,
                                               journal.done_bytes(), file.bytes));
    }
    fetch_checked(url, file, options, part, journal, progress);
    part.sync();  // takes long, so the journal is still there when it is stopped
    journal.cut_off();
    part.publish();
}

void copy_file_checked(const fs::path& from, const HubFile& file, const fs::path& place,
                       ByteProgress& progress) {
    ResumableFile part(place, Earlier::kErase);
    FileDigest digest(file);
    part.reserve(file.bytes);
    read_through(from, file.bytes, [&](uint64_t at, std::span<const std::byte> piece) {
        digest.add(piece);
        part.write(at, piece);
        progress.reach(at + piece.size());
    });
    if (const std::string hash = digest.hex(); hash != file.hash) {
        part.discard();
        throw Error(ErrorKind::kInput,
                    fmt::format("'{}' in the cache has the hash {} where {} is due", from.string(),
                                hash, file.hash),
                    "remove it and run the same command again");
    }
    part.sync();
    part.publish();
}

bool has_hash(const fs::path& path, const HubFile& file) {
    FileDigest digest(file);
    read_through(path, file.bytes,
                 [&](uint64_t, std::span<const std::byte> piece) { digest.add(piece); });
    return digest.hex() == file.hash;
}

}  // namespace bitgauge
