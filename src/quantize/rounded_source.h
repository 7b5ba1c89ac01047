#pragma once

// Tensors that were rounded beforehand, a file each: their bytes are taken in place of the
// encoder's.

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "bitgauge/gguf.h"

#include "base/positioned_file.h"

#include "quantize/choice_check.h"

namespace bitgauge {

struct RoundedSource {
    std::unique_ptr<PositionedReader> reader;
    uint64_t offset = 0;  // of the tensor's bytes in its file
};
using RoundedSources = std::map<std::string, RoundedSource>;  // by the tensor's name

// Of those tensors of `original` that get another type; none where `folder` is empty. Error(kInput)
// for one of another type or shape than is asked for.
RoundedSources open_rounded(const std::filesystem::path& folder, const GgufFile& original,
                            const TypeOfTensor& types);

}  // namespace bitgauge
