#pragma once

// The key-values of a quantized file: the original's, what llama-quantize sets, and where the file
// comes from ("bitgauge.*", docs/formats/quantized.md).

#include <string>

#include "bitgauge/gguf.h"
#include "bitgauge/quantize.h"

#include "gguf/writer.h"

namespace bitgauge {

// Keys of the first file. `original_hash`: ModelIdentity::content_hash of the original.
void set_model_keys(GgufWriter& writer, const GgufFile& original, const QuantizeJob& job,
                    const Importance* importance, const std::string& original_hash);

}  // namespace bitgauge
