#pragma once

// Hashes of what ggml 0.25.3 wrote for fixed rows. encode_iq_reference_test.cpp checks them against
// ggml itself and prints new ones where they differ.

#include <optional>
#include <string>

#include "qtype/encode_iq_testing.h"

namespace bitgauge {

using IqEncode = std::optional<IqBytes> (*)(const IqCase&);

// Of all bytes that `encode` makes of the golden cases, one after another.
std::string hash_of_golden_cases(int type, IqEncode encode);
std::string golden_hash(int type);

}  // namespace bitgauge
