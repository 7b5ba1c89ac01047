#pragma once

// How fast this machine multiplies with each type, as 'bitgauge bench --types --json' wrote it, and
// what that makes of a model's tensors.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "bitgauge/cost.h"
#include "bitgauge/gguf.h"

#include "base/json.h"

namespace bitgauge {

struct TypeSpeeds {
    // Products of one token.
    struct Product {
        std::string type;
        double weights = 0;  // of the matrix
        double seconds_per_weight = 0;
    };
    std::string file;  // that they were read from
    std::string cpu;
    uint64_t threads = 0;
    std::vector<Product> products;
};

// Error(kInput): no such file, another schema, or nothing in it that is a speed.
TypeSpeeds read_type_speeds(const std::filesystem::path& path);

// Of every tensor in every type that was timed: weights touched by one token times seconds per
// weight, by the timed matrix whose size is nearest to the tensor's (one expert's).
MixSeconds mix_seconds(const GgufFile& model, const TypeSpeeds& speeds);

// Of a plan.
struct PlanSpeed {
    const TypeSpeeds& speeds;
    double seconds = 0;                  // per token; NaN where a type of the plan was not timed
    std::optional<double> most_seconds;  // that were allowed
};

std::string speed_text(const PlanSpeed& speed);
Json speed_json(const PlanSpeed& speed);

// "81.2 tokens/s".
std::string tokens_per_second_text(double seconds_per_token);

}  // namespace bitgauge
