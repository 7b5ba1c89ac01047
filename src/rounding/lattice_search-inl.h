// The point of a grid and the signs that are nearest to a target of eight, in the metric of a unit;
// a row per lane. lattice_kernel.h says how.
//
// Everything is in steps: a candidate v has the values of a point, times signs.

// Included once per instruction set.
#if defined(BITGAUGE_ROUNDING_LATTICE_SEARCH_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef BITGAUGE_ROUNDING_LATTICE_SEARCH_INL_H
#undef BITGAUGE_ROUNDING_LATTICE_SEARCH_INL_H
#else
#define BITGAUGE_ROUNDING_LATTICE_SEARCH_INL_H
#endif

#include <cstddef>
#include <cstdint>
#include <limits>

#include <hwy/highway.h>

#include "rounding/lattice_table.h"
#include "rounding/unit_metric.h"

HWY_BEFORE_NAMESPACE();
namespace bitgauge::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::CappedTag<float, 16>;
using Ints = hn::RebindToSigned<Floats>;
using Vec = hn::Vec<Floats>;
using IntVec = hn::Vec<Ints>;

HWY_INLINE Vec set(float value) {
    return hn::Set(Floats(), value);
}
HWY_INLINE IntVec set_int(int value) {
    return hn::Set(Ints(), value);
}
HWY_INLINE Vec sign_of(Vec v) {
    return hn::And(v, hn::SignBit(Floats()));
}

// A metric, row by row.
struct Metric {
    const float* values;
    size_t stride;

    HWY_INLINE Vec at(size_t i, size_t j) const { return set(values[i * stride + j]); }
};

// All points of a table in one metric, with given signs; the best few of them by cost.
template <size_t kDims, size_t kKept>
class PointSearch {
  public:
    // `target` and `signs` (sign bits): kDims each.
    HWY_INLINE PointSearch(const LatticeTable& table, Metric metric, const Vec* target,
                           const Vec* signs)
        : table_(table) {
        set_up(metric, target, signs);
        cost_second_halves();
        for (IntVec& key : keys_) key = set_int(std::numeric_limits<int32_t>::max());
        for (const LatticeTable::Run& run : table.runs()) search(run);
    }

    HWY_INLINE IntVec index(size_t place) const {
        return hn::And(keys_[place], set_int(LatticeTable::kIndexMask));
    }

  private:
    static constexpr size_t kHalf = kDims / 2;

    // cost(g) = constant + sum over i of g_i (square_ii g_i + sum over j < i of square_ij g_j +
    // linear_i) for the magnitudes g.
    HWY_INLINE void set_up(Metric metric, const Vec* target, const Vec* signs) {
        constant_ = hn::Zero(Floats());
        for (size_t i = 0; i < kDims; ++i) {
            Vec product = hn::Zero(Floats());
            for (size_t j = 0; j < kDims; ++j) {
                product = hn::MulAdd(metric.at(i, j), target[j], product);
            }
            constant_ = hn::MulAdd(product, target[i], constant_);
            linear_[i] = hn::Mul(hn::Xor(product, signs[i]), set(-2));
            square_[i][i] = metric.at(i, i);
            for (size_t j = 0; j < i; ++j) {
                square_[i][j] =
                    hn::Xor(hn::Mul(set(2), metric.at(i, j)), hn::Xor(signs[i], signs[j]));
            }
        }
    }

    // What dimensions from `first` cost by themselves.
    HWY_INLINE Vec own_cost(size_t first, const float* values, const Vec* linear, Vec cost) const {
        for (size_t i = 0; i < kHalf; ++i) {
            Vec factor = linear[i];
            for (size_t j = 0; j <= i; ++j) {
                factor = hn::MulAdd(square_[first + i][first + j], set(values[j]), factor);
            }
            cost = hn::MulAdd(factor, set(values[i]), cost);
        }
        return cost;
    }

