#pragma once

// The GGUF files this room keeps its arrays in: a schema, an identity, one-dimensional or
// two-dimensional tensors, and a checksum over all of it. A file that is there is complete, and a
// damaged one is never read.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bitgauge/gguf.h"

#include "gguf/data.h"
#include "gguf/writer.h"

namespace bitgauge {

// Collects arrays and writes them at once. Spans must live until write().
class ShardWriter {
  public:
    // `identity`: what the arrays belong to; a reader that expects another refuses them.
    explicit ShardWriter(const std::string& schema, const std::string& identity = {});

    GgufWriter& writer() { return writer_; }
    void add_integers(const std::string& name, std::span<const int32_t> values);
    void add_doubles(const std::string& name, std::span<const double> values);
    void add_bytes(const std::string& name, int type_id, std::span<const uint64_t> shape,
                   std::span<const std::byte> bytes);
    void write(const std::filesystem::path& path);

  private:
    GgufWriter writer_;
};

// Maps such a file. Error(kInput) when it is not one, damaged, or of another schema.
class ShardReader {
  public:
    explicit ShardReader(const std::filesystem::path& path, const std::string& schema);

    const GgufFile& header() const { return *header_; }
    std::string identity() const;
    std::span<const std::byte> bytes(const std::string& name) const;
    template <class T>
    std::span<const T> values(const std::string& name) const {
        const auto raw = bytes(name);
        return {reinterpret_cast<const T*>(raw.data()), raw.size() / sizeof(T)};
    }
    [[noreturn]] void fail(const std::string& why) const;

  private:
    std::filesystem::path path_;
    std::unique_ptr<GgufFile> header_;
    std::unique_ptr<GgufData> data_;
};

// Whether `path` is there, whole, of this schema and identity; a file of another identity is as
// good as none.
bool shard_is_good(const std::filesystem::path& path, const std::string& schema,
                   const std::string& identity);

}  // namespace bitgauge
