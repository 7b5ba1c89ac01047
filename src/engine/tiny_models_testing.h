#pragma once

// Small untrained models of many architectures: what tests of evaluation in stages are made from.
//
// A row of the table says what a model has beyond the defaults (width 128, 8 layers, 4 heads of 32
// with 2 of keys and values, 256 tokens without a tokenizer); libllama itself says which tensors
// such a model has; this fills them so that logits are healthy and experts differ.

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace bitgauge {

// One value for each layer, where the architecture takes a list.
using PerLayer = std::vector<uint32_t>;

// A key-value of the header, its name without the architecture's in front.
struct TinyKey {
    std::string name;
    std::variant<uint32_t, float, bool, std::string, PerLayer, std::vector<float>> value;

    TinyKey(std::string key, int number)
        : name(std::move(key)), value(static_cast<uint32_t>(number)) {}
    TinyKey(std::string key, double number)
        : name(std::move(key)), value(static_cast<float>(number)) {}
    TinyKey(std::string key, bool flag) : name(std::move(key)), value(flag) {}
    TinyKey(std::string key, const char* text) : name(std::move(key)), value(std::string(text)) {}
    TinyKey(std::string key, PerLayer numbers) : name(std::move(key)), value(std::move(numbers)) {}
    TinyKey(std::string key, std::vector<float> numbers)
        : name(std::move(key)), value(std::move(numbers)) {}
};
using TinyKeys = std::vector<TinyKey>;

struct TinyModel {
    std::string name;                  // of the model: "llama-moe"
    std::string architecture;          // as general.architecture has it: "llama"
    TinyKeys keys;                     // over the defaults, a later one over an earlier one
    bool tied = false;                 // the head is the token embedding
    bool biases = false;               // the biases that the architecture may have or not
    std::vector<std::string> without;  // optional tensors left out: a part of their names
    std::vector<std::string> single;   // matrices that have to stay F32, likewise
};

// All of them, every name once.
const std::vector<TinyModel>& tiny_models();

// Their names, and one as GoogleTest takes it for a parameter's.
std::vector<std::string> tiny_model_names();
std::string test_name(std::string model);

// Throws std::invalid_argument when there is none.
const TinyModel& tiny_model(const std::string& name);

// `ggml_type`: what the matrices are stored in (F32, F16, Q4_0: any that needs no importance);
// norms, routers and what else llama-quantize leaves alone stay F32, as does a matrix whose rows
// are no whole blocks. Same seed, same weights, whatever the type. Throws std::runtime_error with
// libllama's words when it knows no such model; ends the process when libllama asserts.
void write_tiny_model(const TinyModel& model, int ggml_type, uint64_t seed,
                      const std::filesystem::path& path);

}  // namespace bitgauge
