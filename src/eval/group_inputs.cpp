#include "eval/group_inputs.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "bitgauge/error.h"

namespace bitgauge {
namespace {

constexpr size_t kPairsAtOnce = 1024;

void require_same_call(const ProductRows& quantized, const ProductRows& original) {
    if (quantized.width == original.width && quantized.tokens == original.tokens) return;
    throw Error(ErrorKind::kInput,
                fmt::format("one call of the original had {} inputs of {} channels, the same of "
                            "the quantized model {} of {}",
                            original.tokens, original.width, quantized.tokens, quantized.width),
                "please report this with the model's architecture");
}

// The row that `expert` got of this token; none where it got none.
std::optional<size_t> slot_of_expert(const ProductRows& rows, size_t token, int32_t expert) {
    if (rows.slots == 1) return 0;
    for (size_t choice = 0; choice < rows.choices; ++choice) {
        if (rows.expert(token, choice) == expert) return choice % rows.slots;
    }
    return std::nullopt;
}

}  // namespace

InputMoments SplitMoments::all() const {
    InputMoments all = fit;
    all.merge(check);
    return all;
}

// Rows of both models, which go into moments some at a time.
class GroupInputs::RowPairs {
  public:
    RowPairs(SplitMoments& moments, bool for_check, bool with_originals)
        : moments_(moments), for_check_(for_check), with_originals_(with_originals) {}
    ~RowPairs() = default;
    RowPairs(const RowPairs&) = delete;
    RowPairs& operator=(const RowPairs&) = delete;

    // Room for one more row of each; the second is empty without originals.
    std::pair<std::span<float>, std::span<float>> next() {
        if (ours_.size() == kPairsAtOnce * width()) flush();
        ours_.resize(ours_.size() + width());
        if (with_originals_) theirs_.resize(ours_.size());
        return {std::span(ours_).last(width()),
                with_originals_ ? std::span(theirs_).last(width()) : std::span<float>()};
    }

    void flush() {
        if (ours_.empty()) return;
        (for_check_ ? moments_.check : moments_.fit).add(ours_, theirs_);
        if (for_check_) moments_.original.add(with_originals_ ? theirs_ : ours_, {});
        ours_.clear();
        theirs_.clear();
    }

  private:
    size_t width() const { return moments_.fit.width; }

    SplitMoments& moments_;
    bool for_check_;
    bool with_originals_;
    std::vector<float> ours_, theirs_;
};

GroupInputs::GroupInputs(const InputGroup& group, const KeptRows* originals, std::string name,
                         const std::filesystem::path& path)
    : width_(group.width), originals_(originals), name_(std::move(name)), single_(group.width) {
    if (group.experts > 0) kept_ = std::make_unique<KeptRows>(path);
}

void GroupInputs::add(ProductRows quantized, bool for_check) {
    const size_t call = for_check_.size();
    if (originals_ != nullptr) require_same_call(quantized, originals_->shape(name_, call));
    for_check_.push_back(for_check);
    if (routed()) {
        kept_->add(name_, std::move(quantized));
        return;
    }
    InputMoments& moments = for_check ? single_.check : single_.fit;
    const ProductRows original = originals_ ? originals_->read(name_, call) : ProductRows{};
    moments.add(quantized.values, original.values);
    if (for_check) single_.original.add(originals_ ? original.values : quantized.values, {});
}

SplitMoments GroupInputs::take(size_t matrix) {
    if (!routed()) return std::exchange(single_, SplitMoments(width_));
    SplitMoments moments(width_);
    for (const bool for_check : {false, true}) {
        add_expert(static_cast<int32_t>(matrix), for_check, moments);
    }
    return moments;
}

void GroupInputs::add_expert(int32_t expert, bool for_check, SplitMoments& moments) const {
    RowPairs rows(moments, for_check, originals_ != nullptr);
    for (size_t call = 0; call < for_check_.size(); ++call) {
        if (for_check_[call] == for_check) add_rows(call, expert, rows);
    }
    rows.flush();
}

void GroupInputs::add_rows(size_t call, int32_t expert, RowPairs& rows) const {
    const ProductRows& quantized = kept_->shape(name_, call);
    for (size_t at = 0; at < quantized.experts.size(); ++at) {
        if (quantized.experts[at] != expert) continue;
        const size_t token = at / quantized.choices;
        const size_t slot = at % quantized.choices % quantized.slots;
        const auto [ours, theirs] = rows.next();
        kept_->read_row(name_, call, token, slot, ours);
        if (originals_ == nullptr) continue;
        const auto same = slot_of_expert(originals_->shape(name_, call), token, expert);
        if (same) {
            originals_->read_row(name_, call, token, *same, theirs);
        } else {
            std::copy(ours.begin(), ours.end(), theirs.begin());
        }
    }
}

// The original's rows beside each of the quantized model's.
std::vector<float> GroupInputs::beside(size_t call, const ProductRows& quantized) const {
    const ProductRows original = originals_->read(name_, call);
    std::vector<float> rows = quantized.values;
    for (size_t token = 0; token < quantized.tokens; ++token) {
        for (size_t slot = 0; slot < quantized.slots; ++slot) {
            const auto same = slot_of_expert(original, token, quantized.expert(token, slot));
            if (!same) continue;
            std::ranges::copy(original.row(token, *same),
                              rows.begin() + (token * quantized.slots + slot) * width_);
        }
    }
    return rows;
}

InputMoments GroupInputs::pooled() const {
    InputMoments pooled = {.width = width_};
    for (size_t call = 0; call < for_check_.size(); ++call) {
        if (for_check_[call]) continue;
        const ProductRows quantized = kept_->read(name_, call);
        pooled.add(quantized.values, originals_ ? beside(call, quantized) : std::vector<float>());
    }
    return pooled;
}

}  // namespace bitgauge
