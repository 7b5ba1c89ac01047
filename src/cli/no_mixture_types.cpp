// Chosen by CMake in place of mixture_types.cpp when BITGAUGE_ENGINE is off.

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "cli/type_choices.h"

namespace bitgauge {

TypeChoices mixture_types(const GgufFile&, const RecipeRequest& request) {
    throw Error(ErrorKind::kInput,
                fmt::format("'{}' is no GGUF file, and this build knows no mixtures by name",
                            request.recipe),
                "name a quantized GGUF file of the same model; its types are taken");
}

}  // namespace bitgauge
