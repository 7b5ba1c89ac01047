#include <algorithm>
#include <cstdlib>
#include <unordered_set>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/gguf.h"

#include "base/hash.h"
#include "gguf/gguf_handle.h"
#include "gguf/ik_header.h"
#include "gguf/key_values.h"
#include "gguf/split.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

std::vector<uint64_t> shape_of(const int64_t* ne) {
    std::vector<uint64_t> shape(ne, ne + GGML_MAX_DIMS);
    while (shape.size() > 1 && shape.back() == 1) shape.pop_back();
    return shape;
}

void add_tensors(const gguf_context* header, uint32_t shard, std::vector<TensorInfo>& tensors) {
    const uint64_t data_offset = gguf_get_data_offset(header);
    for (int64_t id = 0; id < gguf_get_n_tensors(header); ++id) {
        const ggml_type type = gguf_get_tensor_type(header, id);
        tensors.push_back({.name = gguf_get_tensor_name(header, id),
                           .type = ggml_type_name(type),
                           .type_id = type,
                           .shape = shape_of(gguf_get_tensor_ne(header, id)),
                           .bytes = gguf_get_tensor_size(header, id),
                           .offset = data_offset + gguf_get_tensor_offset(header, id),
                           .shard = shard});
    }
}

uint64_t end_of(std::span<const TensorInfo> tensors) {
    uint64_t end = 0;
    for (const TensorInfo& tensor : tensors) end = std::max(end, tensor.offset + tensor.bytes);
    return end;
}

[[noreturn]] void refuse_truncated(const fs::path& path, uint64_t promised, uint64_t file_bytes) {
    throw Error(ErrorKind::kInput,
                fmt::format("'{}' is truncated: its header promises {} bytes, the file has {}",
                            path.string(), promised, file_bytes),
                "the download or copy was cut short; fetch the file again");
}

int64_t split_integer(const gguf_context* header, const char* key) {
    const int64_t id = gguf_find_key(header, key);
    if (id < 0) return 0;
    switch (gguf_get_kv_type(header, id)) {
        case GGUF_TYPE_UINT16:
            return gguf_get_val_u16(header, id);
        case GGUF_TYPE_INT32:
            return gguf_get_val_i32(header, id);
        case GGUF_TYPE_UINT32:
            return gguf_get_val_u32(header, id);
        default:
            return 0;
    }
}

// The file says it is part of a split: it must be the first, and named so that the others are
// found.
void check_first_shard(const gguf_context* header, const fs::path& path, int64_t count) {
    const int64_t index = split_integer(header, "split.no");
    const auto name = parse_shard_name(path);
    const std::string where =
        fmt::format("'{}' is shard {} of {}", path.string(), index + 1, count);
    if (!name || name->count != count || name->number != index + 1) {
        throw Error(ErrorKind::kInput, where + " but not named so, the others cannot be found",
                    fmt::format("name it '...-{:05d}-of-{:05d}.gguf'", index + 1, count));
    }
    if (index != 0) {
        throw Error(ErrorKind::kInput, where,
                    fmt::format("open '{}'", sibling_shard(path, 1).string()));
    }
}

GgufHandle open_shard(const fs::path& path, uint32_t number, int64_t count) {
    if (!fs::exists(path)) {
        throw Error(ErrorKind::kInput,
                    fmt::format("shard {} of {} is missing: '{}'", number, count, path.string()),
                    "put all shards into one folder");
    }
    GgufHandle header = read_gguf_header(path);
    const int64_t its_number = split_integer(header.get(), "split.no") + 1;
    const int64_t its_count = split_integer(header.get(), "split.count");
    if (its_number == number && its_count == count) return header;
    throw Error(ErrorKind::kInput,
                fmt::format("'{}' says it is shard {} of {}, expected {} of {}", path.string(),
                            its_number, its_count, number, count),
                "fetch the shards of one model again");
}

void check_names_are_unique(std::span<const TensorInfo> tensors) {
    std::unordered_set<std::string_view> seen;
    for (const TensorInfo& tensor : tensors) {
        if (seen.insert(tensor.name).second) continue;
        throw Error(ErrorKind::kInput,
                    fmt::format("tensor '{}' is in more than one shard", tensor.name),
                    "fetch the shards of one model again");
    }
}

void check_count(size_t found, int64_t promised, const fs::path& path) {
    if (promised <= 0 || found == static_cast<size_t>(promised)) return;
    throw Error(ErrorKind::kInput,
                fmt::format("'{}' promises {} tensors in all shards, they hold {}", path.string(),
                            promised, found),
                "fetch the shards of one model again");
}

