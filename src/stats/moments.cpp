#include <cmath>

#include "bitgauge/stats.h"

namespace bitgauge {

void Moments::add(double x) {
    ++count_;
    const double delta = x - mean_;
    mean_ += delta / static_cast<double>(count_);
    sum_sq_dev_ += delta * (x - mean_);
}

void Moments::merge(const Moments& other) {
    if (other.count_ == 0) return;
    const double here = static_cast<double>(count_), there = static_cast<double>(other.count_);
    const double delta = other.mean_ - mean_;
    count_ += other.count_;
    mean_ += delta * (there / (here + there));
    sum_sq_dev_ += other.sum_sq_dev_ + delta * delta * (here * there / (here + there));
}

double Moments::variance() const {
    return count_ < 2 ? 0.0 : sum_sq_dev_ / static_cast<double>(count_ - 1);
}

double Moments::standard_error() const {
    return count_ == 0 ? 0.0 : std::sqrt(variance() / static_cast<double>(count_));
}

}  // namespace bitgauge
