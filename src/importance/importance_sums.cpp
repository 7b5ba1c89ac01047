#include "importance/importance_sums.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/files.h"
#include "base/hash.h"

#include "importance/importance_formats.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

using Group = ImportanceSums::Group;

// --- reading ------------------------------------------------------------------------------------

template <class Number>
std::vector<double> numbers_at(const fs::path& path, const MappedFile& mapped,
                               const ImportanceFile& file, size_t index) {
    const ImportanceEntry& entry = file.entries[index];
    std::vector<Number> raw(entry.values);
    const size_t bytes = raw.size() * sizeof(Number);
    std::memcpy(raw.data(), mapped.bytes().subspan(file.offsets[index], bytes).data(), bytes);
    mapped.forget(file.offsets[index], bytes);
    require_numbers<Number>(path, entry.tensor, raw);
    return {raw.begin(), raw.end()};
}

Group group_at(const fs::path& path, const MappedFile& mapped, const ImportanceFile& file,
               size_t index) {
    const ImportanceEntry& entry = file.entries[index];
    const uint64_t matrices =
        std::max<uint64_t>(entry.counts.size(), entry.values / file.channels[index]);
    Group group{.channels = entry.values / matrices,
                .matrices = matrices,
                .sums = file.checkpoint ? numbers_at<double>(path, mapped, file, index)
                                        : numbers_at<float>(path, mapped, file, index),
                .counts = entry.counts};
    for (int64_t& count : group.counts) count = std::max<int64_t>(0, count);
    if (file.gguf) return group;
    for (double& sum : group.sums) sum *= kUsualChunkSize;
    for (int64_t& count : group.counts) count *= kUsualChunkSize;
    return group;
}

std::string content_of(const Group& group) {
    return ContentHash()
        .add(std::as_bytes(std::span(group.sums)))
        .add(std::as_bytes(std::span(group.counts)))
        .add(fmt::format("{}x{}", group.channels, group.matrices))
        .hex();
}

// --- merging ------------------------------------------------------------------------------------

void require_same_shape(const std::string& tensor, const Group& a, const Group& b,
                        std::string_view name) {
    if (a.sums.size() != b.sums.size()) {
        throw Error(ErrorKind::kInput,
                    fmt::format("'{}' has {} values for '{}', expected {}", name, b.sums.size(),
                                tensor, a.sums.size()),
                    "merge importance of one model only");
    }
    if (a.counts.size() == b.counts.size() || a.counts.size() == 1 || b.counts.size() == 1) return;
    throw Error(ErrorKind::kInput,
                fmt::format("'{}' has {} counts for '{}', expected {}", name, b.counts.size(),
                            tensor, a.counts.size()),
                "merge importance of one model only");
}

void require_common_tensors(const ImportanceSums& into, const ImportanceSums& from,
                            std::string_view name) {
    for (const auto& [tensor, group] : from.tensors) {
        if (into.tensors.contains(tensor)) return;
    }
    throw Error(ErrorKind::kInput,
                fmt::format("'{}' is of another model: none of its {} tensors is in the others",
                            name, from.tensors.size()),
                "merge importance of one model only");
}

// One count stands for every matrix.
Group added(Group a, const Group& b) {
    if (b.counts.size() > a.counts.size()) {
        a.counts.resize(b.counts.size(), a.counts.front());
        a.channels = b.channels;
        a.matrices = b.matrices;
    }
    for (size_t i = 0; i < a.sums.size(); ++i) a.sums[i] += b.sums[i];
    for (size_t i = 0; i < a.counts.size(); ++i) {
        a.counts[i] += b.counts[b.counts.size() == 1 ? 0 : i];
    }
    return a;
}

// The groups of a merged result: one for each pair of groups that a tensor is in.
class MergedGroups {
  public:
    MergedGroups(const ImportanceSums& a, const ImportanceSums& b) : a_(a), b_(b) {}

    void add(const std::string& tensor) {
        const Pair pair = {group_in(a_, tensor), group_in(b_, tensor)};
        const auto [known, is_new] = known_.try_emplace(pair, groups.size());
        if (is_new) groups.push_back(merged(pair));
        tensors[tensor] = known->second;
    }

