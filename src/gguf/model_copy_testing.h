#pragma once

// A model file with something changed: what tests of heads and of refusals are made from.

#include <cstddef>
#include <filesystem>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bitgauge/gguf.h"

#include "gguf/data.h"

struct gguf_context;

namespace bitgauge {

// Everything of `original` (one file) until changed; write() may be called once or more often.
class ModelCopy {
  public:
    explicit ModelCopy(const std::filesystem::path& original);
    ~ModelCopy();
    ModelCopy(const ModelCopy&) = delete;
    ModelCopy& operator=(const ModelCopy&) = delete;

    // Also renames the keys that begin with the old architecture's name (numbers and flags).
    void set_architecture(const std::string& name);
    void set_text(const std::string& key, const std::string& value);
    void set_u32(const std::string& key, uint32_t value);
    void set_f32(const std::string& key, float value);
    void set_flag(const std::string& key, bool value);
    void set_texts(const std::string& key, const std::vector<std::string>& values);

    void drop_tensor(const std::string& name);
    // In single precision, row length first; a tensor of that name is replaced.
    void put_tensor(const std::string& name, const std::vector<uint64_t>& shape,
                    std::vector<float> values);
    // A second tensor with the bytes of one that is there.
    void repeat_tensor(const std::string& name, const std::string& new_name);

    const GgufFile& original() const { return file_; }
    void write(const std::filesystem::path& path) const;

  private:
    struct Tensor {
        TensorInfo info;
        std::span<const std::byte> bytes;
    };

    Tensor& tensor(const std::string& name);

    GgufFile file_;
    GgufData data_;
    struct Free {
        void operator()(gguf_context* context) const noexcept;
    };
    std::unique_ptr<gguf_context, Free> keys_;
    std::vector<Tensor> tensors_;
    std::list<std::vector<float>> own_values_;
};

}  // namespace bitgauge
