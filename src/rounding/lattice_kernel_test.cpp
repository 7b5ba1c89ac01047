#include "rounding/lattice_kernel.h"

#include <array>
#include <bit>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "bitgauge/qtype.h"

#include "rounding/aligned.h"
#include "rounding/lattice_table.h"
#include "rounding/rounding_testing.h"

namespace bitgauge {
namespace {

constexpr float kStep = 0.25F;

// All that a unit may be, a half at a time: values of every point with every sign.
struct Half {
    std::array<double, 8> v{};
    int minus = 0;
};

std::vector<Half> signed_points(const LatticeTable& table, size_t points) {
    std::vector<Half> all;
    for (size_t index = 0; index < points; ++index) {
        for (int signs = 0; signs < 1 << table.dims(); ++signs) {
            Half half;
            half.minus = std::popcount(static_cast<unsigned>(signs));
            for (size_t i = 0; i < table.dims(); ++i) {
                const double value = table.values()[index * table.dims() + i];
                half.v[i] = (signs >> i & 1) != 0 ? -value : value;
            }
            all.push_back(half);
        }
    }
    return all;
}

using Error = std::array<double, 8>;

double cost_of(const UnitMetric& metric, const Error& error) {
    double cost = 0;
    for (size_t i = 0; i < 8; ++i) {
        for (size_t j = 0; j < 8; ++j) cost += error[i] * double{metric.full[i * 8 + j]} * error[j];
    }
    return cost;
}

// Less than `least`, where there is.
double least_of_wholes(const UnitMetric& metric, const Error& target, const LatticeTable& table,
                       bool even, double least) {
    const size_t points = table.points();
    for (const Half& half : signed_points(table, points)) {
        if (even && half.minus % 2 != 0) continue;
        Error error = target;
        for (size_t i = 0; i < 8; ++i) error[i] -= half.v[i];
        least = std::min(least, cost_of(metric, error));
    }
    return least;
}

// What a first half costs whatever the second is.
double bound_of(const UnitMetric& metric, const Error& error) {
    double cost = 0;
    for (size_t i = 0; i < 4; ++i) {
        for (size_t j = 0; j < 4; ++j) {
            cost += error[i] * double{metric.first[i * 4 + j]} * error[j];
        }
    }
    return cost;
}

// cost = e1 S11 e1 + 2 e1 S12 e2 + e2 S22 e2.
double least_of_halves(const UnitMetric& metric, const Error& target, const LatticeTable& table,
                       bool even, double least) {
    const std::vector<Half> halves = signed_points(table, table.points());
    std::vector<double> own(halves.size());
    for (size_t h = 0; h < halves.size(); ++h) {
        Error error{};
        for (size_t i = 0; i < 4; ++i) error[4 + i] = target[4 + i] - halves[h].v[i];
        own[h] = cost_of(metric, error);
    }
    for (const Half& first : halves) {
        Error error{};
        for (size_t i = 0; i < 4; ++i) error[i] = target[i] - first.v[i];
        if (bound_of(metric, error) > 1.0001 * least) continue;
        const double base = cost_of(metric, error);

        std::array<double, 4> slope{};
        double constant = base;
        for (size_t j = 0; j < 4; ++j) {
            for (size_t i = 0; i < 4; ++i)
                slope[j] += 2 * error[i] * double{metric.full[i * 8 + 4 + j]};
            constant += slope[j] * target[4 + j];
        }
        for (size_t h = 0; h < halves.size(); ++h) {
            if (even && (first.minus + halves[h].minus) % 2 != 0) continue;
            double cost = constant + own[h];
            for (size_t j = 0; j < 4; ++j) cost -= slope[j] * halves[h].v[j];
            least = std::min(least, cost);
        }
    }
    return least;
}

struct Found {
    AlignedVector<float> target = AlignedVector<float>(8 * kTileRows);
    AlignedVector<float> errors = AlignedVector<float>(8 * kTileRows);
    std::vector<UnitPoint> points = std::vector<UnitPoint>(kTileRows);
};

Found rounded(const FrozenLattice& lattice, const UnitMetric& metric, float size, unsigned seed) {
    Found found;
    const std::vector<float> weights = synthetic_weights(8 * kTileRows, seed);
    for (size_t i = 0; i < weights.size(); ++i) found.target[i] = weights[i] * 50 * size * kStep;
    found.errors = found.target;
    const AlignedVector<float> steps(kTileRows, kStep);
    const AlignedVector<float> inverses(kTileRows, 1 / kStep);
    const uint32_t group = 0;
    round_units(lattice, {.block = {.columns = 8,
                                    .target = found.target.data(),
                                    .errors = found.errors.data(),
                                    .feedback = nullptr,
                                    .stride = 8,
                                    .groups = nullptr,
                                    .steps = steps.data(),
                                    .inverses = inverses.data(),
                                    .offsets = nullptr,
                                    .levels = nullptr},
                          .metrics = &metric,
                          .groups = &group,
                          .points = found.points.data()});
    return found;
}

Error row_of(const AlignedVector<float>& tile, size_t row) {
    Error values{};
    for (size_t i = 0; i < 8; ++i) values[i] = double{tile[i * kTileRows + row]} / double{kStep};
    return values;
}

// Of eight levels or four: magnitudes of a size that the grid has.
float middle_value(const FrozenLattice& lattice) {
    return lattice.values[lattice.values.size() / 2] / 1.5F;
}

UnitMetric metric_of(const InputMoments& moments) {
    Factor factor = factor_moments(moments, 0.01, kUnitWeights);
    return join_units(factor).front();
}

UnitMetric spectrum_metric(double decay) {
    return metric_of(moments_of(64, SyntheticInput(64, decay, 3).tokens(1024, 1)));
}

// Neighbouring channels have this correlation.
UnitMetric neighbour_metric(float likeness) {
    InputMoments moments = {.width = 8, .tokens = 1, .second = std::vector<float>(64)};
    for (size_t i = 0; i < 8; ++i) {
        for (size_t j = 0; j <= i; ++j) {
            moments.second[i * 8 + j] = std::pow(likeness, static_cast<float>(i - j));
        }
    }
    return metric_of(moments);
}

template <class Check>
void for_each_type(const Check& check) {
    for (const QType& type : all_types()) {
        const FrozenLattice* lattice = frozen_lattice(type.id);
        if (lattice == nullptr) continue;
        SCOPED_TRACE(type.name);
        check(*lattice);
    }
}

TEST(RoundUnits, ErrorsAreThoseOfThePointsAndSigns) {
    const UnitMetric metric = spectrum_metric(1);
    for_each_type([&](const FrozenLattice& lattice) {
        const Found found = rounded(lattice, metric, middle_value(lattice), 1);
        const LatticeTable& table = LatticeTable::of(lattice);
        for (size_t r = 0; r < kTileRows; ++r) {
            const UnitPoint& point = found.points[r];
            EXPECT_TRUE(!lattice.even_signs || std::popcount(point.signs) % 2 == 0);
            for (size_t i = 0; i < 8; ++i) {
                const float magnitude =
                    table.values()[point.index[i / table.dims()] * table.dims() + i % table.dims()];
                const float v = (point.signs >> i & 1) != 0 ? -magnitude : magnitude;
                EXPECT_NEAR(found.errors[i * kTileRows + r],
                            found.target[i * kTileRows + r] - v * kStep, 1e-4);
            }
        }
    });
}

// Of some rows: what was found to the least there is.
double cost_ratio(const FrozenLattice& lattice, const UnitMetric& metric) {
    const LatticeTable& table = LatticeTable::of(lattice);
    const bool wholes = table.dims() == 8;
    const auto least_of = wholes ? least_of_wholes : least_of_halves;
    const Found found = rounded(lattice, metric, middle_value(lattice), 7);
    double found_cost = 0;
    double least_cost = 0;
    for (size_t r = 0; r < kTileRows; r += wholes ? 8 : 16) {
        const double cost = cost_of(metric, row_of(found.errors, r));
        found_cost += cost;
        least_cost += least_of(metric, row_of(found.target, r), table, lattice.even_signs, cost);
    }
    return found_cost / least_cost;
}

TEST(RoundUnits, CostsLittleMoreThanTheBestOfAllPointsAndSigns) {
    const UnitMetric metric = spectrum_metric(1.5);
    for_each_type(
        [&](const FrozenLattice& lattice) { EXPECT_LE(cost_ratio(lattice, metric), 1.01); });
}

// The few points that are kept were ranked with other signs than the best have.
TEST(RoundUnits, CostsSomewhatMoreWhereNeighboursAreAlike) {
    const UnitMetric metric = neighbour_metric(0.5F);
    for_each_type(
        [&](const FrozenLattice& lattice) { EXPECT_LE(cost_ratio(lattice, metric), 1.06); });
}

}  // namespace
}  // namespace bitgauge
