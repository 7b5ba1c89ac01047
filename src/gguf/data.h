#pragma once

// What a GGUF file holds beside its header: the tensors' bytes and the key-values that are arrays.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "bitgauge/gguf.h"

#include "base/files.h"

struct gguf_context;

namespace bitgauge {

// Maps all shards of `file` for as long as it lives; bytes come from the disk when touched.
// Thread-safe. Throws Error(kInput) when a shard cannot be read or has become shorter than its
// header promises since `file` was opened.
class GgufData {
  public:
    explicit GgufData(const GgufFile& file);

    // `tensor` is one of the file's tensors().
    std::span<const std::byte> tensor_bytes(const TensorInfo& tensor) const;
    // By name; Error(kInput) when there is none.
    std::span<const std::byte> tensor_bytes(const std::string& name) const;
    // Pages of `size` bytes at `offset` of the tensor may leave memory; they are read again when
    // touched.
    void forget(const TensorInfo& tensor, size_t offset, size_t size) const;

  private:
    GgufFile file_;
    std::vector<MappedFile> shards_;
};

// Arrays among the key-values of a file's first shard, whose header is read once. Thread-safe.
// Nothing when the key is absent or no array of that kind. Integers of all widths (u64 beyond
// int64_t wraps); flags are 0 and 1.
class GgufArrays {
  public:
    explicit GgufArrays(const GgufFile& file);

    std::optional<std::vector<std::string>> texts(const std::string& key) const;
    std::optional<std::vector<int64_t>> integers(const std::string& key) const;
    std::optional<std::vector<double>> numbers(const std::string& key) const;
    // Every array with its number of entries, in the header's order.
    std::vector<std::pair<std::string, uint64_t>> lengths() const;

  private:
    std::shared_ptr<const gguf_context> header_;
};

// One array of a file; each call reads the header anew.
std::optional<std::vector<std::string>> read_texts(const GgufFile& file, const std::string& key);
std::optional<std::vector<int64_t>> read_integers(const GgufFile& file, const std::string& key);
std::optional<std::vector<double>> read_numbers(const GgufFile& file, const std::string& key);

}  // namespace bitgauge
