#pragma once

// Whether a rule matches a tensor; private to this room.

#include <map>
#include <optional>
#include <regex>
#include <string>
#include <vector>

#include "bitgauge/recipe.h"

namespace bitgauge {

// * any characters, ? any one, [ab] one of them: fnmatch(3) over the whole text.
bool matches_pattern(const std::string& pattern, const std::string& text);
bool matches_any(const std::vector<std::string>& patterns, const std::string& text);

// ECMAScript's grammar without back-references, in time linear in what it is searched in. Throws
// std::regex_error.
std::regex compiled_regex(const std::string& text);

// What rules ask of a tensor.
struct TensorFacts {
    const TensorInfo* info = nullptr;
    std::string role;
    std::optional<int64_t> layer;  // of "blk.N." wherever it stands
    const Rule* never = nullptr;   // why it is never quantized (never.h)
};

// `never` is left out.
TensorFacts facts_of(const TensorInfo& tensor);

// How many tensors of each set came before, and how many there are in all.
struct SetCounts {
    std::map<std::string, int64_t> before;
    std::map<std::string, int64_t> all;
};

// A rule made ready for many tensors of one model. Keeps references to both.
class RuleMatcher {
  public:
    // `sets`: those of the rule's recipe. `row_block`: weights of a block of the default type.
    // Requires that every set the rule names is there.
    RuleMatcher(const Rule& rule, const std::map<std::string, std::vector<std::string>>& sets,
                const ModelHeader& model, bool importance, uint32_t row_block);

    const Rule& rule() const { return *rule_; }
    // The model's conditions hold: it can match at all.
    bool applies() const { return applies_; }
    bool matches(const TensorFacts& tensor, const SetCounts& counts) const;
    // It would with some count.
    bool could_match(const TensorFacts& tensor) const;
    // It depends on what came before.
    bool counts() const;

  private:
    bool names_match(const TensorFacts& tensor) const;
    bool shape_matches(const TensorFacts& tensor) const;
    bool layer_matches(const TensorFacts& tensor, const SetCounts& counts) const;

    const Rule* rule_;
    const ModelHeader* model_;
    uint32_t row_block_;
    bool applies_;
    std::vector<std::string> set_patterns_;
    std::vector<std::regex> regexes_;
};

}  // namespace bitgauge
