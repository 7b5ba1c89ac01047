#include "gguf/ik_header.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/files.h"
#include "base/ik_types.h"

#include <ggml.h>

namespace bitgauge {
namespace {

constexpr size_t kTensorCountAt = 8;  // magic, version, then the count
constexpr size_t kPadding = 1024;     // ggml skips to a multiple of the alignment

// One entry of the table as it is stored; check_header() has seen that all are whole.
struct Entry {
    std::string name;
    std::vector<uint64_t> shape;
    int type = 0;
    uint64_t offset = 0;
};

class TableReader {
  public:
    TableReader(std::span<const std::byte> bytes, uint64_t at) : bytes_(bytes), at_(at) {}

    Entry next() {
        Entry entry;
        entry.name.resize(number<uint64_t>());
        copy(entry.name.data(), entry.name.size());
        entry.shape.resize(number<uint32_t>());
        for (uint64_t& dimension : entry.shape) dimension = number<uint64_t>();
        while (entry.shape.size() > 1 && entry.shape.back() == 1) entry.shape.pop_back();
        entry.type = number<int32_t>();
        entry.offset = number<uint64_t>();
        return entry;
    }

  private:
    template <class T>
    T number() {
        T value;
        copy(&value, sizeof(T));
        return value;
    }
    void copy(void* to, size_t size) {
        std::memcpy(to, bytes_.data() + at_, size);
        at_ += size;
    }

    std::span<const std::byte> bytes_;
    uint64_t at_;
};

std::vector<Entry> entries(std::span<const std::byte> bytes, const HeaderLayout& layout) {
    std::vector<Entry> all;
    if (layout.data == 0) return all;
    TableReader reader(bytes, layout.tensor_table);
    for (uint64_t i = 0; i < layout.tensors; ++i) all.push_back(reader.next());
    return all;
}

[[noreturn]] void refuse(const std::string& file, const Entry& entry, const std::string& why) {
    throw Error(ErrorKind::kInput,
                fmt::format("'{}' is damaged: tensor '{}' {}", file, entry.name, why),
                "fetch or make the file again");
}

// ggml's layout for a type of its own.
IkType layout_of(const std::string& file, const Entry& entry) {
    if (const IkType* known = ik_type_by_id(entry.type)) return *known;
    const auto type = static_cast<ggml_type>(entry.type);
    if (entry.type < 0 || entry.type >= GGML_TYPE_COUNT || ggml_blck_size(type) == 0) {
        refuse(file, entry, fmt::format("has type {}, which nobody knows", entry.type));
    }
    return {entry.type, ggml_type_name(type), static_cast<uint32_t>(ggml_blck_size(type)),
            static_cast<uint32_t>(ggml_type_size(type)), 0};
}

uint64_t bytes_of(const std::string& file, const Entry& entry, const IkType& type) {
    if (entry.shape.empty() || entry.shape[0] % type.block_weights != 0) {
        refuse(file, entry, fmt::format("has rows that are no whole blocks of {}", type.name));
    }
    uint64_t bytes = entry.shape[0] / type.block_weights;
    const uint64_t limit = std::numeric_limits<int64_t>::max() / type.block_bytes;
    if (bytes > limit - type.row_extra_bytes) refuse(file, entry, "is too large");
    bytes = bytes * type.block_bytes + type.row_extra_bytes;
    for (size_t i = 1; i < entry.shape.size(); ++i) {
        const uint64_t n = entry.shape[i];
        if (n != 0 && bytes > std::numeric_limits<int64_t>::max() / n) {
            refuse(file, entry, "is too large");
        }
        bytes *= n;
    }
    return bytes;
}

}  // namespace

bool has_ik_types(std::span<const std::byte> bytes, const HeaderLayout& layout) {
    const std::vector<Entry> all = entries(bytes, layout);
    return std::any_of(all.begin(), all.end(),
                       [](const Entry& entry) { return ik_type_by_id(entry.type) != nullptr; });
}

std::vector<std::byte> without_tensors(std::span<const std::byte> bytes,
                                       const HeaderLayout& layout) {
    const auto begin = bytes.first(layout.tensor_table);
    std::vector<std::byte> copy(begin.begin(), begin.end());
    std::fill_n(copy.begin() + kTensorCountAt, sizeof(uint64_t), std::byte{0});
    copy.resize(copy.size() + kPadding);
    return copy;
}

std::vector<TensorInfo> read_ik_tensors(const std::filesystem::path& path, uint32_t shard) {
    const MappedFile file(path);
    const HeaderLayout layout = check_header(file.bytes(), path.string());
    std::vector<TensorInfo> tensors;
    if (!has_ik_types(file.bytes(), layout)) return tensors;
    for (const Entry& entry : entries(file.bytes(), layout)) {
        if (entry.offset > file.bytes().size()) refuse(path.string(), entry, "is beyond its end");
        const IkType type = layout_of(path.string(), entry);
        tensors.push_back({.name = entry.name,
                           .type = type.name,
                           .type_id = type.id,
                           .shape = entry.shape,
                           .bytes = bytes_of(path.string(), entry, type),
                           .offset = layout.data + entry.offset,
                           .shard = shard});
    }
    return tensors;
}

}  // namespace bitgauge
