// Recipes from arbitrary bytes: read or refused with Error, never anything else; what is read
// prints as a text that reads back to the same, and resolves or is refused.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "bitgauge/error.h"
#include "bitgauge/recipe.h"

#include "memory_file.h"

namespace {

bitgauge::ModelHeader small_model() {
    bitgauge::ModelHeader model{.architecture = "llama", .layers = 4, .heads = 8, .kv_heads = 2};
    for (const char* name : {"token_embd.weight", "blk.0.attn_v.weight", "blk.1.ffn_down.weight",
                             "blk.3.ffn_up_exps.weight", "blk.3.attn_norm.weight"}) {
        model.tensors.push_back({.name = name, .type = "f32", .shape = {320, 16}, .bytes = 20480});
    }
    return model;
}

void check_recipe(const bitgauge::Recipe& recipe) {
    const std::string text = bitgauge::recipe_text(recipe);
    require(bitgauge::recipe_text(bitgauge::parse_recipe(text, "again", "/nonexistent")) == text);
    static const bitgauge::ModelHeader model = small_model();
    const bitgauge::Resolution resolution = bitgauge::resolve(model, recipe, true);
    require(resolution.tensors.size() == model.tensors.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    try {
        const std::string_view text(reinterpret_cast<const char*>(data), size);
        check_recipe(bitgauge::parse_recipe(text, "fuzz", "/nonexistent"));
    } catch (const bitgauge::Error&) {
        return 0;
    }
    return 0;
}
