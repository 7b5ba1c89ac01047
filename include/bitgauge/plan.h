#pragma once

// Choosing one type per tensor under budgets, as a pure problem: items, their options, what each
// costs and uses, and what there is of it. No file, no model, no printing.
//
// Conventions: sizes are bytes, costs are nats per token (predicted divergence; costs of items add
// up), lower is better; other resources have the unit the caller gives them. Pins and minimum bits
// are options the caller leaves out. Every answer carries a bound that no choice can go below,
// from the linear relaxation, so that it can be checked how far from the best it is. Costs and
// sizes of answers depend on neither the order of items nor of options: two runs agree to the last
// bit. Everything here is thread-safe: no state.
//
// The problem is the multiple-choice knapsack [Sinha & Zoltners 1979, Oper. Res. 27, 503];
// how it is solved and what was measured: docs/decisions/0014-plan.md.

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace bitgauge {

struct PlanOption {
    std::string type;          // the caller's name: a tensor type, or a type and a device
    uint64_t bytes = 0;        // in the file
    std::vector<double> cost;  // nats per token, one per domain; finite and >= 0
    std::vector<double> use;   // one per PlanBudget::limits, in its unit; finite and >= 0
};

// One tensor, or several that must have the same type (see tie_items()). Exactly one option is
// chosen.
struct PlanItem {
    std::string name;
    std::vector<PlanOption> options;  // at least one, in any order
};

// Several items as one: an option per type that all of them have, in the order of the first one,
// with bytes, costs and uses added up. Error(kInput) where no type is common to all.
PlanItem tie_items(std::string name, std::span<const PlanItem> items);

// A further resource: bytes of a pool, seconds per token.
struct PlanLimit {
    std::string name;  // for messages
    double limit = 0;  // of the sum of uses, up to rounding of the sum
};

struct PlanBudget {
    uint64_t bytes = std::numeric_limits<uint64_t>::max();  // of all items together
    std::vector<PlanLimit> limits;
};

// How the costs of several domains become one: sum of weight * cost, or the worst domain's
// weight * cost. Weights are finite and >= 0; none given: 1 over the number of domains each for a
// sum, 1 each for the worst.
struct PlanAim {
    std::vector<double> weights;
    bool worst_domain = false;
};

struct PlanSolution {
    std::vector<uint32_t> choice;  // index of the option, per item
    uint64_t bytes = 0;
    double cost = 0;            // nats per token, as the aim has it
    std::vector<double> costs;  // nats per token, per domain
    std::vector<double> uses;   // per limit

    // What no choice within the budget goes below: in nats for the smallest cost, in bytes for the
    // smallest size.
    double bound = 0;
    double gap = 0;  // (what was minimised - bound) / bound; 0 where both are 0
    // Searched to the end: nothing better exists, whatever the gap. A search also ends, without
    // this, where the gap is below 1e-6.
    bool optimal = false;

    // Nats that one more byte, and one more unit of each limit, would save at the bound; 0 where
    // there is enough.
    double byte_price = 0;
    std::vector<double> limit_prices;
    // Of domains: what the aim says, or for the worst domain the weights that make the bound.
    std::vector<double> weights;
};

// The choice of least cost within the budget. Error(kInput): an item without options, numbers of
// domains or limits that differ, a negative cost or use; and a budget below the smallest possible,
// with the range in bytes (or the limit's unit) in message and hint. Error(kNotFinite): a cost or
// use that is not finite.
PlanSolution plan_cost(std::span<const PlanItem> items, const PlanBudget& budget,
                       const PlanAim& aim = {});

// The smallest choice whose cost, as the aim has it, is at most `max_cost` nats (up to rounding of
// the sum), within the budget. Fails as plan_cost(), and with Error(kInput) and the range where no
// choice costs so little.
PlanSolution plan_size(std::span<const PlanItem> items, double max_cost,
                       const PlanBudget& budget = {}, const PlanAim& aim = {});

// One step of the curve: an item goes from one option to the next.
struct PlanStep {
    uint32_t item = 0;
    uint32_t from = 0, to = 0;  // options
    uint64_t bytes = 0;         // of all items after the step
    double cost = 0;            // nats, of all items after the step
    double price = 0;           // nats saved per byte by this step; never rises along the curve
};

// The whole cost(size) curve at once, where size is the only limit: lower convex hulls of the items
// merged by slope. No choice lies below the curve, and those at the ends of steps lie on it.
class PlanFrontier {
  public:
    // Costs of domains are added up with `weights` (as in PlanAim). Fails as plan_cost().
    explicit PlanFrontier(std::span<const PlanItem> items, std::vector<double> weights = {});
    PlanFrontier(PlanFrontier&&) noexcept;
    PlanFrontier& operator=(PlanFrontier&&) noexcept;
    ~PlanFrontier();

    uint64_t smallest_bytes() const;        // below it nothing is possible
    uint64_t largest_useful_bytes() const;  // above it nothing gets better
    const std::vector<PlanStep>& steps() const;

    // Least cost that a choice of this size may have, in nats. Requires bytes >= smallest_bytes().
    double bound_at(uint64_t bytes) const;

    // As plan_cost() with this size as the only limit.
    PlanSolution at(uint64_t bytes) const;

  private:
    struct State;
    std::unique_ptr<const State> state_;
};

struct PlanUpgrade {
    uint32_t item = 0;
    uint32_t from = 0, to = 0;  // options
    uint64_t bytes = 0;         // more than before
    double gain = 0;            // nats less than before, domains weighted as in the solution
};

// What `more_bytes` on top of the solution's size would buy: upgrades in the order of gain per
// byte that fit in it together and keep the limits. An item may appear more than once.
std::vector<PlanUpgrade> next_upgrades(std::span<const PlanItem> items,
                                       const PlanSolution& solution, uint64_t more_bytes,
                                       std::span<const PlanLimit> limits = {});

}  // namespace bitgauge
