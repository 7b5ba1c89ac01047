#pragma once

// Importance: how large the inputs of a matrix are, channel by channel, as llama-imatrix measures
// it. Read from both of its formats (GGUF, and the older one of "imatrix.dat"), and what it covers
// of a model.
//
// Unit: E[x^2], the mean square of an input channel over the tokens that reached the matrix. A
// tensor of experts has one set of channels and one count of tokens per expert.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bitgauge/gguf.h"

namespace bitgauge {

// What an expert gets that no token reached.
enum class UnseenExperts {
    kPlain,  // 1 for every channel, as llama-quantize does
    kMean,   // the mean over the experts that were reached
    kAbort,  // Error(kInput)
};

// NaN, infinity and negative values in a file.
enum class BadNumbers {
    kRefuse,  // Error(kNotFinite)
    kKeep,    // for an audit, which counts them
};

// Where importance comes from, as files made by bitgauge tell it; empty or 0 where a file does not.
struct ImportanceProvenance {
    struct Text {
        std::string path;
        std::string stratum;
        std::string content_hash;  // XXH3-128 of the file
        uint64_t documents = 0;
    };
    struct Stratum {
        std::string name;
        uint64_t documents = 0;  // that were read
        uint64_t windows = 0;
        uint64_t tokens = 0;
    };

    std::string bitgauge;    // version of the program that measured
    std::string llama;       // version and commit of llama.cpp
    std::string model;       // base name of the model's file
    std::string model_hash;  // its content hash
    std::string protocol;    // "documents" or "llama-perplexity"
    std::string pass;        // identity of all that decides the values, to go on with the same
    std::vector<Text> texts;
    std::vector<Stratum> strata;
};

// What is known of one tensor.
struct ImportanceEntry {
    std::string tensor;           // "blk.0.ffn_up.weight"
    uint64_t values = 0;          // input channels times matrices
    std::vector<int64_t> counts;  // tokens per matrix; older format: one number, of calls

    uint64_t unseen() const;  // counts of 0
};

// A file of importance. Values stay on the disk until asked for. Thread-safe once read.
class Importance {
  public:
    // Error(kInput): neither format, truncated, sums without counts, nothing in it, a checkpoint of
    // an unfinished pass;
    // Error(kNotFinite): NaN or infinity, or a negative value, with the tensor's name.
    static Importance read(const std::filesystem::path& path, BadNumbers bad = BadNumbers::kRefuse);

    ~Importance();
    Importance(Importance&&) noexcept;
    Importance& operator=(Importance&&) noexcept;

    const std::filesystem::path& path() const;
    bool is_gguf() const;                              // false: the older format
    const std::vector<std::string>& datasets() const;  // texts it was measured on, as written
    int64_t chunks() const;                            // 0 when the file does not say
    uint32_t chunk_size() const;                       // tokens; 0 when the file does not say
    const ImportanceProvenance& made() const;
    const std::string& content_hash() const;  // XXH3-128 of the file

    const std::vector<ImportanceEntry>& entries() const;           // in order of name
    const ImportanceEntry* find(const std::string& tensor) const;  // nullptr when absent

    // E[x^2] of each channel, matrix after matrix: exactly the numbers that llama-quantize
    // computes. `entry` is one of entries().
    std::vector<float> mean_squares(const ImportanceEntry& entry, UnseenExperts unseen) const;

    // As the file has them: sums; in the older format means times calls.
    std::vector<float> stored_values(const ImportanceEntry& entry) const;

  private:
    struct State;
    explicit Importance(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

// The values that an importance file has for a tensor: row length times matrices.
uint64_t input_channels(const TensorInfo& tensor);

// How much text reached a tensor. A row is a token, or for experts a token at one of its experts.
struct ImportanceCoverage {
    std::string tensor;
    std::vector<int64_t> rows;  // per expert; one number where the file has one for all
    int64_t all_rows = 0;
    // Rows after which an even routing would know the experts as well: with w = 1/rows of the
    // expert for each row, (sum w)^2 / sum w^2 [Kish 1965, Survey Sampling], over experts that were
    // reached; all_rows where routing is even or there is one count. Neighbouring tokens are taken
    // as independent, which they are not.
    double effective_rows = 0;
};

// What an importance file covers of a model.
struct ImportanceAudit {
    struct Mismatch {
        std::string tensor;
        uint64_t values = 0;    // in the file
        uint64_t channels = 0;  // of the tensor: row length times matrices
    };
    struct Unseen {
        std::string tensor;
        uint64_t experts = 0;  // without a token
        uint64_t of = 0;
    };

    std::vector<std::string> missing;          // asked for, not in the file
    std::vector<Mismatch> mismatched;          // there with another number of values
    std::vector<Unseen> unseen;                // experts that no token reached
    std::vector<std::string> strangers;        // in the file, not in the model
    std::vector<ImportanceCoverage> coverage;  // GGUF only: the older format counts no rows
};

// `tensors`: those of the model that will be encoded. Names come out in the order of `tensors`,
// strangers in the order of the file. Reads no values.
ImportanceAudit audit_importance(const Importance& importance, const GgufFile& model,
                                 const std::vector<std::string>& tensors);

struct RareExpert {
    std::string tensor;
    uint64_t expert = 0;  // from 0
    int64_t rows = 0;
    double share = 0;  // of the tensor's rows; an even routing gives 1 / experts
};

// Experts with fewer than `fewest` rows, in the order of `coverage`. Tensors with one count have
// none.
std::vector<RareExpert> rare_experts(const std::vector<ImportanceCoverage>& coverage,
                                     int64_t fewest);

// How unevenly a tensor's input channels carry E[x^2]: per matrix, averaged over the matrices that
// tokens reached. Channels that are not finite or negative are left out.
struct ImportanceEnergy {
    std::string tensor;
    std::string role;
    uint64_t channels = 0;
    double mean_square = 0;         // over the channels
    double top_share = 0;           // share of the largest hundredth of the channels (at least one)
    double effective_channels = 0;  // (sum e)^2 / sum e^2: 1 to `channels`; 0 without energy
    uint64_t silent = 0;            // channels of 0, in all matrices
};

// NaN, infinity or negative values of a tensor, wherever they stand; the first by place.
struct BadImportance {
    std::string tensor;
    uint64_t values = 0;
    uint64_t matrix = 0;
    uint64_t channel = 0;
    float value = 0;
};

struct ImportanceContents {
    std::vector<ImportanceEnergy>
        energy;                      // of tensors in the model, with the right number of values
    std::vector<BadImportance> bad;  // of any
};

// Reads every value once, one tensor at a time. `importance` may have been read with kKeep.
ImportanceContents inspect_contents(const Importance& importance, const GgufFile& model);

}  // namespace bitgauge
