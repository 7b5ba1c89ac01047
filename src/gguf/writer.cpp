#include "gguf/writer.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/files.h"
#include "base/hash.h"
#include "gguf/checksum.h"
#include "gguf/gguf_handle.h"
#include "gguf/header_check.h"

#include <gguf.h>

namespace bitgauge {
namespace {

void set_numbers(gguf_context* context, const std::string& key, gguf_type type, const void* data,
                 size_t count) {
    gguf_set_arr_data(context, key.c_str(), type, data, count);
}

void pick_numbers(gguf_context* context, const std::string& key, int64_t id,
                  std::span<const uint32_t> picks) {
    const gguf_type type = gguf_get_arr_type(context, id);
    const size_t size = value_bytes(static_cast<uint32_t>(type));
    const auto* all = static_cast<const std::byte*>(gguf_get_arr_data(context, id));
    std::vector<std::byte> picked(picks.size() * size);
    for (size_t i = 0; i < picks.size(); ++i) {
        std::copy_n(all + picks[i] * size, size, picked.data() + i * size);
    }
    set_numbers(context, key, type, picked.data(), picks.size());
}

[[noreturn]] void refuse(const std::string& name, const std::string& why) {
    throw Error(ErrorKind::kInput, fmt::format("tensor '{}' cannot be written: {}", name, why));
}

// The tensor as ggml's table wants it: strides are what its size is computed from.
ggml_tensor describe(const std::string& name, int type_id, std::span<const uint64_t> shape) {
    if (name.empty() || name.size() >= GGML_MAX_NAME) {
        refuse(name, fmt::format("its name has {} bytes, expected 1 to {}", name.size(),
                                 GGML_MAX_NAME - 1));
    }
    if (type_id < 0 || type_id >= GGML_TYPE_COUNT ||
        ggml_blck_size(static_cast<ggml_type>(type_id)) == 0) {
        refuse(name, fmt::format("ggml has no type {}", type_id));
    }
    if (shape.empty() || shape.size() > GGML_MAX_DIMS) {
        refuse(name, fmt::format("it has {} dimensions, expected 1 to 4", shape.size()));
    }
    ggml_tensor tensor{};
    tensor.type = static_cast<ggml_type>(type_id);
    ggml_set_name(&tensor, name.c_str());
    for (size_t d = 0; d < GGML_MAX_DIMS; ++d) {
        tensor.ne[d] = d < shape.size() ? static_cast<int64_t>(shape[d]) : 1;
    }
    if (tensor.ne[0] % ggml_blck_size(tensor.type) != 0) {
        refuse(name, fmt::format("its rows of {} are no whole blocks of {} ({})", tensor.ne[0],
                                 ggml_blck_size(tensor.type), ggml_type_name(tensor.type)));
    }
    tensor.nb[0] = ggml_type_size(tensor.type);
    tensor.nb[1] = ggml_row_size(tensor.type, tensor.ne[0]);
    tensor.nb[2] = tensor.nb[1] * static_cast<size_t>(tensor.ne[1]);
    tensor.nb[3] = tensor.nb[2] * static_cast<size_t>(tensor.ne[2]);
    return tensor;
}

size_t padding_after(size_t bytes, size_t alignment) {
    return (alignment - bytes % alignment) % alignment;
}

// A file being written, with its checksum at the end where one is wanted.
class HashedFile {
  public:
    HashedFile(const std::filesystem::path& path, bool checksum) : file_(path) {
        if (checksum) hash_.emplace();
    }
    void write(std::span<const std::byte> bytes) {
        if (hash_) hash_->add(bytes);
        file_.write(bytes);
    }
    void commit() {
        if (hash_) file_.write(hash_->hex());
        file_.commit();
    }

