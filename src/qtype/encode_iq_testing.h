#pragma once

// Rows that the encoders of IQ1, IQ2 and IQ3 are tested with, and what they make of them.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "qtype/encode_testing.h"

namespace bitgauge {

using IqBytes = std::vector<std::byte>;

struct IqCase {
    int type = 0;  // ggml's number
    std::vector<float> weights;
    size_t row_weights = 0;
    std::vector<float> importance;  // empty: none
    std::string name;

    size_t rows() const { return weights.size() / row_weights; }
    size_t bytes() const;
    const float* importance_or_null() const {
        return importance.empty() ? nullptr : importance.data();
    }
};

std::vector<int> iq_types();
// Name for a test: "iq3_s".
std::string iq_name(int type);

// What importance the type can be encoded with; without damaged ones.
std::vector<Importance> iq_importances(int type);

IqCase iq_case(int type, Pattern pattern, Importance importance, size_t rows, size_t row_weights);

// Every pattern of ordinary size with every importance; ggml takes them all.
std::vector<IqCase> ordinary_iq_cases(int type, size_t rows, size_t row_weights);

// nullopt where the encoder throws Error(kNotFinite).
std::optional<IqBytes> encoded(const IqCase& c);

// "" when equal.
std::string first_iq_difference(const IqCase& c, const IqBytes& ours, const IqBytes& reference);

// Makes Highway choose one target until the end of the scope.
class OneTarget {
  public:
    explicit OneTarget(int64_t bit) { choose(bit); }
    ~OneTarget() { choose(0); }
    OneTarget(const OneTarget&) = delete;
    OneTarget& operator=(const OneTarget&) = delete;

  private:
    static void choose(int64_t bit);
};

// Bits of the targets that are compiled and that this machine runs.
std::vector<int64_t> iq_targets();

}  // namespace bitgauge
