#pragma once

// Chooses how strong feedback and correction are, and whether to use them, on tokens held out.
//
// Too few tokens make feedback worse than none (H is mostly noise), so nothing is trusted that does
// not pay on `check`.

#include <span>
#include <vector>

#include "rounding/input_moments.h"
#include "rounding/rounder.h"

namespace bitgauge {

struct RoundingCandidates {
    // Not empty.
    std::vector<double> dampings = {0.003, 0.01, 0.03, 0.1, 0.3};
    // Tried at the best damping, where `fit` has a shift.
    std::vector<double> corrections = {0, 0.25, 0.5, 0.75, 1};
    // Tokens that the prior counts for, as multiples of the width; where a prior is given. Chosen
    // at the middle one of the dampings.
    std::vector<double> prior_strengths = {0, 0.25, 1, 4};
    // Added to the best of these.
    int sweeps = 0;
};

// Passes of coordinate descent that are worth their time: one for IQ2, IQ3 and Q2_K, none for
// types that gain half a percent or so by it (RoundingSetting::sweeps).
int sweeps_worth_trying(int type_id);

struct RoundingChoice {
    RoundingSetting setting;
    double prior_tokens = 0;  // to give to InputMoments::add_prior()
    // Of the sample on `check`, as output_error() counts.
    double nearest_error = 0;
    double feedback_error = 0;
    double predicted_gain = 1;
    // False: encode_rows() is at least as good on `check`; take its bytes.
    bool use_feedback = false;
};

// `sample`: some rows of the matrix (a hundred say enough). `fit` and `check` are moments of
// different tokens, both with some; one with a shift wants it in both. `prior`: moments that `fit`
// is shrunk towards, such as a whole layer's for one expert. Thread-safe; runs on TBB's threads.
// Errors are Rounder's.
RoundingChoice choose_setting(const InputMoments& fit, const InputMoments& check, int type_id,
                              std::span<const float> sample,
                              const RoundingCandidates& candidates = {},
                              const InputMoments* prior = nullptr);

}  // namespace bitgauge
