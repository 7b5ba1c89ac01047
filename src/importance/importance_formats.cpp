#include "importance/importance_formats.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <numeric>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "gguf/data.h"

namespace bitgauge {
namespace fs = std::filesystem;

namespace {

constexpr const char* kSums = ".in_sum2";
constexpr const char* kCounts = ".counts";
constexpr int kF32 = 0;                    // ggml's number
constexpr int32_t kLongestName = 1 << 12;  // bytes; longer ones are damage

// --- GGUF ---------------------------------------------------------------------------------------

struct Halves {
    const TensorInfo* sums = nullptr;
    const TensorInfo* counts = nullptr;
};

std::string without_ending(const std::string& name, const std::string& ending) {
    return name.substr(0, name.size() - ending.size());
}

std::map<std::string, Halves> collect_halves(const GgufFile& file) {
    std::map<std::string, Halves> halves;
    for (const TensorInfo& tensor : file.tensors()) {
        if (tensor.name.ends_with(kSums)) {
            halves[without_ending(tensor.name, kSums)].sums = &tensor;
        } else if (tensor.name.ends_with(kCounts)) {
            halves[without_ending(tensor.name, kCounts)].counts = &tensor;
        }
    }
    return halves;
}

void require_whole(const fs::path& path, const std::string& tensor, const Halves& halves) {
    std::string problem;
    if (halves.sums == nullptr) problem = "has counts but no sums";
    if (halves.counts == nullptr) problem = "has sums but no counts";
    if (problem.empty() && (halves.sums->type_id != kF32 || halves.counts->type_id != kF32)) {
        problem = "is not in single precision";
    }
    if (problem.empty() && halves.sums->elements() * halves.counts->elements() == 0) {
        problem = "is empty";
    }
    if (problem.empty() && halves.sums->elements() % halves.counts->elements() != 0) {
        problem = fmt::format("has {} sums for {} counts", halves.sums->elements(),
                              halves.counts->elements());
    }
    if (problem.empty()) return;
    throw Error(ErrorKind::kInput,
                fmt::format("'{}' is damaged: its entry '{}' {}", path.string(), tensor, problem),
                "make the importance file again");
}

std::vector<int64_t> read_counts(const GgufData& data, const TensorInfo& tensor) {
    std::vector<float> raw(tensor.elements());
    std::memcpy(raw.data(), data.tensor_bytes(tensor).data(), tensor.bytes);
    std::vector<int64_t> counts(raw.size());
    std::transform(raw.begin(), raw.end(), counts.begin(),
                   [](float count) { return std::isfinite(count) ? std::lround(count) : 0; });
    return counts;
}

// --- the older format ---------------------------------------------------------------------------

// Reads one number or string after the other.
class Cursor {
  public:
    Cursor(const fs::path& path, std::span<const std::byte> bytes) : path_(path), bytes_(bytes) {}

    int32_t number(const char* what) {
        int32_t value = 0;
        std::memcpy(&value, take(sizeof(value), what).data(), sizeof(value));
        return value;
    }
    std::string text(const char* what) {
        const int32_t length = number(what);
        if (length < 0 || length > kLongestName) fail(fmt::format("{} of {} bytes", what, length));
        const auto bytes = take(static_cast<size_t>(length), what);
        const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        return text.substr(0, text.find('\0'));
    }
    void skip(uint64_t size, const char* what) { take(size, what); }

    uint64_t position() const { return at_; }
    uint64_t left() const { return bytes_.size() - at_; }
    [[noreturn]] void fail(const std::string& found) const {
        throw Error(
            ErrorKind::kInput,
            fmt::format("'{}' is no importance file: {} at byte {}", path_.string(), found, at_),
            "llama-imatrix makes them, as .gguf or .dat");
    }

  private:
    std::span<const std::byte> take(uint64_t size, const char* what) {
        if (size > left()) fail(fmt::format("it ends within {}", what));
        const auto bytes = bytes_.subspan(at_, size);
        at_ += size;
        return bytes;
    }

    const fs::path& path_;
    std::span<const std::byte> bytes_;
    uint64_t at_ = 0;
};

void read_entry(Cursor& cursor, ImportanceFile& file) {
    ImportanceEntry entry;
    entry.tensor = cursor.text("a name");
    if (entry.tensor.empty()) cursor.fail("a tensor without a name");
    entry.counts.push_back(std::max(0, cursor.number("a number of calls")));
    const int32_t values = cursor.number("a number of values");
    if (values < 1) cursor.fail(fmt::format("'{}' with {} values", entry.tensor, values));
    entry.values = static_cast<uint64_t>(values);
    file.offsets.push_back(cursor.position());
    cursor.skip(entry.values * sizeof(float), "values");
    file.entries.push_back(std::move(entry));
}

void sort_by_name(ImportanceFile& file) {
    std::vector<size_t> order(file.entries.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::sort(order, {}, [&](size_t i) { return file.entries[i].tensor; });
    ImportanceFile sorted;
    for (const size_t i : order) {
        sorted.entries.push_back(std::move(file.entries[i]));
        sorted.offsets.push_back(file.offsets[i]);
    }
    file.entries = std::move(sorted.entries);
    file.offsets = std::move(sorted.offsets);
}

void require_unique(const fs::path& path, const ImportanceFile& file) {
    const auto twin = std::ranges::adjacent_find(file.entries, {}, &ImportanceEntry::tensor);
    if (twin == file.entries.end()) return;
    throw Error(ErrorKind::kInput, fmt::format("'{}' is damaged: its entry '{}' is there twice",
                                               path.string(), twin->tensor));
}

}  // namespace

ImportanceFile read_gguf_importance(const fs::path& path) {
    const GgufFile gguf = GgufFile::open(path);
    if (gguf.shards().size() != 1) {
        throw Error(ErrorKind::kInput,
                    fmt::format("'{}' is split into {} shards; importance is one file",
                                path.string(), gguf.shards().size()),
                    "join it with llama-gguf-split --merge");
    }
    const GgufData data(gguf);
    ImportanceFile file{.gguf = true};
    for (const auto& [tensor, halves] : collect_halves(gguf)) {
        require_whole(path, tensor, halves);
        file.entries.push_back({.tensor = tensor,
                                .values = halves.sums->elements(),
                                .counts = read_counts(data, *halves.counts)});
        file.offsets.push_back(halves.sums->offset);
    }
    file.datasets = read_texts(gguf, "imatrix.datasets").value_or(std::vector<std::string>());
    file.chunks = gguf.integer("imatrix.chunk_count").value_or(0);
    return file;
}

ImportanceFile read_older_importance(const fs::path& path, const MappedFile& bytes) {
    Cursor cursor(path, bytes.bytes());
    ImportanceFile file;
    const int32_t entries = cursor.number("the number of entries");
    if (entries < 1) cursor.fail(fmt::format("{} entries", entries));
    for (int32_t i = 0; i < entries; ++i) read_entry(cursor, file);
    if (cursor.left() > 0) file.chunks = cursor.number("the number of chunks");
    if (cursor.left() > 0) file.datasets.push_back(cursor.text("the data set's name"));
    sort_by_name(file);
    require_unique(path, file);
    return file;
}

}  // namespace bitgauge
