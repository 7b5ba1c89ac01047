#include "rounding/correction.h"

#include <algorithm>
#include <vector>

#include "linear/blas.h"
#include "rounding/feedback_kernel.h"

namespace bitgauge {

Correction::Correction(const InputMoments& moments, const Factor& factor, double alpha)
    : moments_(moments), factor_(factor) {
    set_alpha(alpha);
}

void Correction::set_alpha(double alpha) {
    alpha_ = alpha;
    if (alpha == 0 || is_checked_) return;
    if (!are_finite(moments_.shift)) throw not_finite(moments_);
    is_checked_ = true;
}

void Correction::apply(std::span<float> weights) const {
    if (alpha_ == 0 || moments_.shift.empty()) return;
    const size_t width = factor_.width;
    std::vector<float> product(width * kTileRows);
    std::vector<float> change(width * kTileRows);
    const Matrix ordered = {change.data(), width, kTileRows, kTileRows};
    const ConstMatrix upper = {factor_.upper.data(), width, width, width};
    const auto times = static_cast<float>(alpha_ / static_cast<double>(moments_.tokens));
    add_product(times, {moments_.shift.data(), width, width, width}, Form::kTransposed,
                {weights.data(), kTileRows, width, width}, Form::kTransposed,
                {product.data(), width, kTileRows, kTileRows});
    for (size_t k = 0; k < width; ++k) {
        std::copy_n(product.data() + factor_.order[k] * kTileRows, kTileRows,
                    change.data() + k * kTileRows);
    }
    solve_unit_upper(upper, Form::kPlain, ordered);
    for (size_t k = 0; k < width; ++k) {
        const float inverse = 1 / factor_.pivots[k];
        for (size_t r = 0; r < kTileRows; ++r) change[k * kTileRows + r] *= inverse;
    }
    solve_unit_upper(upper, Form::kTransposed, ordered);
    for (size_t r = 0; r < kTileRows; ++r) {
        for (size_t k = 0; k < width; ++k) {
            weights[r * width + factor_.order[k]] += change[k * kTileRows + r];
        }
    }
}

}  // namespace bitgauge
