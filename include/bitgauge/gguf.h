#pragma once

// A GGUF file's header: key-values, tensor table, shards. Reads no tensor data. Writing: see
// gguf/writer.h in the sources.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "bitgauge/identity.h"

namespace bitgauge {

struct TensorInfo {
    std::string name;
    std::string type;             // ggml's name: "q4_K"
    int type_id = 0;              // ggml's number
    std::vector<uint64_t> shape;  // ne[0] first (row length), trailing ones dropped
    uint64_t bytes = 0;
    uint64_t offset = 0;  // from the beginning of its shard
    uint32_t shard = 0;   // index into GgufFile::shards

    uint64_t elements() const;
};

// One value of the header as text ("true", "12", "qwen35moe"); arrays are summarised
// ("[4096 strings]") unless asked for by name.
struct KeyValue {
    std::string key;
    std::string type;
    std::string value;
};

// The header of a model, all shards taken together. Thread-safe once built.
class GgufFile {
  public:
    // Reads `path`; when it is the first of a split (…-00001-of-00003.gguf) also its other shards,
    // which must lie beside it. Throws Error(kInput): not a GGUF, truncated (header or tensor
    // data), a shard missing or out of place, duplicate tensors, more tensors than fit the file.
    static GgufFile open(const std::filesystem::path& path);

    // The same, but tensor data may be missing, as in the first megabytes of a file that somebody
    // else has. Where it is, has_data() is false.
    static GgufFile open_header(const std::filesystem::path& path);
    bool has_data() const { return has_data_; }

    const std::vector<std::filesystem::path>& shards() const { return shards_; }
    const std::vector<TensorInfo>& tensors() const { return tensors_; }
    const std::vector<KeyValue>& keys() const { return keys_; }
    uint32_t version() const { return version_; }

    const TensorInfo* find_tensor(const std::string& name) const;  // nullptr when absent
    std::optional<std::string> text(const std::string& key) const;
    std::optional<int64_t> integer(const std::string& key) const;
    std::optional<double> number(const std::string& key) const;  // integers and floats
    std::optional<bool> flag(const std::string& key) const;

    std::string architecture() const;                    // general.architecture; "" when absent
    uint64_t file_bytes() const { return file_bytes_; }  // all shards
    uint64_t tensor_bytes() const;
    uint64_t parameters() const;
    // Number of tokenizer.ggml.tokens; 0 when absent.
    uint64_t vocabulary() const { return vocabulary_; }
    // Over the tokenizer's kind, tokens, types, merges, scores, BOS and white-space rules: two
    // files with equal hashes turn every text into the same tokens. Ids that matter for generation
    // alone (end, padding) are left out. "" for a file without a tokenizer.
    const std::string& tokenizer_hash() const { return tokenizer_hash_; }
    // Over all tensors' names and shapes (not types): candidates of one original share it.
    std::string shape_hash() const;

  private:
    static GgufFile read(const std::filesystem::path& path, bool header_only);
    const KeyValue* find_key(const std::string& key) const;

    std::vector<std::filesystem::path> shards_;
    std::vector<TensorInfo> tensors_;
    std::vector<KeyValue> keys_;
    uint32_t version_ = 0;
    uint64_t file_bytes_ = 0;
    uint64_t vocabulary_ = 0;
    bool has_data_ = true;
    std::string tokenizer_hash_;
};

// What a record says of a model. Reads every byte of the file once for the content hash when
// `with_hash`; a split model's is the hash over its shards' hashes.
//
// Publisher: general.quantized_by, else a known publisher's mark in the file name, else "".
// Label: the last quantization label in the file name ("UD-Q4_K_XL", "IQ3_S-2.66bpw"), else the
// name of general.file_type.
ModelIdentity identify_model(const GgufFile& file, bool with_hash);

// "Q4_K_M" for general.file_type 15; "file type 99" for one this build does not know.
std::string file_type_name(int64_t file_type);

// What a tensor does, from its name: "blk.3.ffn_down_exps.weight" -> "ffn_down_exps"; other endings
// stay: "blk.3.ssm_dt.bias" -> "ssm_dt.bias".
std::string tensor_role(const std::string& tensor_name);

}  // namespace bitgauge
