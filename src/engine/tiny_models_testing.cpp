#include "engine/tiny_models_testing.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <memory>
#include <span>
#include <stdexcept>
#include <string_view>
#include <type_traits>

#include "bitgauge/qtype.h"

#include "engine/handles.h"
#include "engine/llama_log.h"
#include "engine/tiny_model_tables_testing.h"

#include <ggml.h>
#include <gguf.h>
#include <llama.h>

namespace bitgauge {
namespace {

using GgufContext = std::unique_ptr<gguf_context, FreeWith<gguf_free>>;

TinyKeys default_keys() {
    return {{"context_length", 256},
            {"embedding_length", 128},
            {"block_count", 8},
            {"feed_forward_length", 192},
            {"attention.head_count", 4},
            {"attention.head_count_kv", 2},
            {"attention.layer_norm_epsilon", 1e-5},
            {"attention.layer_norm_rms_epsilon", 1e-5},
            {"vocab_size", 256}};
}

template <class T>
constexpr gguf_type number_type() {
    return std::is_same_v<T, float> ? GGUF_TYPE_FLOAT32 : GGUF_TYPE_UINT32;
}

struct SetKey {
    gguf_context* header;
    const char* name;

    void operator()(uint32_t number) const { gguf_set_val_u32(header, name, number); }
    void operator()(float number) const { gguf_set_val_f32(header, name, number); }
    void operator()(bool flag) const { gguf_set_val_bool(header, name, flag); }
    void operator()(const std::string& text) const { gguf_set_val_str(header, name, text.c_str()); }
    template <class T>
    void operator()(const std::vector<T>& numbers) const {
        gguf_set_arr_data(header, name, number_type<T>(), numbers.data(), numbers.size());
    }
};

std::string full_name(const TinyModel& model, const TinyKey& key) {
    const bool general = key.name.starts_with("xielu.");  // llama.cpp's name for all architectures
    return general ? key.name : model.architecture + "." + key.name;
}

GgufContext make_header(const TinyModel& model) {
    GgufContext header(gguf_init_empty());
    gguf_set_val_str(header.get(), "general.architecture", model.architecture.c_str());
    gguf_set_val_str(header.get(), "general.name", model.name.c_str());
    gguf_set_val_str(header.get(), "tokenizer.ggml.model", "none");
    for (const TinyKey& key : default_keys() + model.keys) {
        const std::string name = full_name(model, key);
        std::visit(SetKey{header.get(), name.c_str()}, key.value);
    }
    return header;
}

struct TinyTensor {
    std::string name;
    std::vector<uint64_t> shape;  // row length first

