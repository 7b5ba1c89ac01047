#include "rounding/choose_setting.h"

#include <limits>

#include "bitgauge/qtype.h"

#include "rounding/tile_grid.h"

namespace bitgauge {
namespace {

InputMoments with_prior(const InputMoments& fit, const InputMoments* prior, double tokens) {
    InputMoments moments = fit;
    if (prior != nullptr && tokens > 0) moments.add_prior(*prior, tokens);
    return moments;
}

// Settings are tried on the sample, and the best on `check` is kept.
class Trials {
  public:
    Trials(const InputMoments& check, int type_id, std::span<const float> sample)
        : check_(check), type_id_(type_id), sample_(sample), decoded_(sample.size()) {
        bytes_.resize(type_by_id(type_id)->row_bytes(sample.size()));
    }

    void take_nearest(std::span<const float> importance) {
        encode_rows(type_id_, sample_, check_.width, importance, bytes_);
        best_.nearest_error = decoded_error();
        best_.use_feedback = best_.feedback_error < best_.nearest_error;
    }

    void take(const InputMoments& moments, double prior_tokens, const RoundingSetting& setting) {
        take(Rounder(moments, setting), prior_tokens, setting);
    }

    // `rounder` is of this setting.
    void take(const Rounder& rounder, double prior_tokens, const RoundingSetting& setting) {
        rounder.round(type_id_, sample_, bytes_);
        const double error = decoded_error();
        if (!(error < best_.feedback_error)) return;
        best_.setting = setting;
        best_.prior_tokens = prior_tokens;
        best_.feedback_error = error;
        best_.predicted_gain = rounder.predicted_gain();
    }

    const RoundingChoice& best() const { return best_; }

  private:
    double decoded_error() {
        decode_row(type_id_, bytes_, decoded_);
        return output_error(check_, sample_, decoded_);
    }

    const InputMoments& check_;
    int type_id_;
    std::span<const float> sample_;
    std::vector<std::byte> bytes_;
    std::vector<float> decoded_;
    RoundingChoice best_ = {.feedback_error = std::numeric_limits<double>::infinity()};
};

std::vector<double> prior_counts(const RoundingCandidates& candidates, size_t width, bool prior) {
    if (!prior) return {0};
    std::vector<double> counts = candidates.prior_strengths;
    for (double& count : counts) count *= static_cast<double>(width);
    return counts;
}

double middle_damping(const RoundingCandidates& candidates) {
    return candidates.dampings[candidates.dampings.size() / 2];
}

void try_priors(const InputMoments& fit, const InputMoments* prior,
                const RoundingCandidates& candidates, Trials& trials) {
    for (const double count : prior_counts(candidates, fit.width, prior != nullptr)) {
        const InputMoments moments = with_prior(fit, prior, count);
        if (moments.tokens == 0) continue;
        trials.take(moments, count, {.damping = middle_damping(candidates), .correction = 0});
    }
}

void try_other_dampings(const InputMoments& moments, const RoundingCandidates& candidates,
                        Trials& trials) {
    const double count = trials.best().prior_tokens;
    for (const double damping : candidates.dampings) {
        if (damping == middle_damping(candidates)) continue;
        trials.take(moments, count, {.damping = damping, .correction = 0});
    }
}

void try_corrections(const InputMoments& moments, const RoundingCandidates& candidates,
                     Trials& trials) {
    if (moments.shift.empty()) return;
    const RoundingChoice best = trials.best();
    Rounder rounder(moments, best.setting);
    for (const double correction : candidates.corrections) {
        if (correction == 0) continue;
        rounder.set_correction(correction);
        trials.take(rounder, best.prior_tokens,
                    {.damping = best.setting.damping, .correction = correction});
    }
}

void try_sweeps(const InputMoments& moments, const RoundingCandidates& candidates, Trials& trials) {
    if (candidates.sweeps == 0) return;
    RoundingSetting setting = trials.best().setting;
    setting.sweeps = candidates.sweeps;
    trials.take(moments, trials.best().prior_tokens, setting);
}

}  // namespace

int sweeps_worth_trying(int type_id) {
    const bool is_coarse = find_type("q2_K")->id == type_id;
    return is_coarse || feedback_unit(type_id) > 1 ? 1 : 0;
}

RoundingChoice choose_setting(const InputMoments& fit, const InputMoments& check, int type_id,
                              std::span<const float> sample, const RoundingCandidates& candidates,
                              const InputMoments* prior) {
    Trials trials(check, type_id, sample);
    try_priors(fit, prior, candidates, trials);
    const InputMoments moments = with_prior(fit, prior, trials.best().prior_tokens);
    try_other_dampings(moments, candidates, trials);
    try_corrections(moments, candidates, trials);
    try_sweeps(moments, candidates, trials);
    trials.take_nearest(channel_importance(moments));
    return trials.best();
}

}  // namespace bitgauge
