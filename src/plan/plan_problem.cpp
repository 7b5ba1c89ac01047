#include "plan/plan_problem.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/units.h"

#include "plan/dual_bound.h"

namespace bitgauge {
namespace {

using Resource = PlanProblem::Resource;

constexpr double kExactIntegers = 9007199254740992.0;  // 2^53

// Sums in another order may differ in the last digits: a choice that uses all there is must not be
// lost by that. Less than a byte of 10 TB.
constexpr double kRounding = 1e-13;

[[noreturn]] void fail(const std::string& message, const std::string& hint = {}) {
    throw Error(ErrorKind::kInput, message, hint);
}

void check_number(double value, const std::string& what) {
    if (!std::isfinite(value))
        throw Error(ErrorKind::kNotFinite, fmt::format("{} is {}", what, value),
                    "measure it again");
    if (value < 0) fail(fmt::format("{} is {}; it must not be negative", what, value));
}

// Whether an option that needs this much can be part of a choice within the limit.
bool has_room(double amount, double least_of_item, double least, double limit) {
    return amount - least_of_item <= (limit - least) + kRounding * limit;
}

}  // namespace

std::string exact_bytes(double bytes) {
    const auto whole = static_cast<uint64_t>(std::ceil(bytes));
    return fmt::format("{} ({} bytes)", format_bytes(whole), whole);
}

PlanProblem::PlanProblem(std::span<const PlanItem> items, PlanBudget budget, const PlanAim& aim)
    : items_(items), budget_(std::move(budget)), worst_domain_(aim.worst_domain) {
    if (items_.empty()) fail("there is nothing to choose a type for");
    for (const auto& [name, limit] : budget_.limits)
        if (!(limit >= 0))
            fail(fmt::format("the limit '{}' is {}; it must be at least 0", name, limit));
    set_weights(aim);
    check_items();
}

void PlanProblem::set_weights(const PlanAim& aim) {
    const auto& first = items_.front();
    if (first.options.empty()) return;  // check_items() says so
    const size_t domains = first.options.front().cost.size();
    if (domains == 0) fail(fmt::format("'{}' has no cost", first.name));
    weights_ = aim.weights;
    if (weights_.empty())
        weights_.assign(domains, worst_domain_ ? 1.0 : 1.0 / static_cast<double>(domains));
    if (weights_.size() != domains)
        fail(fmt::format("{} for {}", counted(weights_.size(), "weight"),
                         counted(domains, "domain")));
    for (const double weight : weights_) check_number(weight, "a domain's weight");
}

void PlanProblem::check_items() const {
    for (const auto& item : items_) {
        if (item.options.empty())
            fail(fmt::format("'{}' has no type left to choose from", item.name),
                 "pins, minimum bits and allowed types contradict each other there");
        for (const auto& option : item.options) check_option(item, option);
    }
    if (largest({}) > kExactIntegers)
        fail(fmt::format("{} bytes in all are too many", largest({})));
}

void PlanProblem::check_option(const PlanItem& item, const PlanOption& option) const {
    const auto name = [&] { return fmt::format("'{}' as {}", item.name, option.type); };
    if (option.cost.size() != weights_.size())
        fail(fmt::format("{} has costs for {}, others for {}", name(),
                         counted(option.cost.size(), "domain"), weights_.size()));
    if (!budget_.limits.empty() && option.use.size() != budget_.limits.size())
        fail(fmt::format("{} has {} for {}", name(), counted(option.use.size(), "use"),
                         counted(budget_.limits.size(), "limit")));
    for (const double cost : option.cost) check_number(cost, "the cost of " + name());
    for (size_t m = 0; m < budget_.limits.size(); ++m)
        check_number(option.use[m],
                     fmt::format("what {} uses of '{}'", name(), budget_.limits[m].name));
}

double PlanProblem::amount_of(const PlanOption& option, const Resource& resource) const {
    switch (resource.kind) {
        case Resource::Kind::kBytes:
            return static_cast<double>(option.bytes);
        case Resource::Kind::kLimit:
            return option.use[resource.index];
        case Resource::Kind::kCost:
            break;
    }
    if (worst_domain_) return weights_[resource.index] * option.cost[resource.index];
    return std::inner_product(weights_.begin(), weights_.end(), option.cost.begin(), 0.0);
}

double PlanProblem::least(const Resource& resource) const {
    double sum = 0;
    for (const auto& item : items_) {
        double least = amount_of(item.options.front(), resource);
        for (const auto& option : item.options)
            least = std::min(least, amount_of(option, resource));
        sum += least;
    }
    return sum;
}

double PlanProblem::largest(const Resource& resource) const {
    double sum = 0;
    for (const auto& item : items_) {
        double largest = 0;
        for (const auto& option : item.options)
            largest = std::max(largest, amount_of(option, resource));
        sum += largest;
    }
    return sum;
}

bool PlanProblem::binds(const Resource& resource) const {
    return largest(resource) > resource.limit;
}

std::vector<Resource> PlanProblem::costs(double limit) const {
    std::vector<Resource> rows;
    for (size_t k = 0; k < cost_rows_count(); ++k)
        rows.push_back({Resource::Kind::kCost, k, limit});
    return rows;
}

PlanProblem::Rows PlanProblem::cost_rows() const {
    Rows rows{.objectives = costs(0)};
    const Resource size{Resource::Kind::kBytes, 0, static_cast<double>(budget_.bytes)};
    rows.limits.push_back(size);
    rows.limits.back().limit = std::min(size.limit, largest(size));
    for (size_t m = 0; m < budget_.limits.size(); ++m)
        rows.limits.push_back(
            {Resource::Kind::kLimit, m, budget_.limits[m].limit * (1 + kRounding)});
    std::erase_if(rows.limits,
                  [&](const Resource& r) { return r.kind == Resource::Kind::kLimit && !binds(r); });
    return rows;
}

PlanProblem::Rows PlanProblem::size_rows(double max_cost) const {
    Rows rows{.objectives = {Resource{}}, .limits = cost_rows().limits};
    std::erase_if(rows.limits, [&](const Resource& r) { return !binds(r); });
    for (auto& cost : costs(max_cost)) {
        cost.limit = std::min(max_cost * (1 + kRounding), largest(cost));
        rows.limits.push_back(cost);
    }
    return rows;
}

// Options that alone break a limit are left out: no choice has them.
Mckp PlanProblem::mckp(const Rows& rows) const {
    std::vector<double> limit, least_use;
    for (const auto& row : rows.limits) limit.push_back(row.limit), least_use.push_back(least(row));
    std::vector<std::vector<MckpEntry>> entries(items_.size());
    for (size_t i = 0; i < items_.size(); ++i) {
        for (uint32_t o = 0; o < items_[i].options.size(); ++o) {
            MckpEntry entry{.option = o};
            for (const auto& row : rows.objectives)
                entry.cost.push_back(amount_of(items_[i].options[o], row));
            for (const auto& row : rows.limits)
                entry.use.push_back(amount_of(items_[i].options[o], row));
            entries[i].push_back(std::move(entry));
        }
        auto least_here = entries[i].front().use;
        for (const auto& entry : entries[i])
            for (size_t m = 0; m < limit.size(); ++m)
                least_here[m] = std::min(least_here[m], entry.use[m]);
        std::erase_if(entries[i], [&](const MckpEntry& entry) {
            for (size_t m = 0; m < limit.size(); ++m)
                if (!has_room(entry.use[m], least_here[m], least_use[m], limit[m])) return true;
            return false;
        });
    }
    return make_mckp(std::move(entries), rows.objectives.size(), std::move(limit));
}

std::optional<double> PlanProblem::least_beside(const Resource& resource,
                                                std::vector<Resource> others) const {
    std::erase_if(others, [&](const Resource& other) {
        return other.kind == resource.kind && other.index == resource.index;
    });
    const auto relaxed = dual_bound(mckp({{resource}, std::move(others)}));
    return relaxed ? std::optional(relaxed->bound) : std::nullopt;
}

void PlanProblem::add_up(PlanSolution& solution, const Mckp& mckp) const {
    solution.costs.assign(weights_.size(), 0);
    solution.uses.assign(budget_.limits.size(), 0);
    for (const auto& item : mckp.items) {  // their order does not depend on the caller's
        const auto& option = items_[item.origin].options[solution.choice[item.origin]];
        solution.bytes += option.bytes;
        for (size_t d = 0; d < solution.costs.size(); ++d) solution.costs[d] += option.cost[d];
        for (size_t m = 0; m < solution.uses.size(); ++m) solution.uses[m] += option.use[m];
    }
    for (size_t d = 0; d < weights_.size(); ++d) {
        const double part = weights_[d] * solution.costs[d];
        solution.cost = worst_domain_ ? std::max(solution.cost, part) : solution.cost + part;
    }
}

// Prices are values per unit; where the value is a size, nats are what `cost` rows are worth of it.
void PlanProblem::set_prices(PlanSolution& solution, const Rows& rows, const Answer& answer) const {
    const bool size = rows.objectives.front().kind == Resource::Kind::kBytes;
    std::vector<double> cost_price(cost_rows_count());
    for (size_t k = 0; k < cost_price.size() && !size; ++k) cost_price[k] = answer.weights[k];
    for (size_t m = 0; m < rows.limits.size(); ++m)
        if (rows.limits[m].kind == Resource::Kind::kCost)
            cost_price[rows.limits[m].index] = answer.prices[m];
    const double sum = std::accumulate(cost_price.begin(), cost_price.end(), 0.0);
    const double nats = sum > 0 ? 1 / sum : 0;
    solution.byte_price = size ? nats : 0;
    solution.limit_prices.assign(budget_.limits.size(), 0);
    for (size_t m = 0; m < rows.limits.size(); ++m) {
        const auto& row = rows.limits[m];
        if (row.kind == Resource::Kind::kBytes) solution.byte_price += nats * answer.prices[m];
        if (row.kind == Resource::Kind::kLimit)
            solution.limit_prices[row.index] = nats * answer.prices[m];
    }
    solution.weights = weights_;
    for (size_t d = 0; d < weights_.size() && worst_domain_; ++d)
        solution.weights[d] *=
            sum > 0 ? cost_price[d] / sum : 1 / static_cast<double>(weights_.size());
}

PlanSolution PlanProblem::solution(const Rows& rows, const Mckp& mckp, const Answer& answer) const {
    PlanSolution solution;
    solution.choice.resize(items_.size());
    for (size_t i = 0; i < mckp.items.size(); ++i)
        solution.choice[mckp.items[i].origin] = mckp.option[answer.selection[i]];
    add_up(solution, mckp);
    set_prices(solution, rows, answer);
    const bool size = rows.objectives.front().kind == Resource::Kind::kBytes;
    const double value = size ? static_cast<double>(solution.bytes) : solution.cost;
    solution.bound = std::clamp(answer.bound, 0.0, value);
    solution.gap = value == solution.bound ? 0 : (value - solution.bound) / solution.bound;
    solution.optimal = answer.optimal;
    return solution;
}

std::string PlanProblem::amount(const Resource& resource, double value) const {
    switch (resource.kind) {
        case Resource::Kind::kBytes:
            return exact_bytes(value);
        case Resource::Kind::kLimit:
            return fmt::format("{:.10g}", value);
        case Resource::Kind::kCost:
            break;
    }
    return fmt::format("{:.6g} nats", value);
}

std::string PlanProblem::described(const Resource& resource) const {
    const std::string value = amount(resource, resource.limit);
    switch (resource.kind) {
        case Resource::Kind::kBytes:
            return "a size of " + value;
        case Resource::Kind::kLimit:
            return fmt::format("'{}' of {}", budget_.limits[resource.index].name, value);
        case Resource::Kind::kCost:
            break;
    }
    return "a cost of " + value;
}

}  // namespace bitgauge
