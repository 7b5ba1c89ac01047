#include "gguf/key_values.h"

#include <array>

#include <fmt/format.h>

#include "base/hash.h"
#include "gguf/header_check.h"

namespace bitgauge {
namespace {

constexpr const char* kTokens = "tokenizer.ggml.tokens";

// What decides into which tokens a text is cut. Ids that only matter when generating (end, padding,
// turn) are left out: publishers correct them, and the tokens of a text stay what they were.
constexpr std::array kTokenizerKeys = {
    "tokenizer.ggml.model",
    "tokenizer.ggml.pre",
    kTokens,
    "tokenizer.ggml.token_type",
    "tokenizer.ggml.scores",
    "tokenizer.ggml.merges",
    "tokenizer.ggml.precompiled_charsmap",
    "tokenizer.ggml.bos_token_id",
    "tokenizer.ggml.unknown_token_id",
    "tokenizer.ggml.add_bos_token",
    "tokenizer.ggml.add_space_prefix",
    "tokenizer.ggml.remove_extra_whitespaces",
    "tokenizer.rwkv.world",
};

std::string scalar_text(const gguf_context* header, int64_t id) {
    switch (gguf_get_kv_type(header, id)) {
        case GGUF_TYPE_UINT8:
            return fmt::format("{}", gguf_get_val_u8(header, id));
        case GGUF_TYPE_INT8:
            return fmt::format("{}", gguf_get_val_i8(header, id));
        case GGUF_TYPE_UINT16:
            return fmt::format("{}", gguf_get_val_u16(header, id));
        case GGUF_TYPE_INT16:
            return fmt::format("{}", gguf_get_val_i16(header, id));
        case GGUF_TYPE_UINT32:
            return fmt::format("{}", gguf_get_val_u32(header, id));
        case GGUF_TYPE_INT32:
            return fmt::format("{}", gguf_get_val_i32(header, id));
        case GGUF_TYPE_UINT64:
            return fmt::format("{}", gguf_get_val_u64(header, id));
        case GGUF_TYPE_INT64:
            return fmt::format("{}", gguf_get_val_i64(header, id));
        case GGUF_TYPE_FLOAT32:
            return fmt::format("{}", gguf_get_val_f32(header, id));
        case GGUF_TYPE_FLOAT64:
            return fmt::format("{}", gguf_get_val_f64(header, id));
        case GGUF_TYPE_BOOL:
            return gguf_get_val_bool(header, id) ? "true" : "false";
        case GGUF_TYPE_STRING:
            return gguf_get_val_str(header, id);
        default:
            return "";
    }
}

std::string array_text(const gguf_context* header, int64_t id) {
    const gguf_type type = gguf_get_arr_type(header, id);
    const char* kind = type == GGUF_TYPE_STRING ? "strings"
                       : type == GGUF_TYPE_BOOL ? "flags"
                                                : "numbers";
    return fmt::format("[{} {}]", gguf_get_arr_n(header, id), kind);
}

KeyValue describe(const gguf_context* header, int64_t id) {
    const gguf_type type = gguf_get_kv_type(header, id);
    const std::string key = gguf_get_key(header, id);
    if (type != GGUF_TYPE_ARRAY) return {key, gguf_type_name(type), scalar_text(header, id)};
    return {key, fmt::format("[{}]", gguf_type_name(gguf_get_arr_type(header, id))),
            array_text(header, id)};
}

void hash_array(ContentHash& hash, const gguf_context* header, int64_t id) {
    const size_t n = gguf_get_arr_n(header, id);
    const gguf_type type = gguf_get_arr_type(header, id);
    if (type != GGUF_TYPE_STRING) {
        const auto* bytes = static_cast<const std::byte*>(gguf_get_arr_data(header, id));
        hash.add(std::span(bytes, n * value_bytes(type)));
        return;
    }
    for (size_t i = 0; i < n; ++i) {
        hash.add(gguf_get_arr_str(header, id, i)).add(std::string_view("\0", 1));
    }
}

}  // namespace

std::vector<KeyValue> read_key_values(const gguf_context* header) {
    std::vector<KeyValue> keys;
    const int64_t n = gguf_get_n_kv(header);
    keys.reserve(static_cast<size_t>(n));
    for (int64_t id = 0; id < n; ++id) keys.push_back(describe(header, id));
    return keys;
}

uint64_t read_vocabulary(const gguf_context* header) {
    const int64_t id = gguf_find_key(header, kTokens);
    if (id < 0 || gguf_get_kv_type(header, id) != GGUF_TYPE_ARRAY) return 0;
    return gguf_get_arr_n(header, id);
}

std::string read_tokenizer_hash(const gguf_context* header) {
    if (gguf_find_key(header, "tokenizer.ggml.model") < 0) return "";
    ContentHash hash;
    for (const char* key : kTokenizerKeys) {
        const int64_t id = gguf_find_key(header, key);
        if (id < 0) continue;
        hash.add(key).add(std::string_view("\0", 1));
        if (gguf_get_kv_type(header, id) == GGUF_TYPE_ARRAY) {
            hash_array(hash, header, id);
        } else {
            hash.add(scalar_text(header, id)).add(std::string_view("\0", 1));
        }
    }
    return hash.hex();
}

}  // namespace bitgauge
