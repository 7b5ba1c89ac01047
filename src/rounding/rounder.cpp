#include "rounding/rounder.h"

#include <algorithm>
#include <mutex>
#include <vector>

#include <fmt/format.h>
#include <oneapi/tbb/enumerable_thread_specific.h>
#include <oneapi/tbb/parallel_for.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"

#include "qtype/frozen_lattice.h"

#include "rounding/correction.h"
#include "rounding/coupling.h"
#include "rounding/factor.h"
#include "rounding/feedback_kernel.h"
#include "rounding/tile_rounder.h"
#include "rounding/unit_metric.h"

namespace bitgauge {
namespace {

constexpr double kImportanceEpsilon = 1e-6;

const InputMoments& checked(const InputMoments& moments) {
    if (moments.tokens == 0) {
        throw Error(ErrorKind::kInput, "rounding with feedback has no tokens to go by",
                    "use a longer text");
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

// What rounding needs of H' for channels one by one, or in units of eight.
struct Influences {
    Factor factor;
    std::vector<UnitMetric> metrics;
    Coupling coupling;  // where there are sweeps
};

Influences channel_influences(const InputMoments& moments, const RoundingSetting& setting) {
    Influences made{.factor = factor_moments(moments, setting.damping, 1)};
    if (setting.sweeps > 0) made.coupling = couple_channels(moments, made.factor);
    return made;
}

Influences unit_influences(const InputMoments& moments, const RoundingSetting& setting) {
    Influences made{.factor = factor_moments(moments, setting.damping, kUnitWeights)};
    made.metrics = join_units(made.factor);
    if (setting.sweeps > 0) made.coupling = couple_units(moments, made.factor);
    return made;
}

}  // namespace

struct Rounder::State {
    State(const InputMoments& given, const RoundingSetting& chosen)
        : moments(given),
          setting(chosen),
          channels(channel_influences(moments, setting)),
          correction(moments, channels.factor, setting.correction),
          importance(channel_importance(moments)) {}

    void correct_by(double alpha) {
        correction.set_alpha(alpha);
        setting.correction = alpha;
    }

    const Influences& influences(int type_id) {
        if (feedback_unit(type_id) == 1) return channels;
        std::call_once(units_made, [this] { units = unit_influences(moments, setting); });
        return units;
    }

    // What a thread needs for its tiles.
    struct Work {
        TileRounder tile;
        std::vector<float> target;
    };
    Work make_work(int type_id) {
        return {{type_id, influences(type_id).factor.order},
                std::vector<float>(kTileRows * moments.width)};
    }

    void round_tile(int type_id, std::span<const float> weights, std::span<std::byte> out,
                    Work& work) {
        const size_t rows = weights.size() / moments.width;
        std::copy(weights.begin(), weights.end(), work.target.begin());
        correction.apply(work.target);
        encode_rows(type_id, std::span(work.target).first(weights.size()), moments.width,
                    importance, out);
        work.tile.load(work.target, out, rows);
        choose_integers(influences(type_id), work.tile);
        work.tile.store(out, rows);
    }

    void choose_integers(const Influences& by, TileRounder& tile) const {
        tile.feed_back({by.factor.upper, by.metrics});
        for (int sweep = 0; sweep < setting.sweeps; ++sweep) {
            tile.sweep({by.coupling.matrix, by.coupling.metrics});
        }
    }

    const InputMoments& moments;
    RoundingSetting setting;
    Influences channels;
    Correction correction;
    std::vector<float> importance;
    std::once_flag units_made;
    Influences units;
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
    return state_->channels.factor.gain;
}

std::span<const float> Rounder::importance() const {
    return state_->importance;
}

void Rounder::set_correction(double alpha) {
    state_->correct_by(alpha);
}

std::vector<float> channel_importance(const InputMoments& moments) {
    return damped_diagonal(moments, kImportanceEpsilon);
}

void Rounder::round(int type_id, std::span<const float> weights, std::span<std::byte> out) const {
    check_type(type_id);
    const QType& type = *type_by_id(type_id);
    const size_t width = state_->moments.width;
    check_sizes(type, width, weights.size(), out.size());
    if (!are_finite(weights)) {
        throw Error(ErrorKind::kNotFinite, "weights to be rounded are not finite");
    }
    const size_t rows = weights.size() / width;
    state_->influences(type_id);  // on all threads, which those of tiles would wait for
    tbb::enumerable_thread_specific<State::Work> works([&] { return state_->make_work(type_id); });
    tbb::parallel_for(size_t{0}, (rows + kTileRows - 1) / kTileRows, [&](size_t tile) {
        const size_t first = tile * kTileRows;
        const size_t count = std::min(kTileRows, rows - first);
        state_->round_tile(
            type_id, weights.subspan(first * width, count * width),
            out.subspan(type.row_bytes(first * width), type.row_bytes(count * width)),
            works.local());
    });
}

}  // namespace bitgauge
