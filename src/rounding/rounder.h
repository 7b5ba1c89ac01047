#pragma once

// Rounds weights to a type's ordinary blocks with error feedback: what rounding a channel does to
// the output is made good in the channels after it.
//
// Scales and minimums are those of encode_rows() with the importance of the input, and stay; the
// integers are chosen by LDLQ (Chee et al. 2023), which equals GPTQ (Frantar et al. 2022), with
// channels in the order of falling second moment. The target may be corrected for inputs that
// earlier quantized layers have changed (as in GPTAQ, Li et al. 2025). A file of such blocks is
// read like any other.

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "rounding/input_moments.h"

namespace bitgauge {

struct RoundingSetting {
    // lambda of H' = (1 - lambda) H + lambda diag(H) + eps mean(diag H) I. 1: no feedback. Few
    // tokens want more; with many, .01 to .1 hardly differ.
    double damping = 0.01;
    // alpha of the target W + alpha W D H'^-1, D = E[(x - xq) xq^T]. 0: none.
    double correction = 0.5;
    // Passes of coordinate descent after the feedback; each costs twice the feedback. The first
    // takes half a percent off the error of scalar types (1 to 9 of Q2_K), 1.5 to 8 off that of IQ2
    // and IQ3.
    int sweeps = 0;
};

// Whether Rounder::round() takes the type.
bool can_round_with_feedback(int type_id);

// For all matrices with one input. Thread-safe once it is made.
class Rounder {
  public:
    // `moments` outlives this and stays as it is. Error(kNotFinite) for moments that are not
    // finite, of the shift only where it is used, Error(kInput) without tokens. A singular H is met
    // by damping, and eps grows until H' can be factored. Another factor is made when round() meets
    // the first of IQ2 and IQ3.
    Rounder(const InputMoments& moments, const RoundingSetting& setting);
    Rounder(InputMoments&&, const RoundingSetting&) = delete;
    ~Rounder();
    Rounder(Rounder&&) noexcept;
    Rounder& operator=(Rounder&&) noexcept;

    // Expected error with feedback over that without: tr(D) / tr(H') of H' = U D U^T with unit U,
    // in (0, 1]. Without a correction and for scalar types.
    double predicted_gain() const;

    // channel_importance() of its moments.
    std::span<const float> importance() const;

    // Another alpha, without another factor. Not while round() runs. Error(kNotFinite) for a shift
    // that is not finite.
    void set_correction(double alpha);

    // Rows of `width` weights to their blocks, row after row. A row's bytes depend on that row
    // alone. Tiles of rows run on TBB's threads. Error(kInput) where the type has no feedback or
    // the sizes do not fit each other, Error(kNotFinite) for weights that are not finite.
    void round(int type_id, std::span<const float> weights, std::span<std::byte> out) const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// Mean square of each channel, never all zero: what encode_rows() gets. `moments` have tokens.
std::vector<float> channel_importance(const InputMoments& moments);

// What E|W x - V xq|^2 has that depends on V: tr(E H E^T) + 2 tr(W D E^T) with E = W - V, per
// token, summed over rows; negative where V makes good what the input has lost. Lower is better.
// Both are rows of `width`.
double output_error(const InputMoments& moments, std::span<const float> weights,
                    std::span<const float> rounded);

// tr(W H W^T), per token, summed over rows.
double output_energy(const InputMoments& moments, std::span<const float> weights);

}  // namespace bitgauge