bool is_integer(const std::string& type) {
    return type.size() >= 2 && (type[0] == 'u' || type[0] == 'i');
}

}  // namespace

GgufFile GgufFile::open(const fs::path& path) {
    return read(path, /*header_only=*/false);
}

GgufFile GgufFile::open_header(const fs::path& path) {
    return read(path, /*header_only=*/true);
}

GgufFile GgufFile::read(const fs::path& path, bool header_only) {
    GgufFile file;
    const auto take = [&file, header_only](const gguf_context* header, const fs::path& shard) {
        const size_t first = file.tensors_.size();
        const auto number = static_cast<uint32_t>(file.shards_.size());
        add_tensors(header, number, file.tensors_);
        if (gguf_get_n_tensors(header) == 0) {
            const std::vector<TensorInfo> more = read_ik_tensors(shard, number);
            file.tensors_.insert(file.tensors_.end(), more.begin(), more.end());
        }
        const uint64_t bytes = fs::file_size(shard);
        const uint64_t promised = end_of(std::span(file.tensors_).subspan(first));
        if (promised > bytes && !header_only) refuse_truncated(shard, promised, bytes);
        file.has_data_ = file.has_data_ && promised <= bytes;
        file.shards_.push_back(shard);
        file.file_bytes_ += bytes;
    };
    const GgufHandle header = read_gguf_header(path);
    const int64_t count = split_integer(header.get(), "split.count");
    if (count > 1) check_first_shard(header.get(), path, count);
    take(header.get(), path);
    for (uint32_t number = 2; number <= count; ++number) {
        const fs::path shard = sibling_shard(path, number);
        take(open_shard(shard, number, count).get(), shard);
    }
    check_names_are_unique(file.tensors_);
    check_count(file.tensors_.size(), split_integer(header.get(), "split.tensors.count"), path);
    file.version_ = gguf_get_version(header.get());
    file.keys_ = read_key_values(header.get());
    file.vocabulary_ = read_vocabulary(header.get());
    file.tokenizer_hash_ = read_tokenizer_hash(header.get());
    return file;
}

uint64_t TensorInfo::elements() const {
    uint64_t product = 1;
    for (const uint64_t dimension : shape) product *= dimension;
    return product;
}

const TensorInfo* GgufFile::find_tensor(const std::string& name) const {
    const auto at = std::find_if(tensors_.begin(), tensors_.end(),
                                 [&name](const TensorInfo& tensor) { return tensor.name == name; });
    return at == tensors_.end() ? nullptr : &*at;
}

const KeyValue* GgufFile::find_key(const std::string& key) const {
    const auto at = std::find_if(keys_.begin(), keys_.end(),
                                 [&key](const KeyValue& value) { return value.key == key; });
    return at == keys_.end() ? nullptr : &*at;
}

std::optional<std::string> GgufFile::text(const std::string& key) const {
    const KeyValue* found = find_key(key);
    if (found == nullptr || found->type != "str") return std::nullopt;
    return found->value;
}

std::optional<int64_t> GgufFile::integer(const std::string& key) const {
    const KeyValue* found = find_key(key);
    if (found == nullptr || !is_integer(found->type)) return std::nullopt;
    return std::strtoll(found->value.c_str(), nullptr, 10);
}

std::optional<double> GgufFile::number(const std::string& key) const {
    const KeyValue* found = find_key(key);
    if (found == nullptr) return std::nullopt;
    if (found->type == "f32") return std::strtof(found->value.c_str(), nullptr);
    if (found->type != "f64" && !is_integer(found->type)) return std::nullopt;
    return std::strtod(found->value.c_str(), nullptr);
}

std::optional<bool> GgufFile::flag(const std::string& key) const {
    const KeyValue* found = find_key(key);
    if (found == nullptr || found->type != "bool") return std::nullopt;
    return found->value == "true";
}

std::string GgufFile::architecture() const {
    return text("general.architecture").value_or(std::string());
}

uint64_t GgufFile::tensor_bytes() const {
    uint64_t sum = 0;
    for (const TensorInfo& tensor : tensors_) sum += tensor.bytes;
    return sum;
}

uint64_t GgufFile::parameters() const {
    uint64_t sum = 0;
    for (const TensorInfo& tensor : tensors_) sum += tensor.elements();
    return sum;
}

std::string GgufFile::shape_hash() const {
    std::vector<std::string> lines;
    for (const TensorInfo& tensor : tensors_) {
        lines.push_back(fmt::format("{}\t{}\n", tensor.name, fmt::join(tensor.shape, "x")));
    }
    std::sort(lines.begin(), lines.end());
    ContentHash hash;
    for (const std::string& line : lines) hash.add(line);
    return hash.hex();
}

}  // namespace bitgauge
