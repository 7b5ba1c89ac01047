#pragma once

// Headers of real models for tests: tests/data/recipes/models/*.json; what recipes make of them,
// and what they refuse.

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"
#include "bitgauge/recipe.h"

#include "base/files.h"
#include "base/json.h"

#include "recipe/terms.h"

namespace bitgauge {

inline std::vector<int64_t> layers_of(const std::string& ranges, int64_t n) {
    std::vector<int64_t> layers;
    size_t begin = 0;
    while (begin < ranges.size()) {
        const size_t end = std::min(ranges.find(',', begin), ranges.size());
        const auto term = parse_layer_term(ranges.substr(begin, end - begin));
        for (int64_t i = 0; i < n; ++i) {
            if (term->holds(i, n)) layers.push_back(i);
        }
        begin = end + 1;
    }
    return layers;
}

inline TensorInfo made_tensor(const std::string& name, const std::vector<uint64_t>& shape,
                              const std::string& type) {
    const QType& known = *find_type(type);
    TensorInfo info{.name = name, .type = known.name, .type_id = known.id, .shape = shape};
    info.bytes = known.row_bytes(shape[0]) * (info.elements() / shape[0]);
    return info;
}

// Matrices in BF16, the rest (and what says so) in F32, as converters write them.
inline ModelHeader made_header(const Json& model) {
    ModelHeader header{.architecture = model.at("architecture"),
                       .layers = model.at("layers"),
                       .prediction_layers = model.value("prediction_layers", 0),
                       .heads = model.at("heads"),
                       .kv_heads = model.at("kv_heads"),
                       .experts = model.at("experts"),
                       .other_bytes = model.value("other_bytes", 0U)};
    for (const Json& tensor : model.at("tensors")) {
        const std::string name = tensor.at("name");
        const auto shape = tensor.at("shape").get<std::vector<uint64_t>>();
        const std::string type = tensor.value("type", shape.size() > 1 ? "bf16" : "f32");
        const size_t star = name.find('*');
        if (star == std::string::npos) {
            header.tensors.push_back(made_tensor(name, shape, type));
            continue;
        }
        for (const int64_t layer : layers_of(tensor.at("layers"), header.layers)) {
            std::string one = name;
            one.replace(star, 1, std::to_string(layer));
            header.tensors.push_back(made_tensor(one, shape, type));
        }
    }
    return header;
}

inline ModelHeader real_model(const std::string& name) {
    const std::filesystem::path path =
        std::filesystem::path(BITGAUGE_TEST_DATA) / "recipes" / "models" / (name + ".json");
    return made_header(Json::parse(read_text_file(path)));
}

// What a function that must refuse says, hint and all.
template <class Function>
std::string refusal(Function function) {
    try {
        function();
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kInput);
        return std::string(error.what()) + " | " + error.hint();
    }
    ADD_FAILURE() << "it did not refuse";
    return "";
}

inline std::string parse_refusal(const std::string& text) {
    return refusal([&text] { parse_recipe(text, "mix.recipe"); });
}

inline std::string resolve_refusal(const std::string& text, const std::string& model) {
    return refusal([&] { resolve(real_model(model), parse_recipe(text, "mix.recipe"), true); });
}

inline std::string type_of(const Resolution& resolution, const std::string& tensor) {
    const ResolvedTensor* found = resolution.find(tensor);
    return found == nullptr ? "absent" : found->type;
}

inline Resolution resolved(const std::string& text, const std::string& model,
                           bool importance = true) {
    return resolve(real_model(model), parse_recipe(text, "mix.recipe"), importance);
}

}  // namespace bitgauge