    HWY_INLINE void cost_second_halves() {
        Vec none[kHalf];
        for (Vec& linear : none) linear = hn::Zero(Floats());
        for (size_t h = 0; h < table_.halves(); ++h) {
            hn::Store(own_cost(kHalf, table_.half_values(h), none, hn::Zero(Floats())), Floats(),
                      second_ + h * hn::MaxLanes(Floats()));
        }
    }

    HWY_INLINE void search(const LatticeTable::Run& run) {
        const float* first = table_.half_values(run.first_half);
        const Vec base = own_cost(0, first, linear_, constant_);
        Vec linear[kHalf];
        for (size_t i = 0; i < kHalf; ++i) {
            linear[i] = linear_[kHalf + i];
            for (size_t j = 0; j < kHalf; ++j) {
                linear[i] = hn::MulAdd(square_[kHalf + i][j], set(first[j]), linear[i]);
            }
        }
        for (const LatticeTable::Point point : run.points) {
            const float* values = table_.half_values(point.second_half);
            Vec cost = hn::Add(
                base, hn::Load(Floats(), second_ + point.second_half * hn::MaxLanes(Floats())));
            for (size_t i = 0; i < kHalf; ++i) {
                cost = hn::MulAdd(linear[i], set(values[i]), cost);
            }
            keep(cost, point.index);
        }
    }

    // Costs are not negative, so their bits are in their order.
    HWY_INLINE void keep(Vec cost, int index) {
        const auto bits = hn::BitCast(Ints(), hn::Max(cost, hn::Zero(Floats())));
        IntVec key = hn::Or(hn::AndNot(set_int(LatticeTable::kIndexMask), bits), set_int(index));
        if (hn::AllFalse(Ints(), hn::Lt(key, keys_[kKept - 1]))) return;
        for (IntVec& kept : keys_) {
            const IntVec better = hn::Min(kept, key);
            key = hn::Max(kept, key);
            kept = better;
        }
    }

    const LatticeTable& table_;
    Vec square_[kDims][kDims];
    Vec linear_[kDims];
    Vec constant_;
    HWY_ALIGN float second_[LatticeTable::kMostHalves * hn::MaxLanes(Floats())];
    IntVec keys_[kKept];
};

struct Candidate {
    Vec v[kUnitWeights];
    IntVec index[2];
    Vec cost;
};

// Changes signs of a candidate, one or two at once, while that helps; of even numbers of signs, two
// at once, after one change where their number is odd.
class SignSearch {
  public:
    HWY_INLINE SignSearch(Metric metric, const Vec* target, bool even, Candidate& candidate)
        : metric_(metric), even_(even), candidate_(candidate) {
        for (size_t i = 0; i < kUnitWeights; ++i) error_[i] = hn::Sub(target[i], candidate.v[i]);
        multiply();
        if (even) make_even();
        for (int round = 0; round < kRounds && improve(); ++round) {
        }
        candidate_.cost = hn::Zero(Floats());
        for (size_t i = 0; i < kUnitWeights; ++i) {
            candidate_.cost = hn::MulAdd(error_[i], product_[i], candidate_.cost);
        }
    }

  private:
    static constexpr int kRounds = 4;

    HWY_INLINE void multiply() {
        for (size_t i = 0; i < kUnitWeights; ++i) {
            product_[i] = hn::Zero(Floats());
            for (size_t j = 0; j < kUnitWeights; ++j) {
                product_[i] = hn::MulAdd(metric_.at(i, j), error_[j], product_[i]);
            }
        }
    }

    // Turning v_i adds 2 v_i to the error.
    HWY_INLINE Vec turn(size_t i) const { return hn::Add(candidate_.v[i], candidate_.v[i]); }

    HWY_INLINE Vec rise_of(size_t i) const {
        const Vec d = turn(i);
        return hn::Mul(d, hn::MulAdd(d, metric_.at(i, i), hn::Add(product_[i], product_[i])));
    }

    // Bits of the signs to turn: the single one that costs least.
    HWY_INLINE IntVec cheapest_turn() const {
        Vec least = rise_of(0);
        IntVec turns = set_int(1);
        for (size_t i = 1; i < kUnitWeights; ++i) consider(rise_of(i), 1 << i, least, turns);
        return turns;
    }

