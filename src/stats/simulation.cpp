#include "stats/simulation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include <boost/math/distributions/normal.hpp>

#include "stats/pairwise.h"
#include "stats/random.h"

namespace bitgauge::stats {

namespace {

// Normal numbers two at a time [Box & Muller 1958]: the same on every machine.
class Normal {
  public:
    explicit Normal(uint64_t seed) : random_(seed, 1) {}

    double next() {
        if (has_spare_) {
            has_spare_ = false;
            return spare_;
        }
        const double radius = std::sqrt(-2 * std::log(random_.uniform()));
        const double angle = 2 * std::numbers::pi * random_.uniform();
        spare_ = radius * std::sin(angle);
        has_spare_ = true;
        return radius * std::cos(angle);
    }

  private:
    SplitMix64 random_;
    double spare_ = 0;
    bool has_spare_ = false;
};

// A log-normal factor with mean 1.
struct Factor {
    double sigma = 0;

    static Factor with_cv(double cv) { return {std::sqrt(std::log1p(cv * cv))}; }
    double operator()(double normal) const { return std::exp(sigma * normal - sigma * sigma / 2); }
};

double document_cv2(const CorpusModel& m) {
    return m.icc * m.token_cv * m.token_cv;
}

// Of one position beside its document's effect: cv^2 such that the product has `token_cv`.
double position_cv2(const CorpusModel& m) {
    return (1 + m.token_cv * m.token_cv) / (1 + document_cv2(m)) - 1;
}

double draw_length(double median, double sigma, Normal& normal) {
    return std::clamp(std::floor(median * std::exp(sigma * normal.next())), 16.0, 16 * median);
}

// Shares of the variance and the tails of a token's ln(P / Q): fixed, as seen in practice.
constexpr double kLnRatioSd = 0.2, kLnRatioIcc = 0.03, kOwnTokenCv = 0.5, kOwnDocumentCv = 0.1;

struct Effects {
    Factor document, token, own_document, own_token, ratio_tail;

