#pragma once

// What each tensor of a model costs in each type, and the mix of types that costs least.
//
//   divergence(mix) = floor + scale * D(mix) ^ exponent
//   D(mix) = sum_t l_t (e_t + a) + (sum_t (f_t sqrt(e_t + a)) ^ p) ^ (1/p)
//
// e_t: relative error of tensor t in its type, from really encoding it; a: what activations of 8
// bits add wherever a tensor is quantized. The first sum is the smooth part, linear in the squared
// error [Malinovskii et al. 2024, arXiv 2411.17525]. The second is what switching experts adds: a
// disturbance flips a choice with a probability that grows as its size, the square root of e_t, and
// disturbances of several tensors join as a p-norm, not as a sum. l_t and f_t come from disturbing
// tensor t alone with two errors; a dense model has f_t = 0. p, scale, exponent and floor come from
// whole mixes that were measured. Derived and measured: docs/decisions/0015-cost.md.
//
// Units: nats per token, bytes. Everything here is a value or a pure function, thus thread-safe;
// failures are Error(kInput).

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bitgauge/estimate.h"
#include "bitgauge/plan.h"
#include "bitgauge/recipe.h"
#include "bitgauge/sweep_table.h"

namespace bitgauge {

using Mix = std::map<std::string, std::string>;  // tensor -> ggml's name of its type

// --- sensitivities -------------------------------------------------------------------------------

struct Sensitivity {
    enum class Source {
        kMeasured,
        kInterpolated,  // between measured layers of the same role, on the logarithm
        kPrior,         // of other models
    };
    struct Anchor {
        double error = 0;
        double nats = 0;  // that the tensor alone adds with this error
        // Per cluster of the sweep's text: sums over its positions. Empty: prior.
        std::vector<double> cluster_sums;
    };

    std::vector<Anchor> anchors;  // at least one; errors ascend
    double smooth = 0;            // l_t: nats per unit of error
    double switching = 0;         // f_t: nats per root of error
    Source source = Source::kMeasured;

    // What the tensor alone adds with `error`.
    double nats_at(double error) const;
    // The anchor whose clusters stand for `error`: the nearest on the logarithm.
    const Anchor& anchor_near(double error) const;
};

// One for each of table.tensors, in nats of the text of the table's whole mixes: probes are of a
// part of it, and mixes measured on both give the ratio. A tensor disturbed once, where others were
// disturbed twice, shares their proportion of switching. A role without any probe gets the mean of
// all probed tensors.
// Error(kInput) where the table has no probe at all.
std::vector<Sensitivity> sensitivities(const SweepTable& table);

// Layers between measured ones of a role whose sensitivities differ by more than `factor`: indices
// into table.tensors, one in the middle of each such gap. Empty: the depth is covered.
std::vector<size_t> to_refine(const SweepTable& table, double factor);

// --- from disturbances to divergences ------------------------------------------------------------

// How single disturbances join, and what they come to.
struct Calibration {
    double norm = 1.4;  // p
    double scale = 1;
    double exponent = 1;
    double floor = 0;  // nats

    // How far the fit is off at mixes that were measured: ln of what the part above the floor is
    // over the fit's. Between two of them linear in ln(disturbance), beyond them as at the nearest.
    struct Correction {
        double disturbance = 0;
        double log_ratio = 0;
    };
    std::vector<Correction> corrections;  // disturbances ascend; empty: the fit alone

