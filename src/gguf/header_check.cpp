#include "gguf/header_check.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include <gguf.h>

namespace bitgauge {
namespace {

constexpr const char* kFetchAgain = "the download or copy was cut short; fetch the file again";

// A position in the header that never passes the end of the file.
class HeaderCursor {
  public:
    HeaderCursor(std::span<const std::byte> bytes, const std::string& file)
        : bytes_(bytes), file_(file) {}

    uint64_t left() const { return bytes_.size() - at_; }

    template <class T>
    T read(const std::string& what) {
        need(sizeof(T), 1, what);
        T value;
        std::memcpy(&value, bytes_.data() + at_, sizeof(T));
        at_ += sizeof(T);
        return value;
    }

    template <class T>
    T peek(const std::string& what) const {
        return HeaderCursor(*this).read<T>(what);
    }

    uint64_t at() const { return at_; }

    void skip(uint64_t count, uint64_t size, const std::string& what) {
        need(count, size, what);
        at_ += count * size;
    }

    std::string_view text(const std::string& what) {
        const auto length = read<uint64_t>(what);
        const char* begin = reinterpret_cast<const char*>(bytes_.data()) + at_;
        skip(length, 1, what);
        return {begin, length};
    }

    // Throws unless `count` things of at least `size` bytes fit into what is left.
    void need(uint64_t count, uint64_t size, const std::string& what) const {
        if (count <= left() / size) return;
        throw Error(
            ErrorKind::kInput,
            fmt::format("'{}' is truncated: {} of {} x {} bytes at byte {} go beyond its {} "
                        "bytes",
                        file_, what, count, size, at_, bytes_.size()),
            kFetchAgain);
    }

  private:
    std::span<const std::byte> bytes_;
    const std::string& file_;
    uint64_t at_ = 0;
};

std::string printable(std::string_view bytes) {
    std::string out;
    for (const char c : bytes) {
        const bool plain = c >= ' ' && c <= '~' && c != '\\';
        out += plain ? std::string(1, c) : fmt::format("\\x{:02x}", static_cast<uint8_t>(c));
    }
    return out;
}

void check_magic(std::span<const std::byte> bytes, const std::string& file) {
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const std::string_view magic = text.substr(0, 4);
    if (magic == GGUF_MAGIC) return;
    if (text.starts_with("version https://git-lfs")) {
        throw Error(ErrorKind::kInput,
                    fmt::format("'{}' is a Git LFS pointer, not the model itself", file),
                    "fetch the model with 'git lfs pull'");
    }
    throw Error(ErrorKind::kInput,
                bytes.empty()
                    ? fmt::format("'{}' is empty", file)
                    : fmt::format("'{}' is not a GGUF file: it begins with '{}', not 'GGUF'", file,
                                  printable(magic)),
                "give a model in the GGUF format");
}

void check_version(uint32_t version, const std::string& file) {
    if (version == 2 || version == GGUF_VERSION) return;
    const bool swapped = version != 0 && (version & 0xFFFFU) == 0;
    throw Error(ErrorKind::kInput,
                swapped ? fmt::format("'{}' is big endian", file)
                        : fmt::format("'{}' has GGUF version {}, expected 2 or {}", file, version,
                                      GGUF_VERSION),
                swapped ? "convert it with gguf_convert_endian.py" : "convert the model again");
}

void skip_value(HeaderCursor& cursor, uint32_t type, uint64_t count, const std::string& what) {
    if (type == GGUF_TYPE_STRING) {
        cursor.need(count, sizeof(uint64_t), what);
        for (uint64_t i = 0; i < count; ++i) cursor.text(what);
        return;
    }
    const size_t size = value_bytes(type);
    if (size > 0) cursor.skip(count, size, what);
}

// False for a type ggml will refuse by name: nothing after it can be read.
bool skip_key_value(HeaderCursor& cursor, uint64_t index, uint64_t& alignment) {
    const auto key = cursor.text(fmt::format("the name of key {}", index));
    const std::string what = fmt::format("key '{}'", printable(key.substr(0, 80)));
    auto type = cursor.read<uint32_t>(what);
    uint64_t count = 1;
    if (type == GGUF_TYPE_ARRAY) {
        type = cursor.read<uint32_t>(what);
        count = cursor.read<uint64_t>(what);
    }
    if (key == GGUF_KEY_GENERAL_ALIGNMENT && type == GGUF_TYPE_UINT32 && count == 1) {
        alignment = cursor.peek<uint32_t>(what);
    }
    skip_value(cursor, type, count, what);
    return type == GGUF_TYPE_STRING || value_bytes(type) > 0;
}

bool skip_tensor_info(HeaderCursor& cursor, uint64_t index) {
    const auto name = cursor.text(fmt::format("the name of tensor {}", index));
    const std::string what = fmt::format("tensor '{}'", printable(name.substr(0, 80)));
    const auto dimensions = cursor.read<uint32_t>(what);
    if (dimensions > GGML_MAX_DIMS) return false;  // ggml refuses it by name
    cursor.skip(dimensions, sizeof(int64_t), what);
    cursor.read<uint32_t>(what);  // type
    cursor.read<uint64_t>(what);  // offset
    return true;
}

}  // namespace

size_t value_bytes(uint32_t type) {
    switch (type) {
        case GGUF_TYPE_UINT8:
        case GGUF_TYPE_INT8:
        case GGUF_TYPE_BOOL:
            return 1;
        case GGUF_TYPE_UINT16:
        case GGUF_TYPE_INT16:
            return 2;
        case GGUF_TYPE_UINT32:
        case GGUF_TYPE_INT32:
        case GGUF_TYPE_FLOAT32:
            return 4;
        case GGUF_TYPE_UINT64:
        case GGUF_TYPE_INT64:
        case GGUF_TYPE_FLOAT64:
            return 8;
        default:
            return 0;
    }
}

HeaderLayout check_header(std::span<const std::byte> bytes, const std::string& file) {
    constexpr uint64_t kSmallestKey = 8 + 4 + 1;  // length of the name, type, one byte
    constexpr uint64_t kSmallestTensor =
        8 + 4 + 4 + 8;  // length of the name, dimensions, type, offset
    check_magic(bytes, file);
    HeaderCursor cursor(bytes, file);
    cursor.skip(4, 1, "the magic");
    check_version(cursor.read<uint32_t>("the version"), file);
    const auto tensors = cursor.read<uint64_t>("the number of tensors");
    const auto keys = cursor.read<uint64_t>("the number of keys");
    cursor.need(tensors, kSmallestTensor, "the tensor table");
    cursor.need(keys, kSmallestKey, "the key-values");
    bool readable = true;
    uint64_t alignment = GGUF_DEFAULT_ALIGNMENT;
    for (uint64_t i = 0; readable && i < keys; ++i) {
        readable = skip_key_value(cursor, i, alignment);
    }
    HeaderLayout layout{.tensors = tensors, .tensor_table = readable ? cursor.at() : 0};
    for (uint64_t i = 0; readable && i < tensors; ++i) readable = skip_tensor_info(cursor, i);
    if (!readable || tensors == 0 || alignment == 0) return layout;
    const uint64_t padding = (alignment - cursor.at() % alignment) % alignment;
    cursor.need(padding, 1, "the padding of the header");
    layout.data = cursor.at() + padding;
    return layout;
}

}  // namespace bitgauge