    explicit Effects(const CorpusModel& m)
        : document(Factor::with_cv(std::sqrt(document_cv2(m)))),
          own_document(Factor::with_cv(kOwnDocumentCv)),
          own_token(Factor::with_cv(kOwnTokenCv)),
          ratio_tail(Factor::with_cv(1.0)) {
        const double own_cv2 =
            (1 + kOwnDocumentCv * kOwnDocumentCv) * (1 + kOwnTokenCv * kOwnTokenCv);
        token = Factor::with_cv(std::sqrt((1 + position_cv2(m)) / own_cv2 - 1));
    }
};

// Appends document number `index` of `corpus`.
void simulate_document(const CorpusModel& m, const Effects& effects, uint32_t index, Normal& normal,
                       SimulatedCorpus& corpus) {
    const auto length = static_cast<size_t>(draw_length(m.median_length, m.length_sigma, normal));
    const double shared = m.kld_nats * effects.document(normal.next());
    const double a = shared * effects.own_document(normal.next());
    const double b = m.b_over_a * shared * effects.own_document(normal.next());
    const double drift = m.ln_ppl_ratio + kLnRatioSd * std::sqrt(kLnRatioIcc) * normal.next();
    double sum_a = 0, sum_b = 0, sum_ratio = 0;
    for (size_t i = 0; i < length; ++i) {
        const double token = effects.token(normal.next());
        const double kld_a = a * token * effects.own_token(normal.next());
        const double kld_b = b * token * effects.own_token(normal.next());
        const double scale = std::sqrt((1 - kLnRatioIcc) / 2) * effects.ratio_tail(normal.next());
        const double ln_ratio = drift + kLnRatioSd * scale * normal.next();
        sum_a += kld_a;
        sum_b += kld_b;
        sum_ratio += ln_ratio;
        corpus.values.push_back(static_cast<float>(kld_a));
        corpus.cluster.push_back(index);
        corpus.difference_values.push_back(static_cast<float>(kld_a - kld_b));
        corpus.ln_ratio_values.push_back(static_cast<float>(ln_ratio));
    }
    corpus.counts.push_back(static_cast<double>(length));
    corpus.kld_a.push_back(sum_a);
    corpus.kld_b.push_back(sum_b);
    corpus.ln_ratio.push_back(sum_ratio);
}

SimulatedCandidates first_documents(const SimulatedCandidates& all, size_t n) {
    SimulatedCandidates part;
    part.counts.assign(all.counts.begin(), all.counts.begin() + static_cast<ptrdiff_t>(n));
    for (const auto& series : all.sums)
        part.sums.emplace_back(series.begin(), series.begin() + static_cast<ptrdiff_t>(n));
    return part;
}

bool any_pair_wrong(const SimulatedCandidates& seen, std::span<const double> means, double alpha) {
    const std::vector<Pair> pairs = pairs_by_p_value(seen.sums, seen.counts);
    const size_t decided = holm_decided(pairs, alpha);
    return std::any_of(pairs.begin(), pairs.begin() + static_cast<ptrdiff_t>(decided),
                       [&](const Pair& pair) {
                           const double truth = means[pair.a] - means[pair.b];
                           return pair.test.ratio * truth <= 0;
                       });
}

bool any_rank_above(std::span<const int> ranks, std::span<const double> means) {
    for (size_t c = 0; c < means.size(); ++c) {
        const auto lower =
            std::count_if(means.begin(), means.end(), [&](double mean) { return mean < means[c]; });
        if (ranks[c] > 1 + lower) return true;
    }
    return false;
}

}  // namespace

SimulatedCorpus simulate_corpus(const CorpusModel& model, uint64_t seed) {
    const Effects effects(model);
    Normal normal(seed);
    SimulatedCorpus corpus;
    for (uint32_t d = 0; d < model.documents; ++d)
        simulate_document(model, effects, d, normal, corpus);
    return corpus;
}

double true_quantile(const CorpusModel& model, double q) {
    const Effects e(model);
    const auto square = [](double x) { return x * x; };
    const double variance = square(e.document.sigma) + square(e.token.sigma) +
                            square(e.own_document.sigma) + square(e.own_token.sigma);
    const double z = boost::math::quantile(boost::math::normal_distribution<double>(), q);
    return model.kld_nats * std::exp(std::sqrt(variance) * z - variance / 2);
}

Estimate tokens_as_independent(std::span<const float> values) {
    double sum = 0, squares = 0;
    for (double x : values) {
        sum += x;
        squares += x * x;
    }
    const double n = static_cast<double>(values.size()), mean = sum / n;
    const double half = 1.96 * std::sqrt((squares / n - mean * mean) / (n - 1));
    return {mean, mean - half, mean + half};
}

SimulatedCandidates simulate_candidates(const RankingModel& model, uint64_t seed) {
    const Factor document = Factor::with_cv(model.document_cv), own = Factor::with_cv(model.own_cv);
    Normal normal(seed);
    SimulatedCandidates candidates;
    candidates.sums.resize(model.means.size());
    for (size_t d = 0; d < model.documents; ++d) {
        const double length = draw_length(300, model.length_sigma, normal);
        const double shared = document(normal.next());
        candidates.counts.push_back(length);
        for (size_t c = 0; c < model.means.size(); ++c)
            candidates.sums[c].push_back(length * model.means[c] * shared * own(normal.next()));
    }
    return candidates;
}

void Coverage::add(const Estimate& interval, double truth) {
    if (!interval.has_interval()) {
        ++without;
        return;
    }
    ++trials;
    if (truth < interval.low) ++truth_below;
    if (truth > interval.high) ++truth_above;
    width_sum += interval.high - interval.low;
}

double Coverage::share() const {
    return 1 - static_cast<double>(truth_below + truth_above) / static_cast<double>(trials);
}

double Coverage::mean_width() const {
    return width_sum / static_cast<double>(trials);
}

SequentialRun run_sequential(const SimulatedCandidates& candidates, std::span<const double> means,
                             const SequentialPlan& plan) {
    SequentialRun run;
    const auto looks = static_cast<size_t>(plan.looks);
    for (size_t look = 1; look <= looks && !run.settled; ++look) {
        const size_t documents = candidates.counts.size() * look / looks;
        const SimulatedCandidates seen = first_documents(candidates, documents);
        const SequentialDecision decision = decide_ranking(seen.sums, seen.counts, plan);
        run.any_wrong_order |= any_pair_wrong(seen, means, plan.alpha / plan.looks);
        run.any_rank_too_high |= any_rank_above(decision.ranks, means);
        run.settled = decision.settled;
        run.share_read = static_cast<double>(look) / static_cast<double>(looks);
    }
    return run;
}

}  // namespace bitgauge::stats