    uint64_t weights() const {
        uint64_t n = 1;
        for (const uint64_t length : shape) n *= length;
        return n;
    }
};

// What libllama creates for a model with these keys: every tensor it could use, in its order.
std::vector<TinyTensor> possible_tensors(gguf_context* header) {
    std::vector<TinyTensor> tensors;
    const auto note = [](ggml_tensor* tensor, void* list) {
        const auto n = static_cast<size_t>(ggml_n_dims(tensor));
        static_cast<std::vector<TinyTensor>*>(list)->push_back(
            {tensor->name, {tensor->ne, tensor->ne + n}});
    };
    llama_model_params params = llama_model_default_params();
    params.n_gpu_layers = 0;
    params.load_mtp = true;
    start_libllama();
    forget_llama_complaints();
    const ModelHandle model(llama_model_init_from_user(header, note, &tensors, params));
    if (!model) throw std::runtime_error("libllama makes no such model: " + llama_complaint());
    return tensors;
}

bool has_part(std::string_view name, std::string_view part) {
    return name.find(part) != std::string_view::npos;
}

template <class Parts>
bool has_any_part(std::string_view name, const Parts& parts) {
    return std::any_of(std::begin(parts), std::end(parts),
                       [&](std::string_view part) { return has_part(name, part); });
}

bool left_out(const TinyModel& model, const std::string& name) {
    static constexpr std::string_view kNeeded[] = {"norm", "ssm_", "exp_probs_b",
                                                   "ffn_gate_inp.scale"};
    if (model.tied && name == "output.weight") return true;
    if (has_any_part(name, model.without)) return true;
    if (has_any_part(name, kNeeded)) return false;
    if (name.ends_with(".scale") || name.ends_with(".input_scale")) return true;
    return name.ends_with(".bias") && !model.biases;
}

// Those of the model, each once: tensors that several layers share are created for each.
std::vector<TinyTensor> chosen_tensors(const TinyModel& model, gguf_context* header) {
    std::map<std::string, bool> seen;
    std::vector<TinyTensor> chosen;
    for (TinyTensor& tensor : possible_tensors(header)) {
        if (left_out(model, tensor.name) || !seen.emplace(tensor.name, true).second) continue;
        chosen.push_back(std::move(tensor));
    }
    return chosen;
}

// Where values of a tensor lie. `spread` is a standard deviation; with `by_width` it is divided by
// the root of the row length, so that a product with a row has that deviation.
struct Values {
    std::string_view part;  // of "^name$", the name in its layer; the first that fits counts
    float middle = 0, spread = 1;
    bool by_width = false, negative = false;
};

constexpr std::string_view kTied = "an embedding that is the head";  // instead of its name

constexpr Values kValues[] = {
    {.part = kTied, .spread = 1.5F, .by_width = true},
    {.part = ".bias$", .spread = 0.1F},
    {.part = "norm", .middle = 1, .spread = 0.1F},
    {.part = "scale", .middle = 1, .spread = 0.1F},
    {.part = "^rope_f", .middle = 1.5F, .spread = 0.2F},
    {.part = "^ssm_a$", .middle = 1, .spread = 0.25F, .negative = true},  // a decay
    {.part = "^ssm_d$", .middle = 1, .spread = 0.1F},
    {.part = "^ffn_gate_inp", .spread = 2, .by_width = true},       // a router with an opinion
    {.part = "^token_embd.weight", .spread = 8, .by_width = true},  // not drowned by layers
    {.part = "^output.weight", .spread = 2, .by_width = true},
    {.part = "", .by_width = true},
};

// "blk.3.ssm_a" -> "ssm_a"
std::string_view name_in_layer(std::string_view name) {
    return name.starts_with("blk.") ? name.substr(name.find('.', 4) + 1) : name;
}

const Values& values_of(const TinyModel& model, std::string_view name) {
    if (model.tied && name == "token_embd.weight") name = kTied;
    const std::string framed = "^" + std::string(name_in_layer(name)) + "$";
    return *std::find_if(std::begin(kValues), std::end(kValues),
                         [&](const Values& values) { return has_part(framed, values.part); });
}

// A bell of mean 0 and deviation 1, the same on every machine: splitmix64 (Steele et al., 2014),
// four uniform numbers of 16 bits added up.
class Bell {
  public:
    Bell(uint64_t seed, std::string_view name) : state_(seed) {
        for (const char c : name) state_ = (state_ ^ static_cast<uint8_t>(c)) * 0x100000001B3U;
    }
    float next() {
        uint64_t x = (state_ += 0x9E3779B97F4A7C15U);
        x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9U;
        x = (x ^ (x >> 27U)) * 0x94D049BB133111EBU;
        x ^= x >> 31U;
        const uint64_t sum =
            (x & 0xFFFFU) + (x >> 16U & 0xFFFFU) + (x >> 32U & 0xFFFFU) + (x >> 48U);
        return (static_cast<float>(sum) / 65536.0F - 2.0F) * 1.7320508F;
    }

