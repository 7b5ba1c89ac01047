#pragma once

// Key-values of a GGUF header as text; private to this room.

#include <string>
#include <vector>

#include "bitgauge/gguf.h"

#include "gguf/gguf_handle.h"

namespace bitgauge {

std::vector<KeyValue> read_key_values(const gguf_context* header);

uint64_t read_vocabulary(const gguf_context* header);

// "" for a file without a tokenizer. See GgufFile::tokenizer_hash().
std::string read_tokenizer_hash(const gguf_context* header);

}  // namespace bitgauge
