#include "eval/peer_statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace bitgauge {
namespace {

// What kl_divergence() of llama.cpp's tools/perplexity/perplexity.cpp sums up and prints, statement
// by statement (sums in double; p_diff and its square as there).
struct Peer {
    explicit Peer(const PositionValues& values) {
        for (size_t i = 0; i < values.size(); ++i) {
            if (values.finite[i] == 0) continue;
            const double nll = values.nll[i];
            const double base = values.nll_original[i];
            const double p_diff = std::exp(-nll) - std::exp(-base);
            sum_nll += nll;
            sum_nll2 += nll * nll;
            sum_base += base;
            sum_base2 += base * base;
            sum_product += nll * base;
            sum_kld += values.kld[i];
            sum_kld2 += values.kld[i] * values.kld[i];
            sum_p_diff += p_diff;
            sum_p_diff2 += p_diff * p_diff;
            sum_p_diff4 += p_diff * p_diff * p_diff * p_diff;
            same_top += values.same_top[i];
            ++count;
            kld.push_back(static_cast<float>(values.kld[i]));
            delta.push_back(static_cast<float>(p_diff));
        }
        std::ranges::sort(kld);
        std::ranges::sort(delta);
    }

    struct Mean {
        double value, uncertainty;
    };
    Mean mean(double sum, double sum2) const {
        const double f = sum / count;
        const double df = sum2 / count - f * f;
        return {f, df > 0 && count > 10 ? std::sqrt(df / (count - 1)) : 0};
    }
    double covariance() const {
        return (sum_product / count - sum_nll / count * (sum_base / count)) / (count - 1);
    }
    static double percentile(const std::vector<float>& values, float fraction) {
        float p = fraction * static_cast<float>(values.size() - 1);
        const auto ip = static_cast<size_t>(p);
        p -= static_cast<float>(ip);
        return (1 - p) * values[ip] + p * values[std::min(ip + 1, values.size() - 1)];
    }

