#include "bitgauge/importance.h"

#include <algorithm>
#include <cstring>
#include <span>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/files.h"
#include "base/hash.h"

#include "importance/importance_formats.h"

namespace bitgauge {
namespace fs = std::filesystem;

struct Importance::State {
    State(fs::path where, MappedFile content)
        : path(std::move(where)), mapped(std::move(content)) {}

    // The values as they stand in the file: sums.
    std::vector<float> sums(const ImportanceEntry& entry) const {
        const auto index = static_cast<size_t>(&entry - file.entries.data());
        std::vector<float> values(entry.values);
        const size_t bytes = values.size() * sizeof(float);
        std::memcpy(values.data(), mapped.bytes().subspan(file.offsets[index], bytes).data(),
                    bytes);
        mapped.forget(file.offsets[index], bytes);
        return values;
    }

    fs::path path;
    MappedFile mapped;
    ImportanceFile file;
    std::string hash;
};

namespace {

void require_finished(const fs::path& path, const ImportanceFile& file) {
    if (!file.checkpoint) return;
    throw Error(ErrorKind::kInput,
                fmt::format("'{}' is a checkpoint of an unfinished pass", path.string()),
                "let 'bitgauge imatrix' finish it");
}

// As llama-quantize computes it, in single precision: the same bits.
void divide(std::span<float> values, float count) {
    for (float& value : values) value /= count;
}

std::span<float> channels_of(std::vector<float>& values, size_t matrix, size_t matrices) {
    const size_t channels = values.size() / matrices;
    return std::span(values).subspan(matrix * channels, channels);
}

std::vector<float> mean_of_seen(std::vector<float>& means, const std::vector<int64_t>& counts) {
    const size_t channels = means.size() / counts.size();
    std::vector<double> sums(channels);
    double seen = 0;
    for (size_t matrix = 0; matrix < counts.size(); ++matrix) {
        if (counts[matrix] <= 0) continue;
        seen += 1;
        const auto values = channels_of(means, matrix, counts.size());
        for (size_t i = 0; i < channels; ++i) sums[i] += static_cast<double>(values[i]);
    }
    std::vector<float> mean(channels, 1.0F);
    for (size_t i = 0; seen > 0 && i < channels; ++i) mean[i] = static_cast<float>(sums[i] / seen);
    return mean;
}

void fill_unseen(std::vector<float>& means, const ImportanceEntry& entry, UnseenExperts unseen) {
    if (entry.unseen() == 0) return;
    if (unseen == UnseenExperts::kAbort) {
        throw Error(ErrorKind::kInput,
                    fmt::format("no token reached {} of the {} experts of '{}'", entry.unseen(),
                                entry.counts.size(), entry.tensor),
                    "measure importance on more text");
    }
    const std::vector<float> filler =
        unseen == UnseenExperts::kMean
            ? mean_of_seen(means, entry.counts)
            : std::vector<float>(means.size() / entry.counts.size(), 1.0F);
    for (size_t matrix = 0; matrix < entry.counts.size(); ++matrix) {
        if (entry.counts[matrix] > 0) continue;
        std::ranges::copy(filler, channels_of(means, matrix, entry.counts.size()).begin());
    }
}

}  // namespace

uint64_t ImportanceEntry::unseen() const {
    return static_cast<uint64_t>(
        std::ranges::count_if(counts, [](int64_t count) { return count <= 0; }));
}

Importance Importance::read(const fs::path& path, BadNumbers bad) {
    auto state = std::make_unique<State>(path, MappedFile(path));
    state->file = read_importance_file(path, state->mapped);
    require_finished(path, state->file);
    for (const ImportanceEntry& entry : state->file.entries) {
        if (bad == BadNumbers::kKeep) break;
        require_numbers<float>(path, entry.tensor, state->sums(entry));
    }
    state->hash = hash_file(path);
    return Importance(std::move(state));
}

Importance::Importance(std::unique_ptr<State> state) : state_(std::move(state)) {}
Importance::~Importance() = default;
Importance::Importance(Importance&&) noexcept = default;
Importance& Importance::operator=(Importance&&) noexcept = default;

const fs::path& Importance::path() const {
    return state_->path;
}
bool Importance::is_gguf() const {
    return state_->file.gguf;
}
const std::vector<std::string>& Importance::datasets() const {
    return state_->file.datasets;
}
int64_t Importance::chunks() const {
    return state_->file.chunks;
}
uint32_t Importance::chunk_size() const {
    return state_->file.chunk_size;
}
const ImportanceProvenance& Importance::made() const {
    return state_->file.made;
}
const std::string& Importance::content_hash() const {
    return state_->hash;
}
const std::vector<ImportanceEntry>& Importance::entries() const {
    return state_->file.entries;
}

const ImportanceEntry* Importance::find(const std::string& tensor) const {
    const auto& all = state_->file.entries;
    const auto at = std::ranges::lower_bound(all, tensor, {}, &ImportanceEntry::tensor);
    return at != all.end() && at->tensor == tensor ? &*at : nullptr;
}

std::vector<float> Importance::stored_values(const ImportanceEntry& entry) const {
    return state_->sums(entry);
}

std::vector<float> Importance::mean_squares(const ImportanceEntry& entry,
                                            UnseenExperts unseen) const {
    std::vector<float> values = state_->sums(entry);
    if (!state_->file.gguf) {
        if (entry.counts[0] > 0) divide(values, static_cast<float>(entry.counts[0]));
        return values;
    }
    const size_t matrices = entry.counts.size();
    for (size_t matrix = 0; matrix < matrices; ++matrix) {
        if (entry.counts[matrix] <= 0) continue;
        divide(channels_of(values, matrix, matrices), static_cast<float>(entry.counts[matrix]));
    }
    fill_unseen(values, entry, unseen);
    return values;
}

}  // namespace bitgauge
