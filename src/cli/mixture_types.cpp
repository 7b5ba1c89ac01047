#include <cctype>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"

#include "cli/type_choices.h"
#include "engine/type_choice_libllama.h"

namespace bitgauge {
namespace {

constexpr int64_t kLastFileType = 64;

int64_t file_type_number(std::string name) {
    for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    for (int64_t number = 0; number < kLastFileType; ++number) {
        if (file_type_name(number) == name) return number;
    }
    return 0;
}

int type_number(const std::string& tensor, const std::string& type) {
    const QType* known = find_type(type);
    if (known != nullptr) return known->id;
    throw Error(ErrorKind::kInput,
                fmt::format("libllama chose type '{}' for '{}', which is not known", type, tensor));
}

}  // namespace

TypeChoices mixture_types(const GgufFile& original, const RecipeRequest& request) {
    TypeChoices choices{.file_type = file_type_number(request.recipe),
                        .recipe = request.recipe + (request.pure ? " (pure)" : "")};
    const auto types =
        libllama_types(original.shards().front(), {.file_type = request.recipe,
                                                   .pure = request.pure,
                                                   .keep_split = request.keep_split,
                                                   .with_importance = request.with_importance});
    for (const auto& [tensor, type] : types) {
        choices.tensors.push_back({tensor, type_number(tensor, type), "libllama's mixture"});
    }
    return choices;
}

}  // namespace bitgauge
