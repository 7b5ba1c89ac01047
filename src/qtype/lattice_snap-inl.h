// From rounded points to points of the grid, in IQ2 and IQ3.
//
// The part of quantize_row_{iq2_xxs,iq2_xs,iq2_s,iq3_xxs,iq3_s}_impl of ggml-quants.c that calls
// iq2_find_best_neighbour and iq3_find_best_neighbour.

// Included once per target (Highway's way).
#if defined(BITGAUGE_QTYPE_LATTICE_SNAP_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BITGAUGE_QTYPE_LATTICE_SNAP_INL_H_
#undef BITGAUGE_QTYPE_LATTICE_SNAP_INL_H_
#else
#define BITGAUGE_QTYPE_LATTICE_SNAP_INL_H_
#endif

#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <hwy/highway.h>

#include "qtype/lattice.h"
#include "qtype/lattice_batch-inl.h"
#include "qtype/nearest_grid-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bitgauge::iq::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// A group of a sub-block, as it is moved onto the grid.
struct Group {
    const float* HWY_RESTRICT x;
    const float* HWY_RESTRICT a;
    uint32_t column;
    uint32_t at;  // place among the codes
};

template <class T>
HWY_INLINE Group group_of(const Batch<T>& b, size_t column, size_t group) {
    const size_t first = column * T::kSub + group * T::kDims;
    return {b.row_x + first, b.row_a + first, static_cast<uint32_t>(column),
            static_cast<uint32_t>(group * kColumns + column)};
}

// The point on the grid for `code`, for any numbers, as the reference finds it.
template <class T>
HWY_INLINE uint32_t snapped(const Lattice& lattice, const Group& group, uint32_t code, float scale,
                            Batch<T>* b) {
    const Lattice::Neighbours list = lattice.neighbours(code);
    if (list.steps == 0) return code;
    const typename T::Terms terms(group.x, group.a, scale);
    const uint32_t found = first_nearest(terms, lattice.candidates(list.first_step), list.steps);
    if (HWY_UNLIKELY(found == kNoGridPoint)) b->failed = true;
    return found & 0xFFFF;
}

// Moves the points of all trials of some groups onto the grid.
//
// The difference of two candidates' distances, divided by the scale, is linear in the scale. So in
// a run of trials with the same rounded point, and hence the same candidates, one that is nearest
// by a margin at both ends is nearest in between; else the run is halved. All groups advance
// together, so that no search waits for the outcome of another.
template <class T>
class TrialSnap {
  public:
    static constexpr size_t kGroups = 32;

    HWY_INLINE TrialSnap(const Lattice& lattice, Batch<T>* b) : lattice_(lattice), b_(*b) {}

    HWY_NOINLINE void add(const Group& group) {
        const size_t g = groups_++;
        group_[g] = group;
        float sum = 0;
        for (size_t i = 0; i < T::kDims; ++i) sum += group.a[i];
        sum_of_a_[g] = sum;
        clear_[g] = 0;
        b_.trial_off_grid[group.at] = static_cast<int32_t>(add_runs(g));
    }

    HWY_INLINE void snap() {
        search();
        while (runs_ > 0) {
            settle_or_halve();
            search();
            runs_ = halves_;
            std::swap(run_, half_);
        }
        groups_ = 0;
    }

  private:
    static constexpr size_t kTrials = Batch<T>::kTrials;
    static constexpr size_t kSearches = kGroups * kTrials;

    // Trials first..last of a group, with the same candidates; the ends are on the grid. One word,
    // as words that are put together in memory are slow to read again.
    class Run {
      public:
        Run() = default;
        HWY_INLINE Run(Lattice::Neighbours list, size_t group, size_t first, size_t last)
            : bits_(uint64_t{list.first_step} | uint64_t{list.steps} << 24 | uint64_t{group} << 32 |
                    uint64_t{first} << 40 | uint64_t{last} << 48) {}
        HWY_INLINE Lattice::Neighbours list() const {
            return {static_cast<uint32_t>(bits_) & 0xFFFFFF,
                    static_cast<uint32_t>(bits_ >> 24) & 255};
        }
        HWY_INLINE size_t group() const { return (bits_ >> 32) & 255; }
        HWY_INLINE size_t first() const { return (bits_ >> 40) & 255; }
        HWY_INLINE size_t last() const { return bits_ >> 48; }

      private:
        uint64_t bits_ = 0;
    };

    // A bit for each trial whose point is not on the grid.
    HWY_INLINE uint32_t add_runs(size_t g) {
        const uint32_t at = group_[g].at;
        auto changed = static_cast<uint32_t>(b_.changed[at]);
        uint64_t starts = changed;
        uint64_t off_grid = 0;
        while (starts != 0) {
            const auto first = static_cast<uint32_t>(std::countr_zero(starts));
            starts &= starts - 1;
            const auto end =
                static_cast<uint32_t>(std::countr_zero(starts | uint64_t{1} << kTrials));
            const auto list = lattice_.neighbours(static_cast<uint32_t>(b_.trial_code[first][at]));
            const size_t off = list.steps != 0 ? 1 : 0;
            off_grid |= ((uint64_t{1} << end) - (uint64_t{1} << first)) & (0 - uint64_t{off});
            const uint32_t last = end - 1;
            changed |= static_cast<uint32_t>(off) << last;
            add_search(Run(list, g, first, last), off);
            add_search(Run(list, g, last, last), off & (last > first ? 1 : 0));
            run_[runs_] = Run(list, g, first, last);
            runs_ += off & (last - first > 1 ? 1 : 0);
        }
        b_.changed[at] = static_cast<int32_t>(changed);
        return static_cast<uint32_t>(off_grid);
    }

