#pragma once

// Recipes: which tensor of a model gets which type, as data.
//
// A recipe is a list of rules; the first that matches a tensor decides its type. One that extends
// another comes before it. Resolution is a pure function of the model's header, the recipe and
// whether importance is there. The format is docs/formats/recipe.md.
//
// Thread-safe: everything here is a value or a pure function. Failures are Error(kInput) unless
// said otherwise.

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bitgauge/gguf.h"

namespace bitgauge {

// --- what a recipe says --------------------------------------------------------------------------

// "8", ">= 4", "< 512", "!= 8".
struct NumberTest {
    enum class Relation { kEqual, kUnequal, kLess, kAtMost, kMore, kAtLeast };

    Relation relation = Relation::kEqual;
    int64_t value = 0;

    bool holds(int64_t number) const;
};

// Layers i of n; divisions round down, as llama.cpp's do.
struct LayerTerm {
    enum class Kind {
        kRange,       // "4", "0-7": a <= i <= b
        kFirst,       // "first 4": i < a
        kFirstPart,   // "first 1/8": i < n a/b
        kLast,        // "last 4": i >= n - a
        kLastPart,    // "last 1/8": i >= n (b-a)/b
        kMiddlePart,  // "middle 3/4": n (b-a)/2b <= i < n (b+a)/2b
        kMoreBits,  // "more bits": first 1/8, last 1/8, and every third between, from the third on
    };

    Kind kind = Kind::kRange;
    int64_t a = 0;
    int64_t b = 0;

    bool holds(int64_t i, int64_t n) const;
};

// Which number a rule's layers are compared with. llama.cpp's mixtures count tensors where others
// would look at the name; both are here.
enum class LayerIndex {
    kLayer,          // i from the name, n the model's layers
    kCount,          // i: tensors of the rule's set that came before; n: tensors of that set
    kCountOfLayers,  // the same i; n the model's layers
    kLayerOrCount,   // kLayer in a model with experts, kCountOfLayers in a dense one
};

// Every condition that is set must hold. Lists hold when one of their entries does.
struct Rule {
    // The tensor.
    std::vector<std::string> sets;     // names of Recipe::sets
    std::vector<std::string> roles;    // patterns with * and ? over tensor_role()
    std::vector<std::string> names;    // patterns with * and ? over the whole name
    std::vector<std::string> unlike;   // none of these patterns over the whole name
    std::vector<std::string> regexes;  // ECMAScript, found anywhere in the name
    std::vector<LayerTerm> layers;
    LayerIndex index = LayerIndex::kLayer;
    std::optional<bool> expert;         // routed experts (roles that end in _exps)
    std::optional<NumberTest> row;      // weights in a row
    std::optional<NumberTest> rows;     // rows of one matrix
    std::optional<NumberTest> dims;     // dimensions, trailing ones not counted
    std::optional<NumberTest> weights;  // in the tensor
    std::optional<bool> row_fits;       // rows are whole blocks of the recipe's default type

    // The model.
    std::vector<std::string> architectures;  // "!falcon": any other
    std::optional<NumberTest> gqa;           // heads per key-value head, in layer 0
    std::optional<NumberTest> experts;       // 0 in a dense model
    std::optional<NumberTest> model_layers;  // without those of multi-token prediction
    std::optional<bool> tied;                // no output.weight
    std::optional<bool> importance;          // an importance matrix is there

    // Only where what follows would give one of these types.
    std::vector<std::string> replaces;

    std::string type;       // "q4_K", "keep" (as in the original), "default", or "$name" of a value
    bool forced = false;    // also tensors that are never quantized (norms, routers, ...)
    bool optional = false;  // may match nothing
    bool counts = false;    // what it takes still counts in what the recipe extends
    std::string why;
    int line = 0;  // in the recipe's text; 0 for none
};

struct Recipe {
    std::string name;
    std::string about;
    std::string source;                         // where it comes from
    std::string confidence;                     // "exact", "published", "inferred", "partial"
    std::string origin;                         // the file, or "preset"
    std::map<std::string, std::string> values;  // name -> type
    std::map<std::string, std::vector<std::string>> sets;  // name -> patterns over the whole name
    std::string default_type;                              // "" leaves it to `base`
    std::vector<std::string> importance_types;  // need importance here beside those that always do
    std::optional<int64_t> file_type;           // general.file_type of the file it makes
    std::vector<Rule> rules;
    std::string extends;                 // name or path, as written
    std::shared_ptr<const Recipe> base;  // what `extends` names
};

// --- reading and writing -------------------------------------------------------------------------

// The recipes that come with the program, by name.
const std::vector<Recipe>& presets();

// nullptr when there is none. Letter case does not matter; "Q3_K", "Q4_K" and "Q5_K" are the _M, as
// in llama-quantize.
const Recipe* find_preset(std::string_view name);

// A preset's name or a file. Refuses, with file and line: no TOML, unknown keys, types, values and
// sets, each with the nearest known name; a recipe that extends itself, directly or not.
Recipe load_recipe(const std::string& name_or_path);

// The same from text; `origin` names it in messages, `folder` is where files it extends are looked
// for.
Recipe parse_recipe(std::string_view text, const std::string& origin,
                    const std::filesystem::path& folder = {});

// Text that load_recipe() reads back as the same recipe; what it extends is named, not copied.
std::string recipe_text(const Recipe& recipe);

// One line: "role attn_v, layer first 1/8: q6_K".
std::string rule_text(const Rule& rule);

// --- resolution ----------------------------------------------------------------------------------

// What resolution needs of a model.
struct ModelHeader {
    std::string architecture;
    int64_t layers = 0;             // block_count: with those of multi-token prediction
    int64_t prediction_layers = 0;  // of these, multi-token prediction
    int64_t heads = 0;              // in layer 0
    int64_t kv_heads = 0;           // in layer 0
    int64_t experts = 0;
    uint64_t other_bytes = 0;  // of the file, that are not tensor data or its padding
    std::vector<TensorInfo> tensors;
};

ModelHeader model_header(const GgufFile& file);

struct ResolvedTensor {
    std::string name;
    std::string role;
    int32_t layer = -1;  // -1: outside of layers
    std::vector<uint64_t> shape;
    std::string original;  // its type in the model
    std::string wanted;    // what the rule says
    std::string type;      // what it gets: another than `wanted` where rows do not fit
    bool kept = false;     // stays as it is
    bool forced = false;   // changed although such tensors are never quantized
    bool needs_importance = false;
    uint64_t weights = 0;
    uint64_t bytes = 0;  // in its new type, without padding

