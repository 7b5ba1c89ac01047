#pragma once

// The choice of least disturbance for a size, with a bound; private to this room.
//
// D = smooth + switching^(1/p), where both are sums over the items and the second term is concave.
// On an interval of that sum a concave function lies above its chord, so D is bounded below by the
// problem with costs smooth + slope * switching, and that one plan.h solves; the least of these
// bounds over intervals that cover all of its range bounds D over all choices. The choices that
// solve them, made better by following the tangent where they stand [majorisation, Hunter & Lange
// 2004, Am. Stat. 58, 30], are the candidates.
//
// Where the worst stratum counts, each stratum has its own sum of switching, and the bound is that
// of one chord over all their ranges.

#include <memory>
#include <utility>
#include <vector>

#include "cost/mix_items.h"

namespace bitgauge {

struct FoundMix {
    std::vector<uint32_t> choice;
    uint64_t bytes = 0;
    double disturbance = 0;
    double gap = 0;    // relative, to the bound
    double slope = 0;  // of switching at this choice
};

class MixSearch {
  public:
    // `items` must outlive it.
    MixSearch(const MixItems& items, double norm);
    ~MixSearch();

    FoundMix for_bytes(uint64_t bytes) const;
    std::vector<PlanUpgrade> upgrades(const FoundMix& found, uint64_t more_bytes) const;

  private:
    struct Chord;
    struct Solved;
    struct Sum;
    Chord chord_over(double from, double to) const;
    std::pair<double, double> range_of(size_t domain) const;
    std::vector<PlanItem> priced(double slope) const;
    Solved solve(const Chord& chord, uint64_t bytes) const;
    Sum sum_of(const std::vector<uint32_t>& choice) const;
    double slope_at(const std::vector<uint32_t>& choice) const;
    void polish(FoundMix& found, uint64_t bytes) const;

    const MixItems& items_;
    double norm_;
    std::vector<Chord> chords_;
    size_t covering_ = 0;  // so many of them cover all that a choice may sum up to
};

}  // namespace bitgauge
