// What more bytes would buy, and items that go together.

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/plan.h"

namespace bitgauge {
namespace {

double weighted(const PlanOption& option, std::span<const double> weights) {
    return std::inner_product(weights.begin(), weights.end(), option.cost.begin(), 0.0);
}

double price_of(const PlanUpgrade& upgrade) {
    return upgrade.gain / static_cast<double>(upgrade.bytes);
}

// The larger option with the most gain per byte; `bytes` 0 where none gains.
PlanUpgrade steepest(const PlanItem& item, uint32_t index, uint32_t from,
                     std::span<const double> weights) {
    PlanUpgrade best{.item = index, .from = from, .to = from};
    const PlanOption& now = item.options[from];
    for (uint32_t o = 0; o < item.options.size(); ++o) {
        const PlanOption& option = item.options[o];
        const double gain = weighted(now, weights) - weighted(option, weights);
        if (option.bytes <= now.bytes || gain <= 0) continue;
        const PlanUpgrade upgrade{index, from, o, option.bytes - now.bytes, gain};
        if (best.bytes == 0 || price_of(upgrade) > price_of(best)) best = upgrade;
    }
    return best;
}

// From the chosen option along the lower hull of the larger ones.
void add_steps(const PlanItem& item, uint32_t index, uint32_t chosen,
               std::span<const double> weights, std::vector<PlanUpgrade>& steps) {
    for (uint32_t from = chosen;;) {
        const auto upgrade = steepest(item, index, from, weights);
        if (upgrade.bytes == 0) return;
        steps.push_back(upgrade);
        from = upgrade.to;
    }
}

// Takes steps while they fit.
class Purse {
  public:
    Purse(std::span<const PlanItem> items, const PlanSolution& solution, uint64_t bytes,
          std::span<const PlanLimit> limits)
        : items_(items),
          choice_(solution.choice),
          uses_(solution.uses),
          left_(bytes),
          limits_(limits) {}

    bool buy(const PlanUpgrade& step) {
        if (choice_[step.item] != step.from || step.bytes > left_) return false;
        auto uses = uses_;
        const auto& options = items_[step.item].options;
        for (size_t m = 0; m < limits_.size(); ++m) {
            uses[m] += options[step.to].use[m] - options[step.from].use[m];
            if (uses[m] > limits_[m].limit) return false;
        }
        uses_ = std::move(uses), left_ -= step.bytes, choice_[step.item] = step.to;
        return true;
    }

  private:
    std::span<const PlanItem> items_;
    std::vector<uint32_t> choice_;
    std::vector<double> uses_;
    uint64_t left_;
    std::span<const PlanLimit> limits_;
};

const PlanOption* option_of(const PlanItem& item, const std::string& type) {
    const auto found = std::find_if(item.options.begin(), item.options.end(),
                                    [&](const PlanOption& o) { return o.type == type; });
    return found == item.options.end() ? nullptr : &*found;
}

void add(PlanOption& sum, const PlanOption& more, const std::string& name) {
    if (sum.cost.size() != more.cost.size() || sum.use.size() != more.use.size())
        throw Error(ErrorKind::kInput, fmt::format("'{}' ties items with other numbers of domains "
                                                   "or limits",
                                                   name));
    sum.bytes += more.bytes;
    for (size_t d = 0; d < sum.cost.size(); ++d) sum.cost[d] += more.cost[d];
    for (size_t m = 0; m < sum.use.size(); ++m) sum.use[m] += more.use[m];
}

}  // namespace

std::vector<PlanUpgrade> next_upgrades(std::span<const PlanItem> items,
                                       const PlanSolution& solution, uint64_t more_bytes,
                                       std::span<const PlanLimit> limits) {
    std::vector<PlanUpgrade> steps, bought;
    for (uint32_t i = 0; i < items.size(); ++i)
        add_steps(items[i], i, solution.choice[i], solution.weights, steps);
    std::stable_sort(steps.begin(), steps.end(), [](const PlanUpgrade& a, const PlanUpgrade& b) {
        return price_of(a) > price_of(b);
    });
    Purse purse(items, solution, more_bytes, limits);
    std::copy_if(steps.begin(), steps.end(), std::back_inserter(bought),
                 [&](const PlanUpgrade& step) { return purse.buy(step); });
    return bought;
}

PlanItem tie_items(std::string name, std::span<const PlanItem> items) {
    PlanItem tied{.name = std::move(name)};
    if (items.empty()) throw Error(ErrorKind::kInput, fmt::format("'{}' ties nothing", tied.name));
    for (const PlanOption& first : items.front().options) {
        PlanOption sum = first;
        const bool common = std::all_of(items.begin() + 1, items.end(), [&](const PlanItem& item) {
            const PlanOption* option = option_of(item, first.type);
            if (option != nullptr) add(sum, *option, tied.name);
            return option != nullptr;
        });
        if (common) tied.options.push_back(std::move(sum));
    }
    if (tied.options.empty())
        throw Error(ErrorKind::kInput,
                    fmt::format("the {} of '{}' have no type in common", items.size(), tied.name),
                    "they must be quantized alike; allow one type for all of them");
    return tied;
}

}  // namespace bitgauge