    double sum_nll = 0, sum_nll2 = 0, sum_base = 0, sum_base2 = 0, sum_product = 0, sum_kld = 0,
           sum_kld2 = 0, sum_p_diff = 0, sum_p_diff2 = 0, sum_p_diff4 = 0, same_top = 0, count = 0;
    std::vector<float> kld, delta;
};

PositionValues some_values(size_t n) {
    PositionValues values;
    for (size_t i = 0; i < n; ++i) {
        const auto x = static_cast<double>(i);
        const double base = 1.5 + std::sin(x) + 0.3 * std::cos(2.1 * x);
        values.push_back({.kld_nats = std::exp(2 * std::sin(1.7 * x) - 4),
                          .nll_nats = base + 0.1 * std::sin(3.3 * x) + 0.02,
                          .reference_nats = base,
                          .same_top = i % 7 != 0,
                          .finite = true});
    }
    return values;
}

// Both figures to 1e-9 of their size: sums of squares as the peer takes them cancel that much.
void expect(const std::map<std::string, double>& got, const std::string& name, double wanted) {
    ASSERT_TRUE(got.contains(name)) << name;
    EXPECT_NEAR(got.at(name), wanted, 1e-9 * std::max(1.0, std::abs(wanted))) << name;
}

TEST(PeerStatistics, ArePerplexitiesByThePeersFormulas) {
    const Peer peer(some_values(500));
    const auto got = peer_statistics(some_values(500));
    const auto q = peer.mean(peer.sum_nll, peer.sum_nll2);
    const auto base = peer.mean(peer.sum_base, peer.sum_base2);
    const double covariance = peer.covariance();
    const double ppl = std::exp(q.value);
    const double ppl_base = std::exp(base.value);
    expect(got, "Mean PPL(Q)", ppl);
    expect(got, "Mean PPL(Q) ±", ppl * q.uncertainty);
    expect(got, "Mean PPL(base)", ppl_base);
    expect(got, "Mean PPL(base) ±", ppl_base * base.uncertainty);
    expect(got, "Cor(ln(PPL(Q)), ln(PPL(base)))",
           100 * covariance / (q.uncertainty * base.uncertainty));
    const double ratio = q.value - base.value;
    const double ratio_uncertainty = std::sqrt(
        q.uncertainty * q.uncertainty + base.uncertainty * base.uncertainty - 2 * covariance);
    expect(got, "Mean ln(PPL(Q)/PPL(base))", ratio);
    expect(got, "Mean ln(PPL(Q)/PPL(base)) ±", ratio_uncertainty);
    expect(got, "Mean PPL(Q)/PPL(base)", std::exp(ratio));
    expect(got, "Mean PPL(Q)/PPL(base) ±", std::exp(ratio) * ratio_uncertainty);
    expect(got, "Mean PPL(Q)-PPL(base)", ppl - ppl_base);
    const double a = ppl * q.uncertainty;
    const double b = ppl_base * base.uncertainty;
    expect(got, "Mean PPL(Q)-PPL(base) ±",
           std::sqrt(a * a + b * b - 2 * ppl * ppl_base * covariance));
}

TEST(PeerStatistics, AreMeansAndSharesByThePeersFormulas) {
    const Peer peer(some_values(500));
    const auto got = peer_statistics(some_values(500));
    const auto kld = peer.mean(peer.sum_kld, peer.sum_kld2);
    expect(got, "Mean KLD", kld.value);
    expect(got, "Mean KLD ±", kld.uncertainty);
    const auto delta = peer.mean(peer.sum_p_diff, peer.sum_p_diff2);
    expect(got, "Mean Δp", 100 * delta.value);
    expect(got, "Mean Δp ±", 100 * delta.uncertainty);
    const auto square = peer.mean(peer.sum_p_diff2, peer.sum_p_diff4);
    const double rms = std::sqrt(square.value);
    expect(got, "RMS Δp", 100 * rms);
    expect(got, "RMS Δp ±", 100 * 0.5 / rms * square.uncertainty);
    const double same = peer.same_top / peer.count;
    expect(got, "Same top p", 100 * same);
    expect(got, "Same top p ±", 100 * std::sqrt(same * (1 - same) / (peer.count - 1)));
}

TEST(PeerStatistics, HaveThePeersPercentiles) {
    for (const size_t n : {500UL, 501UL}) {
        const Peer peer(some_values(n));
        const auto got = peer_statistics(some_values(n));
        const std::pair<const char*, float> shares[] = {
            {"99.9%", 0.999F}, {"99.0%", 0.99F}, {"95.0%", 0.95F}, {"90.0%", 0.9F},
            {"10.0%", 0.1F},   {"5.0%", 0.05F},  {"1.0%", 0.01F},  {"0.1%", 0.001F}};
        for (const auto& [name, share] : shares) {
            EXPECT_FLOAT_EQ(static_cast<float>(got.at(std::string(name) + " KLD")),
                            static_cast<float>(Peer::percentile(peer.kld, share)));
            EXPECT_FLOAT_EQ(static_cast<float>(got.at(std::string(name) + " Δp")),
                            static_cast<float>(100 * Peer::percentile(peer.delta, share)));
        }
        for (const auto& [name, share] : {std::pair("75.0% Δp", 0.75F), {"25.0% Δp", 0.25F}}) {
            EXPECT_FLOAT_EQ(static_cast<float>(got.at(name)),
                            static_cast<float>(100 * Peer::percentile(peer.delta, share)));
        }
        const float median =
            n % 2 == 0 ? 0.5F * (peer.kld[n / 2] + peer.kld[n / 2 - 1]) : peer.kld[n / 2];
        EXPECT_FLOAT_EQ(static_cast<float>(got.at("Median KLD")), median);
        EXPECT_EQ(got.at("Maximum KLD"), peer.kld.back());
        EXPECT_EQ(got.at("Minimum KLD"), peer.kld.front());
        EXPECT_FLOAT_EQ(static_cast<float>(got.at("Maximum Δp")), 100 * peer.delta.back());
    }
}

TEST(PeerStatistics, LeaveOutWhatIsNotFinite) {
    PositionValues values = some_values(300);
    PositionValues with_broken = values;
    const double nan = std::numeric_limits<double>::quiet_NaN();
    with_broken.push_back({nan, nan, 1, false, false});
    EXPECT_EQ(peer_statistics(with_broken), peer_statistics(values));
}

TEST(PeerStatistics, OfAModelAgainstItselfAreZeros) {
    PositionValues values;
    for (int i = 0; i < 50; ++i) values.push_back({0, 1.0 + i % 5, 1.0 + i % 5, true, true});
    const auto got = peer_statistics(values);
    EXPECT_EQ(got.at("Mean KLD"), 0);
    EXPECT_EQ(got.at("RMS Δp"), 0);
    EXPECT_EQ(got.at("RMS Δp ±"), 0);
    EXPECT_EQ(got.at("Mean ln(PPL(Q)/PPL(base))"), 0);
    EXPECT_NEAR(got.at("Cor(ln(PPL(Q)), ln(PPL(base)))"), 100, 1e-9);
    EXPECT_EQ(got.at("Same top p"), 100);
    EXPECT_EQ(got.at("Same top p ±"), 0);
    for (const auto& [name, value] : got) EXPECT_TRUE(std::isfinite(value)) << name;
}

TEST(PeerStatistics, NeedTwoPositions) {
    EXPECT_TRUE(peer_statistics(some_values(1)).empty());
    EXPECT_TRUE(peer_statistics({}).empty());
}

}  // namespace
}  // namespace bitgauge