    // The rule that won. Its recipe is "" for what is never quantized, and `rule` "default" where
    // no rule matched.
    std::string recipe;
    std::string rule;
    std::string why;
    int line = 0;

    bool fell_back() const { return type != wanted; }
};

struct Resolution {
    std::string recipe;
    bool importance = false;
    std::vector<ResolvedTensor> tensors;  // in the model's order
    std::vector<std::string> notes;       // rules that are never reached, quirks
    uint64_t tensor_bytes = 0;
    uint64_t file_bytes = 0;  // tensor data padded to 32 bytes and the original's header
    uint64_t weights = 0;

    const ResolvedTensor* find(std::string_view tensor) const;  // nullptr when there is none
};

// The order in which tensors are gone through, which rules that count depend on.
enum class TensorOrder {
    kByLayer,  // by layer, then by name, as llama-quantize does
    kAsInFile  // by shard, then by offset, as llama-quantize --keep-split does
};

// Throws for a rule that matches nothing (unless it is optional), with the nearest role; for a row
// length that neither the type nor its fallback can hold.
Resolution resolve(const ModelHeader& model, const Recipe& recipe, bool importance,
                   TensorOrder order = TensorOrder::kByLayer);

// Throws, naming the first tensor, when a type needs importance and the resolution has none.
// `hint`: how it can be given.
void require_importance(const Resolution& resolution, const std::string& hint);

// --- other tools' rules --------------------------------------------------------------------------

// A recipe of llama-quantize's --tensor-type-file over the preset `base`: white space separates
// REGEX=TYPE, the regex is lower-cased as llama.cpp does, found anywhere, the first match wins.
// There are no comments.
Recipe read_tensor_type_file(const std::filesystem::path& path, const std::string& base);

// The same of ik_llama.cpp's --custom-q: commas separate, letter case stays, and a tensor that a
// rule takes still counts in the mixture. Lines that begin with # and line breaks are taken as the
// published scripts write them. `base` may also be a type that only ik_llama.cpp has: all that no
// rule takes gets that. Resolution notes what falls to the base: ik_llama.cpp's own mixtures are
// not known here.
Recipe read_custom_q(const std::filesystem::path& path, const std::string& base);

// Every tensor that is quantized, by its whole name, so that neither tool's own mixture has a say.
// They refuse types that the tool does not have.
std::string tensor_type_file(const Resolution& resolution);
std::string custom_q(const Resolution& resolution);

// --- the recipe of a file ------------------------------------------------------------------------

struct PresetDistance {
    std::string name;
    bool importance = false;  // resolved as if it had been there
    uint64_t tensors = 0;     // that differ
    uint64_t differing = 0;   // bytes of those in the file
};

struct ExtractedRecipe {
    Recipe recipe;  // reproduces every tensor's type; extends a preset where that is shorter
    bool importance = false;  // the recipe is to be resolved as if there was an importance matrix
    std::vector<PresetDistance> presets;  // nearest first; the first equals it where tensors == 0
};

// `any_importance`: the recipe gives these types with an importance matrix as well as without, also
// where it extends a mixture that heeds it.
ExtractedRecipe extract_recipe(const ModelHeader& model, bool any_importance = false);

// The recipe that gives the model's tensors these types (tensor -> type), with importance or
// without, as short as it can be said; tensors that are absent stay.
Recipe recipe_of_types(const ModelHeader& model, const std::map<std::string, std::string>& types,
                       const std::string& name);

// general.file_type of what a recipe makes: its own, else that of the type with the most bytes, by
// the names that llama.cpp's loader guesses (q4_K: Q4_K_M).
int64_t file_type_of(const Recipe& recipe, const Resolution& resolution);
int64_t file_type_of_bytes(const std::map<std::string, uint64_t>& type_bytes);

}  // namespace bitgauge
