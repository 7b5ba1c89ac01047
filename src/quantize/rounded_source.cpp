#include "quantize/rounded_source.h"

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"

#include "gguf/tensor_file.h"

namespace bitgauge {
namespace {

void require_same(const TensorInfo& rounded, const TensorInfo& original, int type_id) {
    if (rounded.type_id == type_id && rounded.shape == original.shape) return;
    throw Error(
        ErrorKind::kInput,
        fmt::format("'{}' was rounded as {} with rows of {}, {} with rows of {} is asked for",
                    original.name, rounded.type, rounded.shape[0], type_by_id(type_id)->name,
                    original.shape[0]),
        "round it again for this recipe");
}

}  // namespace

RoundedSources open_rounded(const std::filesystem::path& folder, const GgufFile& original,
                            const TypeOfTensor& types) {
    RoundedSources sources;
    if (folder.empty()) return sources;
    for (const std::string& name : encoded_tensors(original, types)) {
        const auto file = open_tensor_file(folder, name);
        if (!file) continue;
        const TensorInfo& tensor = file->tensors().front();
        require_same(tensor, *original.find_tensor(name), types.at(name));
        sources.emplace(name,
                        RoundedSource{std::make_unique<PositionedReader>(file->shards().front()),
                                      tensor.offset});
    }
    return sources;
}

}  // namespace bitgauge