  private:
    AtomicFile file_;
    std::optional<ContentHash> hash_;
};

}  // namespace

void GgufWriter::FreeContext::operator()(gguf_context* context) const noexcept {
    gguf_free(context);
}

GgufWriter::GgufWriter() : context_(gguf_init_empty()) {}
GgufWriter::~GgufWriter() = default;
GgufWriter::GgufWriter(GgufWriter&&) noexcept = default;
GgufWriter& GgufWriter::operator=(GgufWriter&&) noexcept = default;

void GgufWriter::set_text(const std::string& key, const std::string& value) {
    gguf_set_val_str(context_.get(), key.c_str(), value.c_str());
}
void GgufWriter::set_u16(const std::string& key, uint16_t value) {
    gguf_set_val_u16(context_.get(), key.c_str(), value);
}
void GgufWriter::set_i32(const std::string& key, int32_t value) {
    gguf_set_val_i32(context_.get(), key.c_str(), value);
}
void GgufWriter::set_u32(const std::string& key, uint32_t value) {
    gguf_set_val_u32(context_.get(), key.c_str(), value);
}
void GgufWriter::set_u64(const std::string& key, uint64_t value) {
    gguf_set_val_u64(context_.get(), key.c_str(), value);
}
void GgufWriter::set_f32(const std::string& key, float value) {
    gguf_set_val_f32(context_.get(), key.c_str(), value);
}
void GgufWriter::set_f64(const std::string& key, double value) {
    gguf_set_val_f64(context_.get(), key.c_str(), value);
}
void GgufWriter::set_flag(const std::string& key, bool value) {
    gguf_set_val_bool(context_.get(), key.c_str(), value);
}

void GgufWriter::set_texts(const std::string& key, std::span<const std::string> values) {
    std::vector<const char*> pointers;
    pointers.reserve(values.size());
    for (const std::string& value : values) pointers.push_back(value.c_str());
    gguf_set_arr_str(context_.get(), key.c_str(), pointers.data(), pointers.size());
}
void GgufWriter::set_array(const std::string& key, std::span<const int32_t> values) {
    set_numbers(context_.get(), key, GGUF_TYPE_INT32, values.data(), values.size());
}
void GgufWriter::set_array(const std::string& key, std::span<const uint32_t> values) {
    set_numbers(context_.get(), key, GGUF_TYPE_UINT32, values.data(), values.size());
}
void GgufWriter::set_array(const std::string& key, std::span<const uint64_t> values) {
    set_numbers(context_.get(), key, GGUF_TYPE_UINT64, values.data(), values.size());
}
void GgufWriter::set_array(const std::string& key, std::span<const float> values) {
    set_numbers(context_.get(), key, GGUF_TYPE_FLOAT32, values.data(), values.size());
}
void GgufWriter::set_array(const std::string& key, std::span<const double> values) {
    set_numbers(context_.get(), key, GGUF_TYPE_FLOAT64, values.data(), values.size());
}

void GgufWriter::copy_keys(const GgufFile& file) {
    const GgufHandle header = read_gguf_header(file.shards().front());
    gguf_set_kv(context_.get(), header.get());
    if (gguf_get_alignment(header.get()) == gguf_get_alignment(context_.get())) return;
    remove_key(GGUF_KEY_GENERAL_ALIGNMENT);
}

void GgufWriter::remove_key(const std::string& key) {
    gguf_remove_key(context_.get(), key.c_str());
}

void GgufWriter::pick_entries(const std::string& key, std::span<const uint32_t> picks) {
    gguf_context* context = context_.get();
    const int64_t id = gguf_find_key(context, key.c_str());
    const bool array = id >= 0 && gguf_get_kv_type(context, id) == GGUF_TYPE_ARRAY;
    const size_t entries = array ? gguf_get_arr_n(context, id) : 0;
    if (!array || std::ranges::any_of(picks, [&](uint32_t pick) { return pick >= entries; })) {
        throw Error(ErrorKind::kInput, fmt::format("'{}' has {} entries, fewer than its header "
                                                   "promises layers",
                                                   key, entries));
    }
    if (gguf_get_arr_type(context, id) == GGUF_TYPE_STRING) {
        std::vector<std::string> texts;
        texts.reserve(picks.size());
        for (const uint32_t pick : picks) texts.emplace_back(gguf_get_arr_str(context, id, pick));
        set_texts(key, texts);
    } else {
        pick_numbers(context, key, id, picks);
    }
}

void GgufWriter::add_tensor(const std::string& name, int type_id, std::span<const uint64_t> shape,
                            Produce produce) {
    const ggml_tensor tensor = describe(name, type_id, shape);
    if (gguf_find_tensor(context_.get(), name.c_str()) >= 0) refuse(name, "its name is taken");
    gguf_add_tensor(context_.get(), &tensor);
    producers_.push_back(std::move(produce));
}

void GgufWriter::add_tensor(const std::string& name, int type_id, std::span<const uint64_t> shape,
                            std::span<const std::byte> bytes) {
    add_tensor(name, type_id, shape, [bytes] { return bytes; });
}

GgufLayout GgufWriter::layout() const {
    GgufLayout layout{.header = header()};
    const size_t alignment = gguf_get_alignment(context_.get());
    layout.file_bytes = layout.header.size();
    for (int64_t i = 0; i < gguf_get_n_tensors(context_.get()); ++i) {
        layout.tensor_offsets.push_back(layout.header.size() +
                                        gguf_get_tensor_offset(context_.get(), i));
        const size_t bytes = gguf_get_tensor_size(context_.get(), i);
        layout.file_bytes += bytes + padding_after(bytes, alignment);
    }
    return layout;
}

std::vector<std::byte> GgufWriter::header() const {
    std::vector<std::byte> bytes(gguf_get_meta_size(context_.get()));
    gguf_get_meta_data(context_.get(), bytes.data());
    return bytes;
}

void GgufWriter::end_with_checksum() {
    const uint64_t shape[] = {kChecksumBytes};
    add_tensor(kChecksumTensor, GGML_TYPE_I8, shape, Produce());
    producers_.pop_back();
    checksum_ = true;
}

void GgufWriter::write(const std::filesystem::path& path) {
    const size_t alignment = gguf_get_alignment(context_.get());
    const std::vector<std::byte> zeros(alignment);
    HashedFile file(path, checksum_);
    file.write(header());
    for (size_t i = 0; i < producers_.size(); ++i) {
        const auto id = static_cast<int64_t>(i);
        const size_t expected = gguf_get_tensor_size(context_.get(), id);
        const std::span<const std::byte> bytes = producers_[i]();
        if (bytes.size() != expected) {
            refuse(gguf_get_tensor_name(context_.get(), id),
                   fmt::format("it has {} bytes, expected {}", bytes.size(), expected));
        }
        file.write(bytes);
        file.write(std::span(zeros).first(padding_after(expected, alignment)));
    }
    file.commit();
}

}  // namespace bitgauge
