#include "rounding/rounder.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <vector>

#include <fmt/format.h>
#include <oneapi/tbb/parallel_for.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"

#include "qtype/frozen_lattice.h"

#include "rounding/correction.h"
#include "rounding/factor.h"
#include "rounding/feedback_kernel.h"
#include "rounding/tile_rounder.h"
#include "rounding/unit_metric.h"

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

// The factor in runs of eight channels, made when a type asks for it.
struct UnitFactor {
    UnitFactor(const InputMoments& moments, double damping)
        : factor(factor_moments(moments, damping, kUnitWeights)), metrics(join_units(factor)) {}

    Factor factor;
    std::vector<UnitMetric> metrics;
};

struct Rounder::State {
    State(const InputMoments& given, const RoundingSetting& chosen)
        : moments(given),
          setting(chosen),
          factor(factor_moments(moments, setting.damping, 1)),
          correction(moments, factor, setting.correction),
          importance(damped_diagonal(moments, kImportanceEpsilon)) {}

    TileRounder tile_rounder(int type_id) {
        if (feedback_unit(type_id) == 1) return {type_id, factor, {}};
        std::call_once(units_made,
                       [this] { units = std::make_unique<UnitFactor>(moments, setting.damping); });
        return {type_id, units->factor, units->metrics};
    }

    void round_tile(int type_id, std::span<const float> weights, std::span<std::byte> out) {
        const size_t rows = weights.size() / factor.width;
        std::vector<float> target(kTileRows * factor.width);
        std::copy(weights.begin(), weights.end(), target.begin());
        correction.apply(target);
        encode_rows(type_id, std::span(target).first(weights.size()), factor.width, importance,
                    out);
        tile_rounder(type_id).round(target, rows, out);
    }

    const InputMoments& moments;
    RoundingSetting setting;
    Factor factor;
    Correction correction;
    std::vector<float> importance;
    std::once_flag units_made;
    std::unique_ptr<UnitFactor> units;
};

bool can_round_with_feedback(int type_id) {
    return feedback_unit(type_id) != 0;
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