    static HWY_INLINE void consider(Vec rise, int change, Vec& least, IntVec& turns) {
        const auto better = hn::Lt(rise, least);
        least = hn::IfThenElse(better, rise, least);
        turns = hn::IfThenElse(hn::RebindMask(Ints(), better), set_int(change), turns);
    }

    HWY_INLINE void make_even() {
        Vec sign = candidate_.v[0];
        for (size_t i = 1; i < kUnitWeights; ++i) sign = hn::Xor(sign, candidate_.v[i]);
        const auto odd = hn::BroadcastSignBit(hn::BitCast(Ints(), sign));
        apply(hn::And(odd, cheapest_turn()));
    }

    // False when no change helps in any lane.
    HWY_INLINE bool improve() {
        Vec rises[kUnitWeights];
        Vec least = hn::Zero(Floats());
        IntVec turns = hn::Zero(Ints());
        for (size_t i = 0; i < kUnitWeights; ++i) {
            rises[i] = rise_of(i);
            if (!even_) consider(rises[i], 1 << i, least, turns);
            const Vec twice = hn::Mul(set(2), turn(i));
            for (size_t j = 0; j < i; ++j) {
                const Vec both = hn::Mul(hn::Mul(twice, turn(j)), metric_.at(i, j));
                consider(hn::Add(hn::Add(rises[i], rises[j]), both), 1 << i | 1 << j, least, turns);
            }
        }
        if (hn::AllTrue(Ints(), hn::Eq(turns, hn::Zero(Ints())))) return false;
        apply(turns);
        return true;
    }

    HWY_INLINE void apply(IntVec turns) {
        for (size_t i = 0; i < kUnitWeights; ++i) {
            const IntVec bit = hn::And(turns, set_int(1 << i));
            const auto turned = hn::RebindMask(Floats(), hn::Ne(bit, hn::Zero(Ints())));
            error_[i] = hn::Add(error_[i], hn::IfThenElseZero(turned, turn(i)));
            candidate_.v[i] = hn::IfThenElse(turned, hn::Neg(candidate_.v[i]), candidate_.v[i]);
        }
        multiply();
    }

    Metric metric_;
    bool even_;
    Candidate& candidate_;
    Vec error_[kUnitWeights];
    Vec product_[kUnitWeights];
};

// How many points are kept for changes of signs: more where not every change is allowed.
template <bool kEven>
struct Kept {
    static constexpr size_t kWholes = kEven ? 8 : 4;
    static constexpr size_t kFirstHalves = kEven ? 4 : 2;
    static constexpr size_t kSecondHalves = kEven ? 2 : 1;
};

template <bool kEven>
class UnitSearch : Kept<kEven> {
  public:
    HWY_INLINE UnitSearch(const LatticeTable& table, const UnitMetric& metric, const Vec* target)
        : table_(table), metric_(metric), full_{metric.full.data(), kUnitWeights}, target_(target) {
        best_.cost = set(std::numeric_limits<float>::infinity());
        if (table.dims() == kUnitWeights) {
            search_wholes();
        } else {
            search_halves();
        }
    }

    const Candidate& best() const { return best_; }

  private:
    using Kept<kEven>::kWholes;
    using Kept<kEven>::kFirstHalves;
    using Kept<kEven>::kSecondHalves;
    static constexpr size_t kHalf = UnitMetric::kHalf;

    HWY_INLINE void search_wholes() {
        Vec signs[kUnitWeights];
        for (size_t i = 0; i < kUnitWeights; ++i) signs[i] = sign_of(target_[i]);
        if (kEven) make_even(signs);
        const PointSearch<kUnitWeights, kWholes> search(table_, full_, target_, signs);
        for (size_t place = 0; place < kWholes; ++place) {
            Candidate candidate;
            candidate.index[0] = search.index(place);
            candidate.index[1] = hn::Zero(Ints());
            gather<kUnitWeights>(candidate.index[0], signs, candidate.v);
            finish(candidate);
        }
    }

