#include "eval/group_moments.h"

#include <algorithm>

#include <fmt/format.h>
#include <oneapi/tbb/parallel_for.h>

#include "bitgauge/error.h"

namespace bitgauge {
namespace {

// The row that `expert` got of this token; empty where it got none.
std::span<const float> row_of_expert(const ProductRows& rows, size_t token, int32_t expert) {
    if (rows.slots == 1) return rows.row(token, 0);
    for (size_t choice = 0; choice < rows.choices; ++choice) {
        if (rows.expert(token, choice) == expert) return rows.row(token, choice % rows.slots);
    }
    return {};
}

void append(std::vector<float>& rows, std::span<const float> row) {
    rows.insert(rows.end(), row.begin(), row.end());
}

void require_same_call(const ProductRows& quantized, const ProductRows& original) {
    if (quantized.width == original.width && quantized.tokens == original.tokens) return;
    throw Error(ErrorKind::kInput,
                fmt::format("one call of the original had {} inputs of {} channels, the same of "
                            "the quantized model {} of {}",
                            original.tokens, original.width, quantized.tokens, quantized.width),
                "please report this with the model's architecture");
}

void add_rows(SplitMoments& moments, std::span<const float> quantized,
              std::span<const float> original, bool for_check) {
    (for_check ? moments.check : moments.fit).add(quantized, original);
    if (for_check) moments.original.add(original, {});
}

}  // namespace

InputMoments SplitMoments::all() const {
    InputMoments all = fit;
    all.merge(check);
    return all;
}

GroupMoments::GroupMoments(const InputGroup& group, size_t first, size_t last)
    : routed_(group.experts > 0), first_(first), experts_(last - first) {
    for (SplitMoments& moments : experts_) {
        moments.fit.width = group.width;
        moments.check.width = group.width;
        moments.original.width = group.width;
    }
}

void GroupMoments::add(const ProductRows& quantized, const ProductRows& original, bool for_check) {
    require_same_call(quantized, original);
    if (!routed_) {
        SplitMoments& moments = experts_.front();
        add_rows(moments, quantized.values, original.values, for_check);
        return;
    }
    tbb::parallel_for(size_t{0}, experts_.size(),
                      [&](size_t i) { add_expert(i, quantized, original, for_check); });
}

void GroupMoments::add_expert(size_t index, const ProductRows& quantized,
                              const ProductRows& original, bool for_check) {
    const auto expert = static_cast<int32_t>(first_ + index);
    std::vector<float> ours, theirs;
    for (size_t token = 0; token < quantized.tokens; ++token) {
        for (size_t choice = 0; choice < quantized.choices; ++choice) {
            if (quantized.expert(token, choice) != expert) continue;
            const auto row = quantized.row(token, choice % quantized.slots);
            const auto same = row_of_expert(original, token, expert);
            append(ours, row);
            append(theirs, same.empty() ? row : same);
        }
    }
    if (ours.empty()) return;
    add_rows(experts_[index], ours, theirs, for_check);
}

InputMoments GroupMoments::pooled() const {
    InputMoments pooled = experts_.front().fit;
    for (size_t i = 1; i < experts_.size(); ++i) pooled.merge(experts_[i].fit);
    return pooled;
}

}  // namespace bitgauge
