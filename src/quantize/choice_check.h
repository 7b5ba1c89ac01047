#pragma once

// Whether the chosen types can be made from an original at all.

#include <map>
#include <string>

#include "bitgauge/gguf.h"
#include "bitgauge/quantize.h"

namespace bitgauge {

// ggml's number of each tensor's type.
using TypeOfTensor = std::map<std::string, int>;

// The choices by name. Throws Error(kInput): a tensor without a choice, with two, or a choice for
// no tensor; a type that nobody can encode, that needs whole blocks where a row has none, or that
// is made from fewer bits than it has (see QuantizeJob::allow_requantize).
TypeOfTensor check_choices(const GgufFile& original, const QuantizeJob& job);

// Of the tensors whose type changes, in the original's order.
std::vector<std::string> encoded_tensors(const GgufFile& original, const TypeOfTensor& types);

}  // namespace bitgauge