    // Turns the sign that matters least by itself, where their number is odd.
    HWY_INLINE void make_even(Vec* signs) const {
        Vec all = signs[0];
        for (size_t i = 1; i < kUnitWeights; ++i) all = hn::Xor(all, signs[i]);
        Vec least = hn::Mul(hn::Abs(target_[0]), full_.at(0, 0));
        IntVec turned = hn::Zero(Ints());
        for (size_t i = 1; i < kUnitWeights; ++i) {
            const Vec weight = hn::Mul(hn::Abs(target_[i]), full_.at(i, i));
            const auto less = hn::Lt(weight, least);
            least = hn::IfThenElse(less, weight, least);
            turned =
                hn::IfThenElse(hn::RebindMask(Ints(), less), set_int(static_cast<int>(i)), turned);
        }
        for (size_t i = 0; i < kUnitWeights; ++i) {
            const auto here =
                hn::RebindMask(Floats(), hn::Eq(turned, set_int(static_cast<int>(i))));
            signs[i] = hn::Xor(signs[i], hn::IfThenElseZero(here, all));
        }
    }

    HWY_INLINE void search_halves() {
        Vec signs[kHalf];
        for (size_t i = 0; i < kHalf; ++i) signs[i] = sign_of(target_[i]);
        const PointSearch<kHalf, kFirstHalves> search(table_, {metric_.first.data(), kHalf},
                                                      target_, signs);
        for (size_t place = 0; place < kFirstHalves; ++place) {
            Candidate candidate;
            candidate.index[0] = search.index(place);
            gather<kHalf>(candidate.index[0], signs, candidate.v);
            search_second(candidate);
        }
    }

    HWY_INLINE void search_second(Candidate& candidate) {
        Vec target[kHalf];
        Vec signs[kHalf];
        for (size_t j = 0; j < kHalf; ++j) {
            target[j] = target_[kHalf + j];
            for (size_t i = 0; i < kHalf; ++i) {
                const Vec error = hn::Sub(target_[i], candidate.v[i]);
                target[j] = hn::MulAdd(error, set(metric_.carry[i * kHalf + j]), target[j]);
            }
            signs[j] = sign_of(target[j]);
        }
        const PointSearch<kHalf, kSecondHalves> search(
            table_, {metric_.full.data() + kHalf * kUnitWeights + kHalf, kUnitWeights}, target,
            signs);
        for (size_t place = 0; place < kSecondHalves; ++place) {
            Candidate whole = candidate;
            whole.index[1] = search.index(place);
            gather<kHalf>(whole.index[1], signs, whole.v + kHalf);
            finish(whole);
        }
    }

    template <size_t kDims>
    HWY_INLINE void gather(IntVec index, const Vec* signs, Vec* v) const {
        const IntVec at = hn::Mul(index, set_int(static_cast<int>(kDims)));
        for (size_t i = 0; i < kDims; ++i) {
            v[i] = hn::Xor(hn::GatherIndex(Floats(), table_.values() + i, at), signs[i]);
        }
    }

    HWY_INLINE void finish(Candidate& candidate) {
        const SignSearch signs(full_, target_, kEven, candidate);
        const auto better = hn::Lt(candidate.cost, best_.cost);
        const auto better_int = hn::RebindMask(Ints(), better);
        best_.cost = hn::IfThenElse(better, candidate.cost, best_.cost);
        for (size_t i = 0; i < kUnitWeights; ++i) {
            best_.v[i] = hn::IfThenElse(better, candidate.v[i], best_.v[i]);
        }
        for (size_t half = 0; half < 2; ++half) {
            best_.index[half] =
                hn::IfThenElse(better_int, candidate.index[half], best_.index[half]);
        }
    }

    const LatticeTable& table_;
    const UnitMetric& metric_;
    Metric full_;
    const Vec* target_;
    Candidate best_;
};

}  // namespace bitgauge::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
