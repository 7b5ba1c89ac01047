#include "gguf/model_copy_testing.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "gguf/gguf_handle.h"

#include <ggml.h>

namespace bitgauge {
namespace {

constexpr int kF32 = GGML_TYPE_F32;

// One number or flag of `from` under another name.
void copy_scalar(const gguf_context* from, int64_t id, gguf_context* to, const std::string& key) {
    switch (gguf_get_kv_type(from, id)) {
        case GGUF_TYPE_UINT32:
            return gguf_set_val_u32(to, key.c_str(), gguf_get_val_u32(from, id));
        case GGUF_TYPE_FLOAT32:
            return gguf_set_val_f32(to, key.c_str(), gguf_get_val_f32(from, id));
        case GGUF_TYPE_BOOL:
            return gguf_set_val_bool(to, key.c_str(), gguf_get_val_bool(from, id));
        default:
            throw std::logic_error("no test has renamed such a key yet: " + key);
    }
}

ggml_tensor described(const TensorInfo& info) {
    ggml_tensor tensor{};
    tensor.type = static_cast<ggml_type>(info.type_id);
    ggml_set_name(&tensor, info.name.c_str());
    for (size_t d = 0; d < GGML_MAX_DIMS; ++d) {
        tensor.ne[d] = d < info.shape.size() ? static_cast<int64_t>(info.shape[d]) : 1;
    }
    tensor.nb[0] = ggml_type_size(tensor.type);
    tensor.nb[1] = ggml_row_size(tensor.type, tensor.ne[0]);
    tensor.nb[2] = tensor.nb[1] * static_cast<size_t>(tensor.ne[1]);
    tensor.nb[3] = tensor.nb[2] * static_cast<size_t>(tensor.ne[2]);
    return tensor;
}

}  // namespace

void ModelCopy::Free::operator()(gguf_context* context) const noexcept {
    gguf_free(context);
}

ModelCopy::ModelCopy(const std::filesystem::path& original)
    : file_(GgufFile::open(original)), data_(file_), keys_(gguf_init_empty()) {
    gguf_set_kv(keys_.get(), read_gguf_header(original).get());
    for (const TensorInfo& info : file_.tensors()) {
        tensors_.push_back({info, data_.tensor_bytes(info)});
    }
}

ModelCopy::~ModelCopy() = default;

void ModelCopy::set_architecture(const std::string& name) {
    const std::string old = file_.architecture() + ".";
    const GgufHandle header = read_gguf_header(file_.shards().front());
    for (int64_t id = 0; id < gguf_get_n_kv(header.get()); ++id) {
        const std::string key = gguf_get_key(header.get(), id);
        if (!key.starts_with(old)) continue;
        copy_scalar(header.get(), id, keys_.get(), name + "." + key.substr(old.size()));
        gguf_remove_key(keys_.get(), key.c_str());
    }
    set_text("general.architecture", name);
}

void ModelCopy::set_text(const std::string& key, const std::string& value) {
    gguf_set_val_str(keys_.get(), key.c_str(), value.c_str());
}
void ModelCopy::set_u32(const std::string& key, uint32_t value) {
    gguf_set_val_u32(keys_.get(), key.c_str(), value);
}
void ModelCopy::set_f32(const std::string& key, float value) {
    gguf_set_val_f32(keys_.get(), key.c_str(), value);
}
void ModelCopy::set_flag(const std::string& key, bool value) {
    gguf_set_val_bool(keys_.get(), key.c_str(), value);
}
void ModelCopy::set_texts(const std::string& key, const std::vector<std::string>& values) {
    std::vector<const char*> pointers;
    pointers.reserve(values.size());
    for (const std::string& value : values) pointers.push_back(value.c_str());
    gguf_set_arr_str(keys_.get(), key.c_str(), pointers.data(), pointers.size());
}

void ModelCopy::drop_tensor(const std::string& name) {
    std::erase_if(tensors_, [&](const Tensor& tensor) { return tensor.info.name == name; });
}

void ModelCopy::put_tensor(const std::string& name, const std::vector<uint64_t>& shape,
                           std::vector<float> values) {
    drop_tensor(name);
    own_values_.push_back(std::move(values));
    tensors_.push_back({{.name = name, .type = "f32", .type_id = kF32, .shape = shape},
                        std::as_bytes(std::span(own_values_.back()))});
}

ModelCopy::Tensor& ModelCopy::tensor(const std::string& name) {
    const auto at = std::ranges::find_if(
        tensors_, [&](const Tensor& tensor) { return tensor.info.name == name; });
    if (at == tensors_.end()) throw std::logic_error("the model has no tensor " + name);
    return *at;
}

void ModelCopy::repeat_tensor(const std::string& name, const std::string& new_name) {
    Tensor repeated = tensor(name);
    repeated.info.name = new_name;
    tensors_.push_back(repeated);
}

void ModelCopy::write(const std::filesystem::path& path) const {
    const GgufHandle file(gguf_init_empty());
    gguf_set_kv(file.get(), keys_.get());
    for (const Tensor& tensor : tensors_) {
        ggml_tensor entry = described(tensor.info);
        entry.data = const_cast<std::byte*>(tensor.bytes.data());  // ggml reads it
        gguf_add_tensor(file.get(), &entry);
    }
    if (!gguf_write_to_file(file.get(), path.c_str(), /*only_meta=*/false)) {
        throw std::runtime_error("cannot write " + path.string());
    }
}

}  // namespace bitgauge
