#pragma once

// Original + one type per tensor + importance -> a quantized GGUF file: the bytes that
// llama-quantize writes, streamed row by row, complete or absent, and going on where a killed run
// was stopped.
//
// Goals: tensor data bit-identical to llama-quantize's for the same types and importance; the same
// key-values and order of tensors, and keys "bitgauge.*" that say where the file comes from.
// Non-goals: choosing types (recipe.h), pruning layers, overriding key-values.

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bitgauge/importance.h"
#include "bitgauge/progress.h"

namespace bitgauge {

struct TensorChoice {
    std::string name;
    int type_id = 0;  // ggml's number; the tensor's own type: its bytes are copied
};

// What a recipe says about one model.
struct TypeChoices {
    std::vector<TensorChoice> tensors;  // each tensor of the original once, in any order
    int64_t file_type = 0;              // becomes general.file_type
    std::string recipe;                 // its text, kept in the file
};

// A tensor with NaN, infinity, or values that the scales of its type cannot hold.
enum class BadValues {
    kAbort,  // Error(kNotFinite) that names all of them, before anything is written
    kKeep,   // it stays as it is in the original, with a warning
};

// A tensor that is encoded and that the importance file says nothing about. The types that are
// useless without importance (IQ1, IQ2, IQ3_XXS; Q2_K in Q2_K_S) abort either way.
enum class MissingImportance {
    kPlain,  // encoded without, with a warning
    kAbort,  // Error(kInput), unless only token_embd and output are missing, as they always are
};

struct QuantizeJob {
    std::filesystem::path original;  // of a split model: its first shard
    std::filesystem::path out;       // of a split one: "x.gguf" gives "x-00001-of-00003.gguf"
    TypeChoices choices;
    std::optional<std::filesystem::path> importance;
    // Folder of tensors that were rounded with error feedback (feedback.h): their bytes are taken.
    std::filesystem::path rounded;

    bool keep_split = false;       // as many shards as the original has, the same tensors in each
    uint64_t split_max_bytes = 0;  // of tensor data per shard; 0: one file
    // Also from originals that are quantized already (other than Q8_0 to fewer bits).
    bool allow_requantize = false;
    BadValues on_bad = BadValues::kAbort;
    MissingImportance on_missing = MissingImportance::kPlain;
    UnseenExperts on_unseen = UnseenExperts::kPlain;
    uint32_t threads = 0;  // 0: one per core
    // Further keys of the file that say where it comes from: "bitgauge.*", text.
    std::map<std::string, std::string> notes;
};

struct FileSize {
    std::filesystem::path path;
    uint64_t bytes = 0;
};

// All tensors that do the same: "ffn_down_exps".
struct RoleSize {
    uint64_t tensors = 0;
    uint64_t weights = 0;
    uint64_t original_bytes = 0;
    uint64_t bytes = 0;
    std::map<std::string, uint64_t> type_tensors;  // ggml's name -> number of tensors
};

struct QuantizePreview {
    std::vector<FileSize> files;  // to the byte
    uint64_t bytes = 0;           // of all files
    uint64_t tensor_bytes = 0;
    uint64_t weights = 0;
    std::map<std::string, RoleSize> roles;
};

struct QuantizeOutcome {
    std::vector<FileSize> files;
    uint64_t bytes = 0;
    uint64_t tensors = 0;
    uint64_t resumed = 0;           // of them taken from a run that was stopped
    std::vector<std::string> kept;  // stayed as they were for their values (BadValues::kKeep)
};

// Sizes without reading tensor data or writing anything. Throws as quantize_model() does for
// everything that headers and the importance file tell, and warns as it does.
QuantizePreview preview_quantization(const QuantizeJob& job, Progress& progress);

// Writes the file or files. Memory: rows in flight (a few MiB per thread) and the importance of the
// tensors in work. Interrupted (Error(kInterrupted)) or killed it leaves `<file>.part` and
// `<file>.part.journal`, from which the same call goes on; after any other Error nothing is left.
// Thread-compatible; one process at a time per output.
//
// Error(kInput): choices that do not fit the model, importance of another model, an original that
// is quantized already, `out` being the original, an original that changes meanwhile.
// Error(kNotFinite): see BadValues. Error(kEnvironment): cannot be written.
QuantizeOutcome quantize_model(const QuantizeJob& job, Progress& progress);

}  // namespace bitgauge
