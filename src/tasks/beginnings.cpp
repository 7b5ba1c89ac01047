#include "tasks/beginnings.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/interrupt.h"

namespace bitgauge {
namespace {

// A copy moves the memory of a whole sequence, and a beginning is read in a call of its own.
constexpr int64_t kCopyTokens = 4;
constexpr int64_t kCallTokens = 64;
constexpr size_t kLeastShared = 16;

int64_t saved_tokens(size_t users, size_t shared) {
    const auto n = static_cast<int64_t>(users);
    return (n - 1) * static_cast<int64_t>(shared) - n * kCopyTokens - kCallTokens;
}

// Sorted by their tokens: those that begin alike are neighbours.
class SortedPrompts {
  public:
    explicit SortedPrompts(std::span<const Tokens> prompts) : order_(prompts.size()) {
        std::iota(order_.begin(), order_.end(), 0);
        std::ranges::stable_sort(order_, [&](size_t a, size_t b) {
            return std::ranges::lexicographical_compare(prompts[a], prompts[b]);
        });
        for (size_t place = 1; place < order_.size(); ++place) {
            shared_.push_back(common_tokens(prompts[order_[place - 1]], prompts[order_[place]]));
        }
    }

    size_t size() const { return order_.size(); }
    // Of the prompts at a place and at the one before.
    size_t shared_with_previous(size_t place) const { return shared_[place - 1]; }

    PromptGroup group(size_t begin, size_t end) const {
        PromptGroup group = {{order_.begin() + static_cast<ptrdiff_t>(begin),
                              order_.begin() + static_cast<ptrdiff_t>(end)}};
        std::ranges::sort(group.prompts);
        if (end - begin == 1) return group;
        group.shared = *std::min_element(shared_.begin() + static_cast<ptrdiff_t>(begin),
                                         shared_.begin() + static_cast<ptrdiff_t>(end) - 1);
        return group;
    }

  private:
    // Each keeps one token of its own, which says what follows.
    static size_t common_tokens(Tokens a, Tokens b) {
        const auto same = static_cast<size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
        return std::min({same, a.size() - 1, b.size() - 1});
    }

    std::vector<size_t> order_;
    std::vector<size_t> shared_;
};

// Where the last group of the first n prompts begins, for every n, so that most is saved.
std::vector<size_t> best_last_groups(const SortedPrompts& sorted) {
    std::vector<int64_t> saved(sorted.size() + 1, 0);
    std::vector<size_t> begins(sorted.size() + 1, 0);
    for (size_t end = 1; end <= sorted.size(); ++end) {
        saved[end] = saved[end - 1];
        begins[end] = end - 1;
        size_t shared = SIZE_MAX;
        for (size_t begin = end - 1; begin > 0;) {
            shared = std::min(shared, sorted.shared_with_previous(begin));
            if (shared < kLeastShared) break;
            --begin;
            const int64_t together = saved[begin] + saved_tokens(end - begin, shared);
            if (together <= saved[end]) continue;
            saved[end] = together;
            begins[end] = begin;
        }
    }
    return begins;
}

}  // namespace

std::vector<PromptGroup> group_by_beginning(std::span<const Tokens> prompts) {
    const SortedPrompts sorted(prompts);
    const std::vector<size_t> begins = best_last_groups(sorted);
    std::vector<PromptGroup> groups;
    PromptGroup unlike;
    for (size_t end = sorted.size(); end > 0; end = begins[end]) {
        PromptGroup group = sorted.group(begins[end], end);
        if (group.shared > 0) {
            groups.push_back(std::move(group));
        } else {
            unlike.prompts.push_back(group.prompts.front());
        }
    }
    std::ranges::sort(unlike.prompts);
    if (!unlike.prompts.empty()) groups.push_back(std::move(unlike));
    std::ranges::sort(groups, {}, [](const PromptGroup& g) { return g.prompts.front(); });
    return groups;
}

size_t longest_shared(std::span<const PromptGroup> groups) {
    size_t longest = 0;
    for (const PromptGroup& group : groups) longest = std::max(longest, group.shared);
    return longest;
}

void read_beginning(TokenReader& reader, Tokens beginning, int32_t sequence) {
    reader.forget(sequence);
    std::vector<BatchToken> tokens;
    for (size_t i = 0; i < beginning.size(); ++i) {
        tokens.push_back({beginning[i], static_cast<int32_t>(i), sequence, false});
        if (tokens.size() < reader.call_tokens() && i + 1 < beginning.size()) continue;
        throw_if_interrupted();
        reader.read(tokens);
        tokens.clear();
    }
}

}  // namespace bitgauge
