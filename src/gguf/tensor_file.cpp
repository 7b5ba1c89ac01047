#include "gguf/tensor_file.h"

#include "bitgauge/error.h"

#include "base/positioned_file.h"
#include "gguf/writer.h"

namespace bitgauge {
namespace fs = std::filesystem;

fs::path tensor_file_path(const fs::path& folder, const std::string& tensor) {
    return folder / (tensor + ".gguf");
}

void write_tensor_file(const fs::path& folder, const std::string& tensor, int type_id,
                       std::span<const uint64_t> shape, std::span<const std::byte> bytes,
                       const TensorNotes& notes) {
    GgufWriter writer;
    for (const auto& [key, text] : notes) writer.set_text(key, text);
    writer.add_tensor(tensor, type_id, shape, bytes);
    writer.write(tensor_file_path(folder, tensor));
}

std::optional<GgufFile> open_tensor_file(const fs::path& folder, const std::string& tensor) {
    const fs::path path = tensor_file_path(folder, tensor);
    if (!fs::exists(path)) return std::nullopt;
    try {
        GgufFile file = GgufFile::open(path);
        if (file.tensors().size() == 1 && file.tensors().front().name == tensor) return file;
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::kInput) throw;
    }
    return std::nullopt;
}

std::vector<std::byte> tensor_file_bytes(const GgufFile& file) {
    const TensorInfo& tensor = file.tensors().front();
    std::vector<std::byte> bytes(tensor.bytes);
    PositionedReader(file.shards().front()).read(tensor.offset, bytes);
    return bytes;
}

}  // namespace bitgauge
