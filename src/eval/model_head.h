#pragma once

// The last matrix of a model file, ready to multiply: found by name, mapped, with what follows it.

#include <filesystem>
#include <memory>
#include <string>

#include "bitgauge/gguf.h"

#include "engine/head.h"
#include "gguf/data.h"

namespace bitgauge {

// "output.weight", or "token_embd.weight" where the two are one (or the file has neither).
std::string head_name(const GgufFile& file);

// How a head's product is read.
struct HeadReading {
    double scale = 1;
    double softcap = 0;
    bool single_precision = false;  // as EngineOptions has it
};

// A head with the mapped file it lies in. Moves; thread-safe for reading.
class ModelHead {
  public:
    // The file's head_name(), with the bias "output.bias" where there is one. Error(kInput) when
    // it is no matrix.
    explicit ModelHead(const std::filesystem::path& model, const HeadReading& reading = {});

    const Head& head() const { return *head_; }
    const TensorInfo& tensor() const { return *tensor_; }
    std::span<const std::byte> bytes() const { return data_->tensor_bytes(*tensor_); }
    bool tied() const { return tensor_->name != "output.weight"; }
    // What the model's header says of a softcap on logits; 0 for none.
    double stated_softcap() const;
    // The same head with another scale and softcap.
    void set_transform(double scale, double softcap);

  private:
    std::unique_ptr<GgufFile> file_;
    std::unique_ptr<GgufData> data_;
    const TensorInfo* tensor_ = nullptr;
    bool single_precision_;
    std::unique_ptr<Head> head_;
};

// Copies the head out of a model into a small file that ModelHead opens again.
constexpr const char* kHeadSchema = "bitgauge.head/1";
void write_head_file(const std::filesystem::path& model, const std::filesystem::path& out,
                     const std::string& identity);

}  // namespace bitgauge
