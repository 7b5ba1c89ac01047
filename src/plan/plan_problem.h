#pragma once

// The caller's items and budget as numbers, checked; and answers back in the caller's words.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bitgauge/plan.h"

#include "plan/answer.h"
#include "plan/mckp.h"

namespace bitgauge {

class PlanProblem {
  public:
    // Throws what plan_cost() promises of items, numbers and weights.
    PlanProblem(std::span<const PlanItem> items, PlanBudget budget, const PlanAim& aim);

    // What a row of an Mckp limits or minimises.
    struct Resource {
        enum class Kind { kBytes, kLimit, kCost } kind = Kind::kBytes;
        size_t index = 0;  // of the budget's limit; of the aim's row
        double limit = 0;
    };
    struct Rows {
        std::vector<Resource> objectives, limits;
    };

    // Least cost within the budget; least size within budget and cost. Limits that cannot be
    // passed are left out, but for the size.
    Rows cost_rows() const;
    Rows size_rows(double max_cost) const;

    Mckp mckp(const Rows& rows) const;

    // Least sum of what the rows' resource needs, on its own.
    double least(const Resource& resource) const;
    // The same where all of `others` are kept, of the relaxation; nothing where that is impossible.
    std::optional<double> least_beside(const Resource& resource,
                                       std::vector<Resource> others) const;

    PlanSolution solution(const Rows& rows, const Mckp& mckp, const Answer& answer) const;

    // "a size of 20.00 GiB (… bytes)", "'gpu' of 12", "a cost of 0.1 nats"
    std::string described(const Resource& resource) const;
    std::string amount(const Resource& resource, double value) const;

  private:
    void check_items() const;
    void check_option(const PlanItem& item, const PlanOption& option) const;
    void set_weights(const PlanAim& aim);
    size_t cost_rows_count() const { return worst_domain_ ? weights_.size() : 1; }
    double amount_of(const PlanOption& option, const Resource& resource) const;
    double largest(const Resource& resource) const;
    bool binds(const Resource& resource) const;
    std::vector<Resource> costs(double limit) const;
    void add_up(PlanSolution& solution, const Mckp& mckp) const;
    void set_prices(PlanSolution& solution, const Rows& rows, const Answer& answer) const;

    std::span<const PlanItem> items_;
    PlanBudget budget_;
    bool worst_domain_ = false;
    std::vector<double> weights_;
};

// "20.62 GiB (22140664320 bytes)"
std::string exact_bytes(double bytes);

}  // namespace bitgauge
