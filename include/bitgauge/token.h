#pragma once

// Tokens are numbers everywhere outside the tokenizer.

#include <cstdint>

namespace bitgauge {

using TokenId = int32_t;

}  // namespace bitgauge