    std::vector<Group> groups;
    std::map<std::string, size_t> tensors;

  private:
    using Pair = std::pair<std::optional<size_t>, std::optional<size_t>>;

    static std::optional<size_t> group_in(const ImportanceSums& sums, const std::string& tensor) {
        const auto found = sums.tensors.find(tensor);
        return found == sums.tensors.end() ? std::nullopt : std::optional(found->second);
    }
    Group merged(const Pair& pair) const {
        if (!pair.first) return b_.groups[*pair.second];
        if (!pair.second) return a_.groups[*pair.first];
        return added(a_.groups[*pair.first], b_.groups[*pair.second]);
    }

    const ImportanceSums& a_;
    const ImportanceSums& b_;
    std::map<Pair, size_t> known_;
};

// Windows of several sizes are counted in windows of their greatest common divisor.
void add_windows(ImportanceSums& into, const ImportanceSums& from) {
    const uint32_t size = std::gcd(into.chunk_size, from.chunk_size);
    const auto in_units = [size](const ImportanceSums& sums) {
        return sums.chunks * std::max<int64_t>(1, size == 0 ? 1 : sums.chunk_size / size);
    };
    into.chunks = in_units(into) + in_units(from);
    into.chunk_size = size;
}

void keep_if_same(std::string& into, const std::string& from) {
    if (into != from) into.clear();
}

void add_strata(std::vector<ImportanceProvenance::Stratum>& into,
                const std::vector<ImportanceProvenance::Stratum>& from) {
    for (const auto& stratum : from) {
        const auto same =
            std::ranges::find(into, stratum.name, &ImportanceProvenance::Stratum::name);
        if (same == into.end()) {
            into.push_back(stratum);
            continue;
        }
        same->documents += stratum.documents;
        same->windows += stratum.windows;
        same->tokens += stratum.tokens;
    }
}

void add_provenance(ImportanceProvenance& into, const ImportanceProvenance& from) {
    for (const auto member : {&ImportanceProvenance::bitgauge, &ImportanceProvenance::llama,
                              &ImportanceProvenance::model, &ImportanceProvenance::model_hash,
                              &ImportanceProvenance::protocol}) {
        keep_if_same(into.*member, from.*member);
    }
    into.pass.clear();
    into.texts.insert(into.texts.end(), from.texts.begin(), from.texts.end());
    add_strata(into.strata, from.strata);
}

}  // namespace

ImportanceSums read_importance_sums(const fs::path& path) {
    const MappedFile mapped(path);
    ImportanceFile file = read_importance_file(path, mapped);
    ImportanceSums sums;
    std::map<std::string, size_t> known;
    for (size_t i = 0; i < file.entries.size(); ++i) {
        Group group = group_at(path, mapped, file, i);
        const auto [same, is_new] = known.try_emplace(content_of(group), sums.groups.size());
        if (is_new) sums.groups.push_back(std::move(group));
        sums.tensors[file.entries[i].tensor] = same->second;
    }
    sums.datasets = std::move(file.datasets);
    sums.chunks = file.chunks;
    sums.chunk_size = file.gguf ? file.chunk_size : kUsualChunkSize;
    sums.made = std::move(file.made);
    return sums;
}

void merge(ImportanceSums& into, const ImportanceSums& from, std::string_view name) {
    require_common_tensors(into, from, name);
    MergedGroups merged(into, from);
    for (const auto& [tensor, group] : from.tensors) {
        const auto same = into.tensors.find(tensor);
        if (same == into.tensors.end()) continue;
        require_same_shape(tensor, into.groups[same->second], from.groups[group], name);
    }
    for (const auto& [tensor, group] : into.tensors) merged.add(tensor);
    for (const auto& [tensor, group] : from.tensors) merged.add(tensor);
    into.groups = std::move(merged.groups);
    into.tensors = std::move(merged.tensors);
    add_windows(into, from);
    into.datasets.insert(into.datasets.end(), from.datasets.begin(), from.datasets.end());
    add_provenance(into.made, from.made);
}

}  // namespace bitgauge
