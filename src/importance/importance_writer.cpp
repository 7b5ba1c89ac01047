// Writing: GGUF and the older format as save_imatrix() and save_imatrix_legacy() of llama-imatrix
// do, to the arithmetic.

#include <algorithm>
#include <cstring>
#include <limits>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/files.h"
#include "gguf/writer.h"

#include "importance/importance_provenance.h"
#include "importance/importance_sums.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

using Group = ImportanceSums::Group;
using Named = std::pair<std::string, const Group*>;

constexpr int kF32 = 0;  // ggml's numbers
constexpr int kI64 = 27;
constexpr int kF64 = 28;

// In order of name.
std::vector<Named> tensors_to_write(const ImportanceSums& sums) {
    std::vector<Named> all;
    for (const auto& [tensor, group] : sums.tensors) {
        if (!sums.groups[group].sums.empty()) all.emplace_back(tensor, &sums.groups[group]);
    }
    return all;
}

void require_something(const fs::path& path, const std::vector<Named>& tensors) {
    if (!tensors.empty()) return;
    throw Error(ErrorKind::kInput,
                fmt::format("'{}' was not written: no tensor has importance", path.string()),
                "measure on more text");
}

float in_single(const std::string& tensor, double sum) {
    if (sum >= 0 && sum <= static_cast<double>(std::numeric_limits<float>::max())) {
        return static_cast<float>(sum);
    }
    throw Error(ErrorKind::kNotFinite,
                fmt::format("the sum of squares of an input of '{}' is {}, beyond single precision",
                            tensor, sum),
                "the model's activations are not sound, or the text is too long for one file");
}

// --- GGUF ---------------------------------------------------------------------------------------

uint32_t in_32_bits(int64_t number) {
    return static_cast<uint32_t>(
        std::clamp<int64_t>(number, 0, std::numeric_limits<int32_t>::max()));
}

void set_keys(GgufWriter& writer, const ImportanceSums& sums) {
    writer.set_text("general.type", "imatrix");
    writer.set_texts("imatrix.datasets", sums.datasets);
    writer.set_u32("imatrix.chunk_count", in_32_bits(sums.chunks));
    writer.set_u32("imatrix.chunk_size", sums.chunk_size);
    set_importance_provenance(writer, sums.made);
}

// One tensor at a time in single precision; the views that are handed out live until the next.
class SinglePrecision {
  public:
    void add(GgufWriter& writer, const std::string& tensor, const Group& group) {
        const uint64_t matrices = group.counts.size();
        const uint64_t sums[] = {group.sums.size() / matrices, matrices};
        const uint64_t counts[] = {1, matrices};
        writer.add_tensor(tensor + ".in_sum2", kF32, sums, [this, tensor, &group] {
            return converted(group.sums, [&](double sum) { return in_single(tensor, sum); });
        });
        writer.add_tensor(tensor + ".counts", kF32, counts, [this, &group] {
            return converted(group.counts, [](int64_t count) { return static_cast<float>(count); });
        });
    }

  private:
    std::span<const std::byte> converted(const auto& values, const auto& convert) {
        buffer_.resize(values.size());
        std::ranges::transform(values, buffer_.begin(), convert);
        return std::as_bytes(std::span(buffer_));
    }

    std::vector<float> buffer_;
};

void add_exactly(GgufWriter& writer, const std::string& tensor, const Group& group) {
    const uint64_t sums[] = {group.channels, group.matrices};
    const uint64_t counts[] = {1, group.counts.size()};
    writer.add_tensor(tensor + ".in_sum2", kF64, sums, std::as_bytes(std::span(group.sums)));
    writer.add_tensor(tensor + ".counts", kI64, counts, std::as_bytes(std::span(group.counts)));
}

void write_gguf(const fs::path& path, const ImportanceSums& sums, bool exactly) {
    GgufWriter writer;
    set_keys(writer, sums);
    SinglePrecision single;
    for (const auto& [tensor, group] : tensors_to_write(sums)) {
        if (exactly) {
            add_exactly(writer, tensor, *group);
        } else {
            single.add(writer, tensor, *group);
        }
    }
    writer.write(path);
}

// --- the older format ---------------------------------------------------------------------------

void put(AtomicFile& file, int64_t number) {
    if (number < 0 || number > std::numeric_limits<int32_t>::max()) {
        throw Error(ErrorKind::kInput,
                    fmt::format("{} is beyond the older format's 32 bits", number),
                    "write GGUF instead");
    }
    const auto narrow = static_cast<int32_t>(number);
    file.write(std::as_bytes(std::span(&narrow, 1)));
}

void put(AtomicFile& file, const std::string& text) {
    put(file, static_cast<int64_t>(text.size()));
    file.write(text);
}

int64_t most_rows(const Group& group) {
    return std::ranges::max(group.counts);
}

// Means times windows, in single precision, operation by operation as llama-imatrix.
std::vector<float> older_values(const std::string& tensor, const Group& group, int64_t windows) {
    const size_t channels = group.sums.size() / group.counts.size();
    std::vector<float> values(group.sums.size());
    for (size_t i = 0; i < values.size(); ++i) {
        const auto count = static_cast<float>(group.counts[i / channels]);
        const float mean = count == 0 ? 1.0F : in_single(tensor, group.sums[i]) / count;
        values[i] = mean * static_cast<float>(windows);
    }
    return values;
}

void put_entry(AtomicFile& file, const std::string& tensor, const Group& group,
               uint32_t chunk_size) {
    const int64_t windows = (most_rows(group) + chunk_size - 1) / chunk_size;
    put(file, tensor);
    put(file, windows);
    put(file, static_cast<int64_t>(group.sums.size()));
    file.write(std::as_bytes(std::span<const float>(older_values(tensor, group, windows))));
}

void write_older(const fs::path& path, const ImportanceSums& sums) {
    auto tensors = tensors_to_write(sums);
    std::erase_if(tensors, [](const Named& one) { return most_rows(*one.second) <= 0; });
    require_something(path, tensors);
    AtomicFile file(path);
    put(file, static_cast<int64_t>(tensors.size()));
    for (const auto& [tensor, group] : tensors) {
        put_entry(file, tensor, *group, sums.chunk_size == 0 ? kUsualChunkSize : sums.chunk_size);
    }
    put(file, sums.chunks);
    put(file, sums.datasets.empty() ? "" : sums.datasets.back());
    file.commit();
}

}  // namespace

void write_importance(const fs::path& path, const ImportanceSums& sums, ImportanceFormat format) {
    require_something(path, tensors_to_write(sums));
    if (format == ImportanceFormat::kOlder) return write_older(path, sums);
    write_gguf(path, sums, format == ImportanceFormat::kCheckpoint);
}

}  // namespace bitgauge
