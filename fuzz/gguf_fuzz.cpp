// GGUF headers from arbitrary bytes: read or refused with Error, never anything else; what is read
// lies within the file. A good seed is any vocabulary file.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>

#include "bitgauge/error.h"
#include "bitgauge/gguf.h"

#include "gguf/data.h"

#include "memory_file.h"

namespace {

void check(const bitgauge::GgufFile& file, size_t size) {
    const bitgauge::GgufData data(file);
    for (const bitgauge::TensorInfo& tensor : file.tensors()) {
        require(tensor.offset + tensor.bytes <= size);
        require(data.tensor_bytes(tensor).size() == tensor.bytes);
    }
    for (const bitgauge::KeyValue& key : file.keys()) {
        file.number(key.key);
        bitgauge::read_numbers(file, key.key);
        bitgauge::read_texts(file, key.key);
    }
    bitgauge::identify_model(file, false);
    require(!file.shape_hash().empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const MemoryFile file({reinterpret_cast<const char*>(data), size});
    try {
        check(bitgauge::GgufFile::open(file.path()), size);
    } catch (const bitgauge::Error&) {
        return 0;  // refused in words
    }
    return 0;
}
