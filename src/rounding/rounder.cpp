#include "rounding/rounder.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>
#include <oneapi/tbb/parallel_for.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"

#include "qtype/frozen_blocks.h"

#include "rounding/correction.h"
#include "rounding/factor.h"
#include "rounding/tile_rounder.h"

namespace bitgauge {
namespace {

constexpr double kImportanceEpsilon = 1e-6;

bool all_finite(std::span<const float> values) {
    return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
}

const InputMoments& checked(const InputMoments& moments) {
    if (moments.tokens == 0) {
        throw Error(ErrorKind::kInput, "rounding with feedback has no tokens to go by",
                    "use a longer text");
    }
    if (!all_finite(moments.second) || !all_finite(moments.shift)) {
        throw Error(ErrorKind::kNotFinite,
                    fmt::format("moments of {} channels over {} tokens are not finite",
                                moments.width, moments.tokens));
    }
    return moments;
}

void check_type(int type_id) {
    if (can_round_with_feedback(type_id)) return;
    const QType* type = type_by_id(type_id);
    throw Error(ErrorKind::kInput,
                fmt::format("type {} cannot be rounded with feedback",
                            type == nullptr ? std::to_string(type_id) : type->name));
}

void check_sizes(const QType& type, size_t width, size_t weights, size_t bytes) {
    if (width % type.block_weights != 0 || weights % width != 0 ||
        bytes != type.row_bytes(weights)) {
        throw Error(ErrorKind::kInput,
                    fmt::format("{} weights in rows of {} are not {} bytes of {}", weights, width,
                                bytes, type.name));
    }
}

}  // namespace

struct Rounder::State {
    State(const InputMoments& moments, const RoundingSetting& setting)
        : factor(factor_moments(moments, setting.damping, 1)),
          correction(moments, factor, setting.correction),
          importance(damped_diagonal(moments, kImportanceEpsilon)) {}

    void round_tile(int type_id, std::span<const float> weights, std::span<std::byte> out) const {
        const size_t rows = weights.size() / factor.width;
        std::vector<float> target(kTileRows * factor.width);
        std::copy(weights.begin(), weights.end(), target.begin());
        correction.apply(target);
        encode_rows(type_id, std::span(target).first(weights.size()), factor.width, importance,
                    out);
        TileRounder(type_id, factor).round(target, rows, out);
    }

    Factor factor;
    Correction correction;
    std::vector<float> importance;
};

bool can_round_with_feedback(int type_id) {
    return frozen_grid(type_id) != nullptr;
}

Rounder::Rounder(const InputMoments& moments, const RoundingSetting& setting)
    : state_(std::make_unique<State>(checked(moments), setting)) {}
Rounder::~Rounder() = default;
Rounder::Rounder(Rounder&&) noexcept = default;
Rounder& Rounder::operator=(Rounder&&) noexcept = default;

double Rounder::predicted_gain() const {
    return state_->factor.gain;
}

std::span<const float> Rounder::importance() const {
    return state_->importance;
}

void Rounder::round(int type_id, std::span<const float> weights, std::span<std::byte> out) const {
    check_type(type_id);
    const QType& type = *type_by_id(type_id);
    const size_t width = state_->factor.width;
    check_sizes(type, width, weights.size(), out.size());
    if (!all_finite(weights)) {
        throw Error(ErrorKind::kNotFinite, "weights to be rounded are not finite");
    }
    const size_t rows = weights.size() / width;
    tbb::parallel_for(size_t{0}, (rows + kTileRows - 1) / kTileRows, [&](size_t tile) {
        const size_t first = tile * kTileRows;
        const size_t count = std::min(kTileRows, rows - first);
        state_->round_tile(
            type_id, weights.subspan(first * width, count * width),
            out.subspan(type.row_bytes(first * width), type.row_bytes(count * width)));
    });
}

}  // namespace bitgauge
