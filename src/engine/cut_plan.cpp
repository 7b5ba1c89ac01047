#include "engine/cut_plan.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include <fmt/format.h>

namespace bitgauge {
namespace {

// What a run needs at least one layer of.
struct Kinds {
    bool recurrent = false, attention = false, windowed = false, global = false, sparse = false;

    bool all() const { return recurrent && attention && windowed && global && sparse; }
    uint32_t count() const {
        return uint32_t{recurrent} + uint32_t{attention} + uint32_t{windowed} + uint32_t{global} +
               uint32_t{sparse};
    }
    void add(const Kinds& more) {
        recurrent |= more.recurrent;
        attention |= more.attention;
        windowed |= more.windowed;
        global |= more.global;
        sparse |= more.sparse;
    }
};

Kinds kinds_of(const LayerFacts& layer) {
    return {.recurrent = layer.recurrent,
            .attention = layer.attention,
            .windowed = layer.windowed,
            .global = !layer.windowed,
            .sparse = layer.sparse};
}

class Planner {
  public:
    explicit Planner(const Anatomy& model)
        : model_(model), dense_(model.number("leading_dense_block_count", 0)) {
        Kinds present;
        for (const LayerFacts& layer : model.layers()) present.add(kinds_of(layer));
        const bool hybrid = present.recurrent && present.attention;
        free_ = {.recurrent = !hybrid,
                 .attention = !hybrid,
                 .windowed = !present.windowed,
                 .global = !model.rule().needs_global || !present.global,
                 .sparse = !model.rule().needs_sparse || !present.sparse};
    }

    // The shortest runs there are, in order; their first layers.
    std::vector<uint32_t> smallest() const {
        std::vector<uint32_t> begins;
        for (uint32_t layer = 0; layer < model_.count(); ++layer) {
            if (model_.layers()[layer].cut_before) begins.push_back(layer);
        }
        if (begins.empty() || begins.front() != 0) begins.insert(begins.begin(), 0);
        while (begins.size() > 1 && !can_be_last(begins.back())) begins.pop_back();
        merge_avoided(begins);
        return begins;
    }

    CutStage stage(uint32_t begin, uint32_t end) const {
        CutStage stage{.first = begin == 0, .last = end == model_.count()};
        for (uint32_t layer = begin; layer < end; ++layer) {
            stage.layers.push_back(layer);
            stage.bytes += model_.layers()[layer].bytes;
        }
        stage.real = end - begin;
        if (!stage.last) append_zeros(stage);
        return stage;
    }

  private:
    Kinds kinds_in(const std::vector<uint32_t>& layers) const {
        Kinds kinds = free_;
        for (const uint32_t layer : layers) kinds.add(kinds_of(model_.layers()[layer]));
        return kinds;
    }

    // Nothing can be appended to the last run: what stands behind would be computed.
    bool can_be_last(uint32_t begin) const {
        std::vector<uint32_t> layers(model_.count() - begin);
        std::iota(layers.begin(), layers.end(), begin);
        return kinds_in(layers).all() && layers.size() >= model_.rule().least_layers;
    }

    void merge_avoided(std::vector<uint32_t>& begins) const {
        const uint32_t avoided = model_.rule().avoided_layers;
        if (avoided == 0) return;
        for (size_t i = begins.size(); i-- > 1;) {
            const uint32_t end = i + 1 < begins.size() ? begins[i + 1] : model_.count();
            if (end - begins[i] == avoided)
                begins.erase(begins.begin() + static_cast<ptrdiff_t>(i));
        }
        const uint32_t first_end = begins.size() > 1 ? begins[1] : model_.count();
        if (begins.size() > 1 && first_end == avoided) begins.erase(begins.begin() + 1);
    }

    void append_zeros(CutStage& stage) const {
        Kinds have = kinds_in(stage.layers);
        while (!have.all()) {
            const auto zeros = nearest_with_missing(stage, have);
            if (!zeros) break;
            stage.layers.push_back(*zeros);
            have.add(kinds_of(model_.layers()[*zeros]));
        }
        while (stage.layers.size() < model_.rule().least_layers) {
            stage.layers.push_back(stage.layers.back());
        }
    }

    // The layer with most of the missing kinds, of those the nearest. Dense layers come before all
    // others in a model with leading dense layers.
    std::optional<uint32_t> nearest_with_missing(const CutStage& stage, const Kinds& have) const {
        const uint32_t here = stage.layers[stage.real - 1];
        std::optional<uint32_t> best;
        uint32_t most = have.count();
        const auto distance = [&](uint32_t layer) {
            return layer > here ? layer - here : here - layer;
        };
        for (uint32_t layer = 0; layer < model_.count(); ++layer) {
            if (here >= dense_ && layer < dense_) continue;
            Kinds kinds = have;
            kinds.add(kinds_of(model_.layers()[layer]));
            const bool nearer = best && kinds.count() == most && distance(layer) < distance(*best);
            if (kinds.count() > most || nearer) {
                best = layer;
                most = kinds.count();
            }
        }
        return best;
    }

    const Anatomy& model_;
    uint32_t dense_;
    Kinds free_;  // nothing is asked of these
};

uint64_t bytes_between(const Anatomy& model, uint32_t begin, uint32_t end) {
    uint64_t bytes = 0;
    for (uint32_t layer = begin; layer < end; ++layer) bytes += model.layers()[layer].bytes;
    return bytes;
}

// Takes the begin of a run out where that makes the smallest run, until `stages` are left.
void join_smallest(const Anatomy& model, std::vector<uint32_t>& begins, uint32_t stages) {
    const auto end_of = [&](size_t i) {
        return i + 1 < begins.size() ? begins[i + 1] : model.count();
    };
    while (begins.size() > stages) {
        size_t at = 1;
        uint64_t least = UINT64_MAX;
        for (size_t i = 1; i < begins.size(); ++i) {
            const uint64_t joined = bytes_between(model, begins[i - 1], end_of(i));
            if (joined < least) {
                least = joined;
                at = i;
            }
        }
        begins.erase(begins.begin() + static_cast<ptrdiff_t>(at));
    }
}

std::string why_whole(const Anatomy& model) {
    const CutRule& rule = model.rule();
    if (model.count() == 0) return "its header names no layers";
    if (!rule.whole.empty()) return std::string(rule.whole);
    if (std::ranges::find(rule.whole_at, model.stated_count()) != rule.whole_at.end()) {
        return fmt::format("models of {} layers of this architecture compute differently",
                           model.stated_count());
    }
    return "";
}

}  // namespace

CutPlan plan_cut(const Anatomy& model, uint32_t stages) {
    CutPlan plan{.whole = why_whole(model)};
    if (!plan.whole.empty()) return plan;
    const Planner planner(model);
    std::vector<uint32_t> begins = planner.smallest();
    if (stages > 0) join_smallest(model, begins, stages);
    if (begins.size() < 2) {
        plan.whole =
            stages == 1 ? "one stage was asked for" : "it has no place where it can be cut";
        return plan;
    }
    for (size_t i = 0; i < begins.size(); ++i) {
        const uint32_t end = i + 1 < begins.size() ? begins[i + 1] : model.count();
        plan.stages.push_back(planner.stage(begins[i], end));
    }
    return plan;
}

CutStage cut_run(const Anatomy& model, uint32_t begin, uint32_t end) {
    return Planner(model).stage(begin, end);
}

}  // namespace bitgauge
