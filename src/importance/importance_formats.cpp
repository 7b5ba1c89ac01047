#include "importance/importance_formats.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <numeric>
#include <optional>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "gguf/data.h"

#include "importance/importance_provenance.h"

namespace bitgauge {
namespace fs = std::filesystem;

namespace {

constexpr const char* kSums = ".in_sum2";
constexpr const char* kCounts = ".counts";
constexpr int kF32 = 0;  // ggml's numbers
constexpr int kI64 = 27;
constexpr int kF64 = 28;
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

bool has_types(const Halves& halves, int sums, int counts) {
    return halves.sums->type_id == sums && halves.counts->type_id == counts;
}

void require_whole(const fs::path& path, const std::string& tensor, const Halves& halves) {
    std::string problem;
    if (halves.sums == nullptr) problem = "has counts but no sums";
    if (halves.counts == nullptr) problem = "has sums but no counts";
    if (problem.empty() && !has_types(halves, kF32, kF32) && !has_types(halves, kF64, kI64)) {
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

constexpr int64_t kMostRows = int64_t{1} << 60;  // more are damage

int64_t whole_count(float count) {
    return std::abs(count) < static_cast<float>(kMostRows) ? std::lround(count) : 0;
}

template <class Number>
std::vector<Number> numbers_of(const GgufData& data, const TensorInfo& tensor) {
    std::vector<Number> numbers(tensor.elements());
    std::memcpy(numbers.data(), data.tensor_bytes(tensor).data(), tensor.bytes);
    return numbers;
}

std::vector<int64_t> read_counts(const GgufData& data, const TensorInfo& tensor) {
    if (tensor.type_id == kI64) {
        auto counts = numbers_of<int64_t>(data, tensor);
        for (int64_t& count : counts) count = std::clamp(count, int64_t{0}, kMostRows);
        return counts;
    }
    const auto raw = numbers_of<float>(data, tensor);
    std::vector<int64_t> counts(raw.size());
    std::transform(raw.begin(), raw.end(), counts.begin(), whole_count);
    return counts;
}

void add_entry(const GgufData& data, const std::string& tensor, const Halves& halves,
               ImportanceFile& file) {
    file.entries.push_back({.tensor = tensor,
                            .values = halves.sums->elements(),
                            .counts = read_counts(data, *halves.counts)});
    file.offsets.push_back(halves.sums->offset);
    file.channels.push_back(halves.sums->shape[0]);
}

void require_one_precision(const fs::path& path, const std::map<std::string, Halves>& halves) {
    const auto single = std::ranges::count_if(
        halves, [](const auto& one) { return has_types(one.second, kF32, kF32); });
    if (single == 0 || single == std::ssize(halves)) return;
    throw Error(ErrorKind::kInput,
                fmt::format("'{}' is damaged: {} of its {} entries are in single precision",
                            path.string(), single, halves.size()),
                "make the importance file again");
}

int64_t positive_or_0(std::optional<int64_t> number) {
    const bool sound = number && *number > 0 && *number <= std::numeric_limits<int32_t>::max();
    return sound ? *number : 0;
}

ImportanceFile read_gguf_importance(const fs::path& path) {
    const GgufFile gguf = GgufFile::open(path);
    if (gguf.shards().size() != 1) {
        throw Error(ErrorKind::kInput,
                    fmt::format("'{}' is split into {} shards; importance is one file",
                                path.string(), gguf.shards().size()),
                    "join it with llama-gguf-split --merge");
    }
    const GgufData data(gguf);
    const auto halves = collect_halves(gguf);
    for (const auto& [tensor, both] : halves) require_whole(path, tensor, both);
    require_one_precision(path, halves);
    ImportanceFile file{.gguf = true};
    for (const auto& [tensor, both] : halves) add_entry(data, tensor, both, file);
    file.checkpoint = !halves.empty() && has_types(halves.begin()->second, kF64, kI64);
    file.datasets = read_texts(gguf, "imatrix.datasets").value_or(std::vector<std::string>());
    file.chunks = positive_or_0(gguf.integer("imatrix.chunk_count"));
    file.chunk_size = static_cast<uint32_t>(positive_or_0(gguf.integer("imatrix.chunk_size")));
    file.made = read_importance_provenance(gguf);
    return file;
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

ImportanceFile read_older_importance(const fs::path& path, const MappedFile& bytes) {
    Cursor cursor(path, bytes.bytes());
    ImportanceFile file;
    const int32_t entries = cursor.number("the number of entries");
    if (entries < 1) cursor.fail(fmt::format("{} entries", entries));
    for (int32_t i = 0; i < entries; ++i) read_entry(cursor, file);
    if (cursor.left() > 0) file.chunks = std::max(0, cursor.number("the number of chunks"));
    if (cursor.left() > 0) file.datasets.push_back(cursor.text("the data set's name"));
    sort_by_name(file);
    require_unique(path, file);
    for (const ImportanceEntry& entry : file.entries) file.channels.push_back(entry.values);
    return file;
}

bool begins_like_gguf(std::span<const std::byte> bytes) {
    return bytes.size() >= 4 && std::memcmp(bytes.data(), "GGUF", 4) == 0;
}

void require_entries(const fs::path& path, const ImportanceFile& file) {
    if (!file.entries.empty()) return;
    throw Error(
        ErrorKind::kInput,
        fmt::format("'{}' holds no importance: no tensor of it ends in '.in_sum2'", path.string()),
        "give a file that llama-imatrix made");
}

}  // namespace

void refuse_number(const fs::path& path, const std::string& tensor, uint64_t channel,
                   double value) {
    throw Error(
        ErrorKind::kNotFinite,
        fmt::format("'{}' holds {} for channel {} of '{}'", path.string(), value, channel, tensor),
        "the model gave no finite numbers when it was measured; measure again");
}

ImportanceFile read_importance_file(const fs::path& path, const MappedFile& bytes) {
    ImportanceFile file = begins_like_gguf(bytes.bytes()) ? read_gguf_importance(path)
                                                          : read_older_importance(path, bytes);
    require_entries(path, file);
    return file;
}

}  // namespace bitgauge