    // Adds a search in trial `where.first()` if `count` is 1, not if it is 0: most decisions here
    // are beyond a processor's guessing, so none is a branch. Searches of one step and of more are
    // kept apart for the same reason.
    HWY_INLINE void add_search(Run where, size_t count) {
        short_[shorts_] = where;
        long_[longs_] = where;
        const size_t is_short =
            where.list().steps * Lattice::kStep <= hn::Lanes(StepFloats()) ? 1 : 0;
        shorts_ += count & is_short;
        longs_ += count & (1 - is_short);
    }

    HWY_NOINLINE void search() {
        for (size_t i = 0; i < shorts_; ++i) {
            take(short_[i],
                 [&](const typename T::Terms& terms, Lattice::Neighbours list, float reach) {
                     return nearest_of_one_step(terms, lattice_.candidates(list.first_step), reach);
                 });
        }
        for (size_t i = 0; i < longs_; ++i) {
            take(long_[i],
                 [&](const typename T::Terms& terms, Lattice::Neighbours list, float reach) {
                     return nearest_of_steps(terms, lattice_.candidates(list.first_step),
                                             list.steps, reach);
                 });
        }
        shorts_ = 0;
        longs_ = 0;
    }

    template <class Search>
    HWY_INLINE void take(Run where, Search nearest) {
        const Group& group = group_[where.group()];
        const size_t trial = where.first();
        const float scale = b_.trial_scale[trial][group.column];
        const float top = scale * (2 * T::kLevels - 1);
        const typename T::Terms terms(group.x, group.a, scale);
        const Nearest found = nearest(terms, where.list(), top * top * sum_of_a_[where.group()]);
        b_.trial_code[trial][group.at] = static_cast<int32_t>(found.code);
        clear_[where.group()] |= static_cast<uint32_t>(found.clear ? 1 : 0) << trial;
    }

    HWY_NOINLINE void settle_or_halve() {
        halves_ = 0;
        for (size_t r = 0; r < runs_; ++r) {
            const Run run = run_[r];
            const size_t first = run.first();
            const size_t last = run.last();
            const size_t middle = (first + last) / 2;
            const uint32_t at = group_[run.group()].at;
            const uint32_t clear = clear_[run.group()];
            const bool same = b_.trial_code[first][at] == b_.trial_code[last][at];
            const size_t settled = (clear >> first) & (clear >> last) & (same ? 1 : 0);
            b_.changed[at] |= static_cast<int32_t>((1 - settled) << middle);
            add_search(Run(run.list(), run.group(), middle, middle), 1 - settled);
            half_[halves_] = Run(run.list(), run.group(), first, middle);
            halves_ += (1 - settled) & (middle - first > 1 ? 1 : 0);
            half_[halves_] = Run(run.list(), run.group(), middle, last);
            halves_ += (1 - settled) & (last - middle > 1 ? 1 : 0);
        }
    }

    const Lattice& lattice_;
    Batch<T>& b_;
    size_t groups_ = 0;
    Group group_[kGroups];
    float sum_of_a_[kGroups];
    uint32_t clear_[kGroups];  // bit per trial: nearest by a margin
    size_t shorts_ = 0;
    size_t longs_ = 0;
    size_t runs_ = 0;
    size_t halves_ = 0;
    Run short_[kSearches + 1];
    Run long_[kSearches + 1];
    Run runs_of_[2][kSearches + 2];
    Run* run_ = runs_of_[0];
    Run* half_ = runs_of_[1];
};

// The same without shortcuts, where numbers may be of any size.
template <class T>
HWY_NOINLINE void snap_each_trial(const Lattice& lattice, const Group& group, Batch<T>* b) {
    uint32_t off_grid = 0;
    for (size_t t = 0; t < Batch<T>::kTrials; ++t) {
        int32_t& code = b->trial_code[t][group.at];
        const auto rounded = static_cast<uint32_t>(code);
        if (lattice.neighbours(rounded).steps != 0) off_grid |= 1U << t;
        code = static_cast<int32_t>(
            snapped(lattice, group, rounded, b->trial_scale[t][group.column], b));
    }
    b->changed[group.at] = -1;
    b->trial_off_grid[group.at] = static_cast<int32_t>(off_grid);
}

template <class T>
HWY_INLINE void snap_trials(const Lattice& lattice, TrialSnap<T>* snap, Batch<T>* b) {
    constexpr size_t kColumnsAtOnce = TrialSnap<T>::kGroups / Batch<T>::kGroups;
    for (size_t column = 0; column < kColumns; ++column) {
        for (size_t g = 0; b->active[column] != 0 && g < Batch<T>::kGroups; ++g) {
            if (b->tame) {
                snap->add(group_of(*b, column, g));
            } else {
                snap_each_trial(lattice, group_of(*b, column, g), b);
            }
        }
        if (column % kColumnsAtOnce == kColumnsAtOnce - 1) snap->snap();
    }
}

}  // namespace bitgauge::iq::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
