#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "bitgauge/accuracy.h"
#include "bitgauge/error.h"

#include "stats/score_interval.h"

namespace bitgauge {

namespace {

struct Normals {
    double alpha, power;  // z_{1 - alpha/2}, z_{power}
};

Normals normals_of(const TestPower& test) {
    stats::require_open_share(test.power, "the power");
    return {stats::two_sided_z(1 - test.alpha), stats::normal_quantile(test.power)};
}

void require_share(double share, double least, const char* name) {
    if (share >= least && share <= 1) return;
    throw Error(ErrorKind::kInput,
                fmt::format("{} is {}, which is not between {} and 1", name, share, least));
}

}  // namespace

std::optional<uint64_t> questions_to_separate(double p_a, double p_b, double discordant_share,
                                              const TestPower& test) {
    const Normals z = normals_of(test);
    require_share(p_a, 0, "the first accuracy");
    require_share(p_b, 0, "the second accuracy");
    const double delta = std::abs(p_a - p_b);
    const double rounding = 1e-12;  // of a difference of two measured shares
    require_share(discordant_share, std::max(delta - rounding, 0.0), "the share of discordance");
    const double psi = std::max(discordant_share, delta);
    if (delta == 0) return std::nullopt;
    const double root = z.alpha * std::sqrt(psi) + z.power * std::sqrt(psi - delta * delta);
    return static_cast<uint64_t>(std::ceil(root * root / (delta * delta)));
}

// From sqrt(n) delta - z_a sqrt(psi) = z_p sqrt(psi - delta^2), squared: of the two roots the one
// on the side of z_p's sign.
std::optional<double> detectable_difference(uint64_t n, double discordant_share,
                                            const TestPower& test) {
    const Normals z = normals_of(test);
    require_share(discordant_share, 0, "the share of discordance");
    const double questions = static_cast<double>(n), power2 = z.power * z.power;
    const double inner = questions + power2 - z.alpha * z.alpha;
    if (n == 0 || discordant_share == 0 || inner < 0) return std::nullopt;
    const double delta = std::sqrt(discordant_share) *
                         (z.alpha * std::sqrt(questions) + z.power * std::sqrt(inner)) /
                         (questions + power2);
    if (delta > discordant_share) return std::nullopt;
    return delta;
}

}  // namespace bitgauge
