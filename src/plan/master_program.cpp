#include "plan/master_program.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace bitgauge {
namespace {

constexpr double kTolerance = 1e-11;  // of reduced costs and pivots, rows being near 1
constexpr int kDegenerateSteps = 50;  // then the first variable that helps enters [Bland 1977]
constexpr int kMaxSteps = 10000;

using Matrix = std::vector<std::vector<double>>;

double dot(const std::vector<double>& a, const std::vector<double>& b) {
    double sum = 0;
    for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
}

void eliminate(Matrix& left, Matrix& right, size_t at) {
    for (size_t row = 0; row < left.size(); ++row) {
        if (row == at || left[row][at] == 0) continue;
        const double factor = left[row][at];
        for (size_t c = 0; c < left.size(); ++c) {
            left[row][c] -= factor * left[at][c];
            right[row][c] -= factor * right[at][c];
        }
    }
}

// Gauss and Jordan with the largest pivot of each column.
Matrix inverse_of(Matrix left) {
    const size_t n = left.size();
    Matrix right(n, std::vector<double>(n));
    for (size_t i = 0; i < n; ++i) right[i][i] = 1;
    for (size_t at = 0; at < n; ++at) {
        size_t largest = at;
        for (size_t row = at; row < n; ++row)
            if (std::abs(left[row][at]) > std::abs(left[largest][at])) largest = row;
        std::swap(left[at], left[largest]);
        std::swap(right[at], right[largest]);
        const double pivot = left[at][at];
        for (size_t c = 0; c < n; ++c) left[at][c] /= pivot, right[at][c] /= pivot;
        eliminate(left, right, at);
    }
    return right;
}

}  // namespace

MasterProgram::MasterProgram(size_t objectives, std::vector<double> limit, double penalty)
    : objectives_(objectives), limit_(std::move(limit)), penalty_(penalty) {}

void MasterProgram::add_column(std::span<const double> rows) {
    columns_.emplace_back(rows.begin(), rows.end());
    columns_.back().push_back(1);
    if (basis_.empty()) start();
}

std::vector<double> MasterProgram::column(uint32_t variable) const {
    if (variable >= first_column()) return columns_[variable - first_column()];
    std::vector<double> rows_of(rows());
    if (variable == kValue) std::fill_n(rows_of.begin(), objectives_, -1.0);
    if (variable == kViolation)
        std::fill(rows_of.begin() + static_cast<std::ptrdiff_t>(objectives_), rows_of.end() - 1,
                  -1.0);
    if (variable >= kFirstSlack) rows_of[variable - kFirstSlack] = 1;
    return rows_of;
}

double MasterProgram::cost(uint32_t variable) const {
    return variable == kValue ? 1 : variable == kViolation ? penalty_ : 0;
}

double MasterProgram::right_side(size_t row) const {
    if (row < objectives_) return 0;
    return row < objectives_ + limit_.size() ? limit_[row - objectives_] : 1;
}

// The first column alone: z carries the largest cost, v the largest violation.
void MasterProgram::start() {
    const auto& only = columns_.front();
    for (uint32_t row = 0; row + 1 < rows(); ++row) basis_.push_back(kFirstSlack + row);
    basis_.push_back(static_cast<uint32_t>(first_column()));
    const auto largest =
        std::max_element(only.begin(), only.begin() + static_cast<std::ptrdiff_t>(objectives_));
    basis_[static_cast<size_t>(largest - only.begin())] = kValue;
    size_t worst = 0;
    double violation = 0;
    for (size_t row = objectives_; row + 1 < rows(); ++row)
        if (only[row] - right_side(row) > violation)
            violation = only[row] - right_side(row), worst = row;
    if (violation > 0) basis_[worst] = kViolation;
}

void MasterProgram::read_basis() {
    const size_t n = rows();
    Matrix basis(n, std::vector<double>(n));
    for (size_t i = 0; i < n; ++i) {
        const auto column_of = column(basis_[i]);
        for (size_t row = 0; row < n; ++row) basis[row][i] = column_of[row];
    }
    inverse_ = inverse_of(std::move(basis));
    level_.assign(n, 0), dual_.assign(n, 0);
    value_ = violation_ = 0;
    for (size_t i = 0; i < n; ++i) {
        for (size_t row = 0; row < n; ++row) {
            level_[i] += inverse_[i][row] * right_side(row);
            dual_[row] += cost(basis_[i]) * inverse_[i][row];
        }
        value_ += cost(basis_[i]) * level_[i];
        if (basis_[i] == kViolation) violation_ = level_[i];
    }
}

// The variable that lowers the value most per unit, or the first that does; kValue when none does
// (it is always in the basis while costs are positive, so never the answer).
uint32_t MasterProgram::entering(bool first_found) const {
    uint32_t best = 0;
    double lowest = -kTolerance;
    bool found = false;
    const auto count = static_cast<uint32_t>(first_column() + columns_.size());
    for (uint32_t v = 0; v < count && !(found && first_found); ++v) {
        if (std::find(basis_.begin(), basis_.end(), v) != basis_.end()) continue;
        const double reduced = cost(v) - dot(dual_, column(v));
        if (reduced < lowest) lowest = reduced, best = v, found = true;
    }
    return found ? best : count;
}

size_t MasterProgram::leaving(const std::vector<double>& direction) const {
    size_t best = rows();
    double least = 0;
    for (size_t i = 0; i < rows(); ++i) {
        if (direction[i] <= kTolerance) continue;
        const double ratio = std::max(0.0, level_[i]) / direction[i];
        if (best == rows() || ratio < least || (ratio == least && basis_[i] < basis_[best]))
            least = ratio, best = i;
    }
    return best;
}

bool MasterProgram::pivot(bool first_found) {
    const uint32_t enters = entering(first_found);
    if (enters == first_column() + columns_.size()) return false;
    const auto column_of = column(enters);
    std::vector<double> direction(rows());
    for (size_t i = 0; i < rows(); ++i) direction[i] = dot(inverse_[i], column_of);
    const size_t leaves = leaving(direction);
    if (leaves == rows()) return false;
    basis_[leaves] = enters;
    return true;
}

void MasterProgram::solve() {
    read_basis();
    int degenerate = 0;
    for (int step = 0; step < kMaxSteps; ++step) {
        const double before = value_;
        if (!pivot(degenerate > kDegenerateSteps)) break;
        read_basis();
        degenerate = value_ < before ? 0 : degenerate + 1;
    }
    prices_.clear();
    for (size_t row = 0; row + 1 < rows(); ++row) prices_.push_back(std::max(0.0, -dual_[row]));
}

std::vector<double> MasterProgram::shares() const {
    std::vector<double> shares(columns_.size());
    for (size_t i = 0; i < basis_.size(); ++i)
        if (basis_[i] >= first_column()) shares[basis_[i] - first_column()] = level_[i];
    return shares;
}

}  // namespace bitgauge
