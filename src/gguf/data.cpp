#include "gguf/data.h"

#include <type_traits>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "gguf/gguf_handle.h"

namespace bitgauge {
namespace {

template <class To, class From>
std::vector<To> copy_as(const void* data, size_t count) {
    const auto* values = static_cast<const From*>(data);
    return {values, values + count};
}

template <class To>
std::optional<std::vector<To>> copy_array(const gguf_context* header, int64_t id) {
    const gguf_type type = gguf_get_arr_type(header, id);
    if (type == GGUF_TYPE_STRING) return std::nullopt;
    const void* data = gguf_get_arr_data(header, id);
    const size_t n = gguf_get_arr_n(header, id);
    switch (type) {
        case GGUF_TYPE_UINT8:
            return copy_as<To, uint8_t>(data, n);
        case GGUF_TYPE_BOOL:  // one byte each
        case GGUF_TYPE_INT8:
            return copy_as<To, int8_t>(data, n);
        case GGUF_TYPE_UINT16:
            return copy_as<To, uint16_t>(data, n);
        case GGUF_TYPE_INT16:
            return copy_as<To, int16_t>(data, n);
        case GGUF_TYPE_UINT32:
            return copy_as<To, uint32_t>(data, n);
        case GGUF_TYPE_INT32:
            return copy_as<To, int32_t>(data, n);
        case GGUF_TYPE_UINT64:
            return copy_as<To, uint64_t>(data, n);
        case GGUF_TYPE_INT64:
            return copy_as<To, int64_t>(data, n);
        default:
            break;
    }
    if constexpr (std::is_floating_point_v<To>) {
        if (type == GGUF_TYPE_FLOAT32) return copy_as<To, float>(data, n);
        if (type == GGUF_TYPE_FLOAT64) return copy_as<To, double>(data, n);
    }
    return std::nullopt;
}

// -1 when the key is absent or no array.
int64_t find_array(const gguf_context* header, const std::string& key) {
    const int64_t id = gguf_find_key(header, key.c_str());
    return id >= 0 && gguf_get_kv_type(header, id) == GGUF_TYPE_ARRAY ? id : -1;
}

}  // namespace

GgufData::GgufData(const GgufFile& file) : file_(file) {
    for (const auto& shard : file.shards()) shards_.emplace_back(shard);
    for (const TensorInfo& tensor : file.tensors()) {
        const uint64_t size = shards_[tensor.shard].bytes().size();
        if (tensor.offset + tensor.bytes <= size) continue;
        throw Error(
            ErrorKind::kInput,
            fmt::format("'{}' has become shorter: tensor '{}' ends at byte {}, the file at {}",
                        file.shards()[tensor.shard].string(), tensor.name,
                        tensor.offset + tensor.bytes, size),
            "do not change the file while it is read");
    }
}

std::span<const std::byte> GgufData::tensor_bytes(const TensorInfo& tensor) const {
    return shards_[tensor.shard].bytes().subspan(tensor.offset, tensor.bytes);
}

std::span<const std::byte> GgufData::tensor_bytes(const std::string& name) const {
    const TensorInfo* tensor = file_.find_tensor(name);
    if (tensor == nullptr) {
        throw Error(ErrorKind::kInput,
                    fmt::format("'{}' has no tensor '{}'", file_.shards().front().string(), name));
    }
    return tensor_bytes(*tensor);
}

void GgufData::forget(const TensorInfo& tensor, size_t offset, size_t size) const {
    shards_[tensor.shard].forget(tensor.offset + offset, size);
}

GgufArrays::GgufArrays(const GgufFile& file) : header_(read_gguf_header(file.shards().front())) {}

std::optional<std::vector<std::string>> GgufArrays::texts(const std::string& key) const {
    const int64_t id = find_array(header_.get(), key);
    if (id < 0 || gguf_get_arr_type(header_.get(), id) != GGUF_TYPE_STRING) return std::nullopt;
    std::vector<std::string> texts(gguf_get_arr_n(header_.get(), id));
    for (size_t i = 0; i < texts.size(); ++i) texts[i] = gguf_get_arr_str(header_.get(), id, i);
    return texts;
}

std::optional<std::vector<int64_t>> GgufArrays::integers(const std::string& key) const {
    const int64_t id = find_array(header_.get(), key);
    return id < 0 ? std::nullopt : copy_array<int64_t>(header_.get(), id);
}

std::optional<std::vector<double>> GgufArrays::numbers(const std::string& key) const {
    const int64_t id = find_array(header_.get(), key);
    return id < 0 ? std::nullopt : copy_array<double>(header_.get(), id);
}

std::vector<std::pair<std::string, uint64_t>> GgufArrays::lengths() const {
    std::vector<std::pair<std::string, uint64_t>> lengths;
    for (int64_t id = 0; id < gguf_get_n_kv(header_.get()); ++id) {
        if (gguf_get_kv_type(header_.get(), id) != GGUF_TYPE_ARRAY) continue;
        lengths.emplace_back(gguf_get_key(header_.get(), id), gguf_get_arr_n(header_.get(), id));
    }
    return lengths;
}

std::optional<std::vector<std::string>> read_texts(const GgufFile& file, const std::string& key) {
    return GgufArrays(file).texts(key);
}

std::optional<std::vector<int64_t>> read_integers(const GgufFile& file, const std::string& key) {
    return GgufArrays(file).integers(key);
}

std::optional<std::vector<double>> read_numbers(const GgufFile& file, const std::string& key) {
    return GgufArrays(file).numbers(key);
}

}  // namespace bitgauge
