#include "eval/head_check.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "eval/dense_logits.h"
#include "stats/divergence.h"

namespace bitgauge {
namespace {

constexpr uint32_t kRowsPerWindow = 8;
constexpr uint32_t kTokensPerWindow = 32;  // read before them; what follows the norm sees one row

// The first tokens of each window of the first batch; the last few of each want an output.
std::vector<Window> beginnings(std::span<const Window> windows, const PassShape& shape) {
    const WindowBatch batch = batch_windows(windows, shape.sequences, windows.size()).front();
    const auto length = std::min<uint32_t>(
        {kTokensPerWindow, static_cast<uint32_t>(windows[batch.first].tokens.size()),
         std::max<uint32_t>(1, shape.ubatch_tokens / static_cast<uint32_t>(batch.count))});
    std::vector<Window> result;
    for (const Window& window : windows.subspan(batch.first, batch.count)) {
        result.push_back({.tokens = {window.tokens.begin(), window.tokens.begin() + length},
                          .first_scored = length - std::min(length, kRowsPerWindow)});
    }
    return result;
}

struct Comparison {
    double max_abs = 0;
    double mean_kld = 0;
    size_t finite_rows = 0;
};

Comparison compare_rows(std::span<const float> wanted, std::span<const float> got,
                        size_t vocabulary) {
    Comparison result;
    std::vector<float> weights(vocabulary);
    const size_t rows = wanted.size() / vocabulary;
    for (size_t i = 0; i < rows; ++i) {
        const auto l = wanted.subspan(i * vocabulary, vocabulary);
        const auto m = got.subspan(i * vocabulary, vocabulary);
        const ReferenceSums reference =
            reference_tile(l, 0, -std::numeric_limits<float>::infinity(), weights);
        const CandidateSums candidate = candidate_tile(l, weights, reference, m, 0);
        const TokenDivergence d =
            finish_position(reference, candidate, l[0], m[0], ReferenceScale::kLogits);
        if (!d.finite) continue;
        ++result.finite_rows;
        result.mean_kld += std::abs(d.kld_nats);
        for (size_t v = 0; v < vocabulary; ++v) {
            result.max_abs = std::max(result.max_abs, std::abs(double{l[v]} - m[v]));
        }
    }
    if (result.finite_rows > 0) result.mean_kld /= static_cast<double>(result.finite_rows);
    return result;
}

std::vector<float> through_precision(std::span<const float> states, StatePrecision precision) {
    std::vector<std::byte> stored(state_bytes(precision, states.size()));
    encode_states(precision, states, stored);
    std::vector<float> back(states.size());
    decode_states(precision, stored, back);
    return back;
}

}  // namespace

class HeadCheckUnit::Rows : public PassObserver {
  public:
    void on_position(size_t, uint32_t, const Context& context, size_t index) override {
        if (index == 0) states.assign(context.states().begin(), context.states().end());
        const auto row = context.logits(index);
        logits.insert(logits.end(), row.begin(), row.end());
        ++count;
    }
    bool wants_last_position() const override { return true; }

    std::vector<float> states;  // all windows are read in one call
    std::vector<float> logits;
    size_t count = 0;
};

HeadCheckUnit::HeadCheckUnit(const PassShape& shape, std::span<const Window> windows)
    : shape_(shape), windows_(beginnings(windows, shape)), rows_(std::make_unique<Rows>()) {}

HeadCheckUnit::~HeadCheckUnit() = default;

PassUnit HeadCheckUnit::unit() {
    return {.windows = windows_,
            .batches = {{0, windows_.size()}},
            .shape = shape_,
            .depth = Context::Depth::kLogits,
            .observer = rows_.get()};
}

HeadCheck HeadCheckUnit::finish(ModelHead& head, StatePrecision precision) const {
    HeadCheck check;
    const std::vector<float>& states = rows_->states;
    const std::vector<float>& logits = rows_->logits;
    const size_t rows = rows_->count;
    if (states.size() != rows * head.head().width()) {
        check.outcome = fmt::format("{} state values where {} were due; whole logits are used",
                                    states.size(), rows * head.head().width());
        return check;
    }
    const std::vector<float> products = dense_logits(head.head(), states);
    const HeadTransform fitted = fit_transform(products, logits, head.stated_softcap(), {});
    if (std::isfinite(fitted.scale)) head.set_transform(fitted.scale, fitted.softcap);
    check.scale = head.head().transform().scale;
    check.softcap = head.head().transform().softcap;
    const std::vector<float> rebuilt = dense_logits(head.head(), states);
    const size_t vocabulary = head.head().vocabulary();
    const Comparison same = compare_rows(logits, rebuilt, vocabulary);
    check.max_abs = same.max_abs;
    check.kld_nats = same.mean_kld;
    check.reproduced = same.finite_rows == 0 || same.mean_kld < kHeadCheckNats;
    check.outcome =
        fmt::format("{} positions: largest logit difference {:.2g}, divergence {:.2g} nats; {}",
                    rows, check.max_abs, check.kld_nats,
                    check.reproduced ? "states and head are used" : "whole logits are used");
    if (precision != StatePrecision::kF32) {
        const auto stored = dense_logits(head.head(), through_precision(states, precision));
        check.self_kld_nats = compare_rows(rebuilt, stored, vocabulary).mean_kld;
    }
    return check;
}

}  // namespace bitgauge