    double divergence(double disturbance) const;
    double disturbance_for(double divergence) const;  // its inverse; 0 at or below the floor
};

// From the table's mixes, those measured on the probes' own text left out: with switching, p (1 to
// 2) and the scale, least squares on the logarithm; without, the scale from one mix, the exponent
// (0.7 to 1.5) from two, the floor from three. No mixes: as Calibration is made.
Calibration calibrate(const SweepTable& table, const std::vector<Sensitivity>& sensitivities);

// `fit` of the table, with corrections that lead it through the table's mixes: what is planned near
// one of them is promised what that one came to. Where mixes of more disturbance came to less,
// neighbours are averaged until none does [pool adjacent violators; Ayer et al. 1955].
Calibration through_mixes(const Calibration& fit, const SweepTable& table,
                          const std::vector<Sensitivity>& sensitivities);

// --- mixes ---------------------------------------------------------------------------------------

// "PATTERN=VALUE" of the command line; * and ? over a tensor's role or its whole name.
struct MixRule {
    std::string pattern;
    std::string value;  // a type's name; bits per weight; a size in bytes
};

// Seconds that a tensor's product adds to the time of one token: tensor -> type -> seconds.
using MixSeconds = std::map<std::string, std::map<std::string, double>>;

struct MixOptions {
    std::vector<std::string> types;                 // ggml's names; empty: planned_types()
    std::vector<MixRule> pins;                      // pattern=type ("keep": as in the original)
    std::vector<MixRule> fewest_bits;               // pattern=bits per weight
    std::vector<MixRule> pools;                     // pattern=bytes: all matching tensors together
    bool ties = false;                              // one type for gate/up, q/k/v of a layer
    std::map<std::string, double> stratum_weights;  // empty: as the text has them
    bool worst_stratum = false;
    // Where speeds are known: types that are not there for a tensor are not chosen for it.
    MixSeconds seconds;
    double most_seconds = std::numeric_limits<double>::infinity();  // of the sweep's tensors
};

// The types a plan chooses from unless told otherwise.
const std::vector<std::string>& planned_types();

struct MixPlan {
    Mix mix;                  // every tensor of the sweep
    uint64_t file_bytes = 0;  // to the byte where ExactSize was given
    double disturbance = 0;   // D of the mix
    Estimate predicted_nats;  // interval: of the sweep's text
    double bound_gap = 0;     // relative: no mix of this size has a smaller D by more
    struct Share {
        std::string tensor;
        std::string type;
        double nats = 0;  // that D would lose without it, to first order
    };
    std::vector<Share> dearest;  // first the largest
    struct Upgrade {
        std::string tensor;
        std::string from, to;
        uint64_t bytes = 0;
        double nats = 0;
    };
    std::vector<Upgrade> next;  // what the next 100 MiB, or 1 % of the file, would buy
};

// A model, its sweep and what is asked of the mix: everything that plans share.
class Mixer {
  public:
    // Error(kInput): the table is of another model; no such type; a pin that no tensor matches, or
    // two that contradict each other; a tensor left without any type.
    Mixer(const ModelHeader& model, const SweepTable& table,
          const std::vector<Sensitivity>& sensitivities, const MixOptions& options,
          const Calibration& calibration);

    // The whole file in its smallest and largest form.
    uint64_t smallest_bytes() const;
    uint64_t largest_bytes() const;

    // Least divergence for a file of at most so many bytes; the smallest file of at most so much
    // (within 0.01 %). Error(kInput), with the range, where there is none.
    // `exact`: the whole size of a mix' file, with what its maker writes about itself.
    using ExactSize = std::function<uint64_t(const Mix&)>;
    MixPlan for_bytes(uint64_t file_bytes, const ExactSize& exact = {}) const;
    MixPlan for_divergence(double nats, const ExactSize& exact = {}) const;

    // Seconds per token of its products by MixOptions::seconds; NaN where one is not known.
    double seconds(const Mix& mix) const;
    // The least that any mix for a file of so many bytes comes to, most_seconds aside. Requires
    // MixOptions::seconds and bytes >= smallest_bytes().
    double fewest_seconds(uint64_t file_bytes) const;

    // Of any mix of the sweep's tensors; types that a tensor has no error for are refused.
    double disturbance(const Mix& mix) const;
    Estimate predict(const Mix& mix) const;

    // Size and predicted divergence of `points` plans from the smallest to the largest.
    struct Point {
        uint64_t file_bytes = 0;
        double nats = 0;
    };
    std::vector<Point> curve(size_t points) const;

  private:
    struct State;
    std::shared_ptr<const State> state_;
};

}  // namespace bitgauge
