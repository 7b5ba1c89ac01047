#pragma once

// What each tensor of a model costs in each type, and the mix of types that costs least.
//
//   divergence(mix) = floor + scale * (sum over tensors t of s_t(e_t(type of t))) ^ exponent
//
// s_t: sensitivity, the nats that tensor t alone adds, measured by a sweep; proportional to the
// error [linear in the squared error: Malinovskii et al. 2024, arXiv 2411.17525] as far as it was
// measured at one error only; e_t: the relative error of tensor t in a type, from really encoding
// it. Floor, scale and exponent come from whole
// mixes that were measured; where none were, 0, 1 and 1. What is minimised does not depend on them.
//
// Units: nats per token, bytes. Everything here is a value or a pure function, thus thread-safe;
// failures are Error(kInput).

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bitgauge/estimate.h"
#include "bitgauge/plan.h"
#include "bitgauge/recipe.h"
#include "bitgauge/sweep_table.h"

namespace bitgauge {

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
    Source source = Source::kMeasured;

    // What the tensor adds with `error`: a power law between anchors, proportional beyond them.
    double nats_at(double error) const;
    // The anchor whose clusters stand for `error`: the nearest on the logarithm.
    const Anchor& anchor_near(double error) const;
    double per_unit() const { return anchors.front().nats / anchors.front().error; }
};

// One for each of table.tensors. A role without any probe gets the weighted mean of all probed
// tensors. Error(kInput) where the table has no probe at all.
std::vector<Sensitivity> sensitivities(const SweepTable& table);

// Layers between measured ones of a role whose sensitivities differ by more than `factor`: indices
// into table.tensors, one in the middle of each such gap. Empty: the depth is covered.
std::vector<size_t> to_refine(const SweepTable& table, double factor);

// --- from sums to divergences --------------------------------------------------------------------

struct CalibrationPoint {
    double sum = 0;       // s_t * e_t over the mix
    double measured = 0;  // nats
};

struct Calibration {
    double floor = 0;  // nats: what the runtime itself adds (activations of 8 bits, flipped experts)
    double scale = 1;
    double exponent = 1;
    std::vector<CalibrationPoint> points;  // that it comes from

    double divergence(double sum) const;
    double sum_for(double divergence) const;  // its inverse; 0 at or below the floor
};

// The curve through one to three points: one gives the scale, two also the exponent (within 0.7 and
// 1.5; beyond, the nearer end), three also the floor.
Calibration calibrate(std::vector<CalibrationPoint> points);

// --- mixes ---------------------------------------------------------------------------------------

// "PATTERN=VALUE" of the command line; * and ? over a tensor's role or its whole name.
struct MixRule {
    std::string pattern;
    std::string value;  // a type's name; bits per weight; a size
};

struct MixOptions {
    std::vector<std::string> types;     // ggml's names; empty: planned_types()
    std::vector<MixRule> pins;          // pattern=type ("keep": as in the original)
    std::vector<MixRule> fewest_bits;   // pattern=bits per weight
    std::vector<MixRule> pools;         // pattern=bytes: all matching tensors together
    bool ties = false;                  // gate/up and q/k/v of a layer get one type
    std::map<std::string, double> stratum_weights;  // empty: as the text has them
    bool worst_stratum = false;
};

// The types a plan chooses from unless told otherwise.
const std::vector<std::string>& planned_types();

using Mix = std::map<std::string, std::string>;  // tensor -> ggml's name of its type

struct MixPlan {
    Mix mix;                    // every tensor of the sweep
    std::string recipe;         // text of it
    uint64_t file_bytes = 0;    // without what the quantizer writes about itself
    double sum = 0;             // of s_t e_t
    Estimate predicted_nats;    // interval: of the sweep's text and of the calibration
    double bound_gap = 0;       // relative: no mix of this size has a sum smaller by more
    std::vector<std::string> rules;  // of the options that decided something
    struct Share {
        std::string tensor;
        std::string type;
        double nats = 0;  // s_t e_t
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
    // two that contradict each other; a tensor left without any type. All must outlive it.
    Mixer(const ModelHeader& model, const SweepTable& table, std::vector<Sensitivity> sensitivities,
          const MixOptions& options, Calibration calibration);

    // The whole file in its smallest and largest useful form.
    uint64_t smallest_bytes() const;
    uint64_t largest_bytes() const;

    // Least divergence for a file of at most so many bytes; the smallest file of at most so much.
    MixPlan for_bytes(uint64_t file_bytes) const;
    MixPlan for_divergence(double nats) const;

    // Sum and prediction of any mix of the sweep's tensors; types that a tensor has no error for
    // are refused.
    double sum_of(const Mix& mix) const;
    Estimate predict(const Mix& mix) const;
    uint64_t bytes_of(const Mix& mix) const;

    // size -> predicted divergence: the ends of the frontier's steps, at most `points` of them.
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
