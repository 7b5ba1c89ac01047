#pragma once

// Writes a GGUF file that is complete or absent: key-values, tensor table, then the tensors' bytes
// one after the other, each asked for when its turn comes.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bitgauge/gguf.h"

struct gguf_context;

namespace bitgauge {

// The file that a writer makes.
struct GgufLayout {
    std::vector<std::byte> header;         // what stands before the tensors' bytes, padded
    std::vector<uint64_t> tensor_offsets;  // from the beginning of the file, in the table's order
    uint64_t file_bytes = 0;
};

// Call set_*() and add_tensor() in any order, then write(); a key set twice keeps the last value.
// The keys come out in the order of their last set_*(). Thread-compatible. Throws Error(kInput) for
// a tensor name that is empty, too long (64 bytes and more) or taken, a shape the type cannot have
// (rows must be whole blocks), or bytes of another size than type and shape say.
class GgufWriter {
  public:
    // A tensor's bytes; called once, by write(). The view must live until the next such call.
    using Produce = std::function<std::span<const std::byte>()>;

    GgufWriter();
    ~GgufWriter();
    GgufWriter(GgufWriter&&) noexcept;
    GgufWriter& operator=(GgufWriter&&) noexcept;

    void set_text(const std::string& key, const std::string& value);  // ends at the first NUL
    void set_u32(const std::string& key, uint32_t value);
    void set_u64(const std::string& key, uint64_t value);
    void set_f32(const std::string& key, float value);
    void set_f64(const std::string& key, double value);
    void set_flag(const std::string& key, bool value);
    void set_texts(const std::string& key, std::span<const std::string> values);
    void set_array(const std::string& key, std::span<const int32_t> values);
    void set_array(const std::string& key, std::span<const uint32_t> values);
    void set_array(const std::string& key, std::span<const uint64_t> values);
    void set_array(const std::string& key, std::span<const float> values);
    void set_array(const std::string& key, std::span<const double> values);
    // Key-values of a shard of a split file; tools of llama.cpp expect these widths there.
    void set_u16(const std::string& key, uint16_t value);
    void set_i32(const std::string& key, int32_t value);

    // All key-values of a file's first shard, in its order, without general.alignment where that is
    // not what this writer uses (32).
    void copy_keys(const GgufFile& file);
    void remove_key(const std::string& key);  // nothing happens when it is absent
    // An array (of texts too) becomes its own entries at `picks`, in that order. Error(kInput) when
    // the key is no array or a pick lies behind its end.
    void pick_entries(const std::string& key, std::span<const uint32_t> picks);

    // `type_id`: ggml's number; `shape`: row length first, 1 to 4 dimensions.
    void add_tensor(const std::string& name, int type_id, std::span<const uint64_t> shape,
                    Produce produce);
    // The bytes must live until write().
    void add_tensor(const std::string& name, int type_id, std::span<const uint64_t> shape,
                    std::span<const std::byte> bytes);

    // The file will end with a checksum of all its bytes (gguf/checksum.h); after the last tensor.
    void end_with_checksum();

    // For whoever writes the tensors' bytes without write().
    GgufLayout layout() const;

    // Error(kEnvironment) when it cannot be written; then `path` is as it was before.
    void write(const std::filesystem::path& path);

  private:
    struct FreeContext {
        void operator()(gguf_context* context) const noexcept;
    };
    std::vector<std::byte> header() const;

    std::unique_ptr<gguf_context, FreeContext> context_;
    std::vector<Produce> producers_;  // one per tensor, in the order of the table
    bool checksum_ = false;           // one more tensor, the last
};

}  // namespace bitgauge
