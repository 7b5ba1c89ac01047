#pragma once

// The linear program over few rows and many columns that the dual bound is made with: which
// mixture of selections has the least value within the limits?
//
//     min z + penalty * v   with   sum_p m_p = 1, m >= 0
//         cost_k:  sum_p m_p * cost_k(p) <= z        use_r:  sum_p m_p * use_r(p) <= limit_r + v
//
// Columns p arrive one by one [Dantzig & Wolfe 1960]. Rows are few, so each step of the simplex
// method solves with its basis afresh and no error builds up.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace bitgauge {

class MasterProgram {
  public:
    // Rows should be scaled to numbers near 1.
    MasterProgram(size_t objectives, std::vector<double> limit, double penalty);

    // Its costs, then its uses.
    void add_column(std::span<const double> rows);

    // The best mixture of the columns so far; at least one.
    void solve();

    double value() const { return value_; }          // z + penalty * v
    double violation() const { return violation_; }  // v
    // Of costs (they add up to at most 1), then of uses; all >= 0.
    const std::vector<double>& prices() const { return prices_; }
    std::vector<double> shares() const;  // m, per column

  private:
    enum : uint32_t { kValue, kViolation, kFirstSlack };

    size_t rows() const { return objectives_ + limit_.size() + 1; }
    size_t first_column() const { return kFirstSlack + rows() - 1; }
    std::vector<double> column(uint32_t variable) const;
    double cost(uint32_t variable) const;
    double right_side(size_t row) const;
    void start();
    void read_basis();
    bool pivot(bool first_found);
    uint32_t entering(bool first_found) const;
    size_t leaving(const std::vector<double>& direction) const;

    size_t objectives_;
    std::vector<double> limit_;
    double penalty_;
    std::vector<std::vector<double>> columns_;
    std::vector<uint32_t> basis_;               // variables, one per row
    std::vector<std::vector<double>> inverse_;  // of the basis
    std::vector<double> level_;                 // of the basis' variables
    std::vector<double> dual_;                  // per row
    std::vector<double> prices_;
    double value_ = 0, violation_ = 0;
};

}  // namespace bitgauge