  private:
    uint64_t state_;
};

std::vector<float> fill(const TinyModel& model, const TinyTensor& tensor, uint64_t seed) {
    const Values& kind = values_of(model, tensor.name);
    const float width = kind.by_width ? std::sqrt(static_cast<float>(tensor.shape[0])) : 1.0F;
    const float sign = kind.negative ? -1.0F : 1.0F;
    Bell bell(seed, tensor.name);
    std::vector<float> values(tensor.weights());
    for (float& value : values) value = sign * (kind.middle + kind.spread / width * bell.next());
    return values;
}

// What llama-quantize leaves alone, as far as it is in these models.
bool stays_single(const TinyModel& model, const TinyTensor& tensor) {
    static constexpr std::string_view kSingle[] = {
        "_norm.weight",         "ffn_gate_inp.weight", "position_embd",  "token_types",
        "ssm_conv1d",           "shortconv.conv",      "altup",          "laurel",
        "per_layer_model_proj", "time_mix_first",      "time_mix_decay", "time_mix_lerp",
        "time_mix_w",           "time_mix_v0",         "time_mix_v1",    "time_mix_v2",
        "time_mix_a",           "time_mix_g1",         "time_mix_g2"};
    return tensor.shape.size() < 2 || !tensor.name.ends_with("weight") ||
           has_any_part(tensor.name, kSingle) || has_any_part(tensor.name, model.single);
}

int stored_type(const TinyModel& model, const TinyTensor& tensor, int ggml_type) {
    const bool fits = tensor.shape[0] % type_by_id(ggml_type)->block_weights == 0;
    return fits && !stays_single(model, tensor) ? ggml_type : GGML_TYPE_F32;
}

std::vector<std::byte> encode(const std::vector<float>& values, uint64_t width, int ggml_type) {
    std::vector<std::byte> bytes(type_by_id(ggml_type)->row_bytes(width) * (values.size() / width));
    encode_rows(ggml_type, values, width, {}, bytes);
    return bytes;
}

// The tensor as gguf_add_tensor() wants it; `bytes` must live until the file is written.
void add_tensor(gguf_context* header, const TinyTensor& tensor, int ggml_type,
                std::span<std::byte> bytes) {
    ggml_tensor entry{};
    entry.type = static_cast<enum ggml_type>(ggml_type);
    ggml_set_name(&entry, tensor.name.c_str());
    size_t stride = ggml_type_size(entry.type);
    for (size_t d = 0; d < GGML_MAX_DIMS; ++d) {
        entry.ne[d] = d < tensor.shape.size() ? static_cast<int64_t>(tensor.shape[d]) : 1;
        entry.nb[d] = stride;
        stride = d == 0 ? ggml_row_size(entry.type, entry.ne[0])
                        : stride * static_cast<size_t>(entry.ne[d]);
    }
    entry.data = bytes.data();
    gguf_add_tensor(header, &entry);
}

}  // namespace

const std::vector<TinyModel>& tiny_models() {
    static const std::vector<TinyModel> all =
        tiny_dense_models() + tiny_expert_models() + tiny_recurrent_models() + tiny_rare_models();
    return all;
}

std::vector<std::string> tiny_model_names() {
    std::vector<std::string> all;
    for (const TinyModel& model : tiny_models()) all.push_back(model.name);
    return all;
}

std::string test_name(std::string model) {
    std::ranges::replace_if(
        model, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
    return model;
}

const TinyModel& tiny_model(const std::string& name) {
    for (const TinyModel& model : tiny_models()) {
        if (model.name == name) return model;
    }
    throw std::invalid_argument("no tiny model " + name);
}

void write_tiny_model(const TinyModel& model, int ggml_type, uint64_t seed,
                      const std::filesystem::path& path) {
    const GgufContext header = make_header(model);
    std::vector<std::vector<std::byte>> data;
    for (const TinyTensor& tensor : chosen_tensors(model, header.get())) {
        const int type = stored_type(model, tensor, ggml_type);
        data.push_back(encode(fill(model, tensor, seed), tensor.shape[0], type));
        add_tensor(header.get(), tensor, type, data.back());
    }
    if (!gguf_write_to_file(header.get(), path.c_str(), /*only_meta=*/false)) {
        throw std::runtime_error("cannot write " + path.string());
    }
}

}  // namespace bitgauge
