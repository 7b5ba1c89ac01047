#include "eval/peer_statistics.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "bitgauge/stats.h"

namespace bitgauge {
namespace {

using Statistics = std::map<std::string, double>;

struct Share {
    const char* name;
    double fraction;
};
constexpr std::array kKldShares = {
    Share{"99.9%", 0.999}, Share{"99.0%", 0.99}, Share{"95.0%", 0.95}, Share{"90.0%", 0.90},
    Share{"10.0%", 0.10},  Share{"5.0%", 0.05},  Share{"1.0%", 0.01},  Share{"0.1%", 0.001}};
constexpr std::array kMoreDeltaShares = {Share{"75.0%", 0.75}, Share{"25.0%", 0.25}};

// Mean and its uncertainty, all positions taken as independent.
struct NaiveMean {
    double value = 0;
    double uncertainty = 0;
};

NaiveMean naive_mean(const std::vector<double>& values) {
    Moments moments;
    for (double value : values) moments.add(value);
    const auto n = static_cast<double>(values.size());
    // the peer divides by n and then by n - 1 where an unbiased variance divides by n - 1 and n
    return {moments.mean(), std::sqrt(moments.variance() * (n - 1) / n / (n - 1))};
}

double naive_covariance(const std::vector<double>& a, const std::vector<double>& b) {
    const double mean_a = naive_mean(a).value;
    const double mean_b = naive_mean(b).value;
    double sum = 0;
    for (size_t i = 0; i < a.size(); ++i) sum += (a[i] - mean_a) * (b[i] - mean_b);
    const auto n = static_cast<double>(a.size());
    return sum / n / (n - 1);
}

struct FinitePositions {
    std::vector<double> kld, nll, nll_original, delta;
    double same_top = 0;
};

FinitePositions finite_positions(const PositionValues& values) {
    FinitePositions finite;
    for (size_t i = 0; i < values.size(); ++i) {
        if (values.finite[i] == 0) continue;
        finite.kld.push_back(values.kld[i]);
        finite.nll.push_back(values.nll[i]);
        finite.nll_original.push_back(values.nll_original[i]);
        finite.delta.push_back(std::exp(-values.nll[i]) - std::exp(-values.nll_original[i]));
        finite.same_top += values.same_top[i];
    }
    return finite;
}

void add(Statistics& statistics, const std::string& name, double value, double uncertainty) {
    statistics[name] = value;
    statistics[name + " ±"] = uncertainty;
}

void add_perplexities(const FinitePositions& finite, Statistics& statistics) {
    const NaiveMean ln_q = naive_mean(finite.nll);
    const NaiveMean ln_base = naive_mean(finite.nll_original);
    const double covariance = naive_covariance(finite.nll, finite.nll_original);
    const double ppl = std::exp(ln_q.value);
    const double ppl_base = std::exp(ln_base.value);
    const double ln_ratio = ln_q.value - ln_base.value;
    const double ln_ratio_uncertainty =
        std::sqrt(std::max(0.0, ln_q.uncertainty * ln_q.uncertainty +
                                    ln_base.uncertainty * ln_base.uncertainty - 2 * covariance));
    const double q = ppl * ln_q.uncertainty;
    const double base = ppl_base * ln_base.uncertainty;
    add(statistics, "Mean PPL(Q)", ppl, q);
    add(statistics, "Mean PPL(base)", ppl_base, base);
    statistics["Cor(ln(PPL(Q)), ln(PPL(base)))"] =
        100 * covariance / (ln_q.uncertainty * ln_base.uncertainty);
    add(statistics, "Mean ln(PPL(Q)/PPL(base))", ln_ratio, ln_ratio_uncertainty);
    add(statistics, "Mean PPL(Q)/PPL(base)", std::exp(ln_ratio),
        std::exp(ln_ratio) * ln_ratio_uncertainty);
    add(statistics, "Mean PPL(Q)-PPL(base)", ppl - ppl_base,
        std::sqrt(std::max(0.0, q * q + base * base - 2 * ppl * ppl_base * covariance)));
}

// As the peer interpolates: the rank in single precision, whose error times the gap between two of
// the largest values shows in the printed digits.
double peer_percentile(const std::vector<float>& sorted, double fraction) {
    const float rank = static_cast<float>(fraction) * static_cast<float>(sorted.size() - 1);
    const auto below = static_cast<size_t>(rank);
    const float part = rank - static_cast<float>(below);
    const size_t above = std::min(below + 1, sorted.size() - 1);
    return (1 - part) * sorted[below] + part * sorted[above];
}

template <class Shares>
void add_shares(const std::vector<float>& sorted, const Shares& shares, const std::string& what,
                double unit, Statistics& statistics) {
    for (const auto& [name, fraction] : shares) {
        statistics[std::string(name) + " " + what] = unit * peer_percentile(sorted, fraction);
    }
}

void add_distribution(const std::vector<double>& values, const std::string& what, double unit,
                      Statistics& statistics) {
    std::vector<float> sorted(values.begin(), values.end());
    std::ranges::sort(sorted);
    const NaiveMean mean = naive_mean(values);
    add(statistics, "Mean " + what, unit * mean.value, unit * mean.uncertainty);
    statistics["Maximum " + what] = unit * sorted.back();
    statistics["Minimum " + what] = unit * sorted.front();
    statistics["Median " + what] = unit * quantile_of_sorted(sorted, 0.5);
    add_shares(sorted, kKldShares, what, unit, statistics);
    if (what == "Δp") add_shares(sorted, kMoreDeltaShares, what, unit, statistics);
}

void add_rms(const std::vector<double>& delta, Statistics& statistics) {
    std::vector<double> squares;
    squares.reserve(delta.size());
    for (double d : delta) squares.push_back(d * d);
    const NaiveMean mean = naive_mean(squares);
    const double rms = std::sqrt(mean.value);
    add(statistics, "RMS Δp", 100 * rms, rms > 0 ? 100 * 0.5 / rms * mean.uncertainty : 0);
}

}  // namespace

Statistics peer_statistics(const PositionValues& values) {
    const FinitePositions finite = finite_positions(values);
    Statistics statistics;
    const auto n = static_cast<double>(finite.kld.size());
    if (n < 2) return statistics;
    add_perplexities(finite, statistics);
    add_distribution(finite.kld, "KLD", 1, statistics);
    add_distribution(finite.delta, "Δp", 100, statistics);
    add_rms(finite.delta, statistics);
    const double same = finite.same_top / n;
    add(statistics, "Same top p", 100 * same, 100 * std::sqrt(same * (1 - same) / (n - 1)));
    return statistics;
}

}  // namespace bitgauge
