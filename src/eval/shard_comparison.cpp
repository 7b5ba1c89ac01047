#include "eval/shard_comparison.h"

#include <algorithm>
#include <cmath>

namespace bitgauge {
namespace {

constexpr size_t kBlockBytes = size_t{256} << 20;  // of states in memory at once
constexpr size_t kLeastBlock = 256;

size_t block_rows(std::span<const Candidate* const> candidates) {
    size_t width = 1;
    for (const Candidate* candidate : candidates) {
        width = std::max(width, candidate->head->head().width());
    }
    return std::max(kLeastBlock, kBlockBytes / (width * sizeof(float) * (candidates.size() + 1)));
}

std::vector<float> read_states(const StatesShard& states, size_t first, size_t count,
                               size_t width) {
    std::vector<float> rows(count * width);
    states.read(first, rows);
    return rows;
}

TokenDivergence position_of(const DeviceFigures& figures) {
    return {.kld_nats = figures.kld_nats,
            .nll_nats = figures.nll_nats,
            .reference_nats = figures.reference_nats,
            .same_top = figures.same_top,
            .finite = std::isfinite(figures.kld_nats) && std::isfinite(figures.nll_nats) &&
                      std::isfinite(figures.reference_nats)};
}

}  // namespace

// Some positions of a shard.
struct ShardComparison::Block {
    const BaselineShard& original;
    std::span<const Candidate* const> candidates;
    std::span<const std::unique_ptr<StatesShard>> states;
    std::span<const TokenId> next;
    size_t first;
};

ShardComparison::ShardComparison(const BaselineReader& baseline, std::unique_ptr<Device> device)
    : baseline_(baseline), device_(std::move(device)) {}

ShardComparison::~ShardComparison() = default;

std::vector<PositionValues> ShardComparison::compare(
    size_t shard, std::span<const Candidate* const> candidates,
    std::span<const std::unique_ptr<StatesShard>> states) {
    const auto original = baseline_.open_shard(shard);
    const auto next = baseline_.next_tokens(shard_range(baseline_.manifest(), shard));
    const bool on_device_now = device_ && baseline_.head() != nullptr;
    const size_t step = block_rows(candidates);
    std::vector<PositionValues> values(candidates.size());
    for (size_t at = 0; at < next.size(); at += step) {
        const auto some = std::span(next).subspan(at, std::min(step, next.size() - at));
        const Block block{*original, candidates, states, some, at};
        const auto found = on_device_now ? on_device(block) : on_cpu(block);
        for (size_t c = 0; c < values.size(); ++c) values[c].append(found[c]);
    }
    return values;
}

std::vector<PositionValues> ShardComparison::on_cpu(const Block& block) const {
    std::vector<std::unique_ptr<LogitTiles>> tiles;
    std::vector<const LogitTiles*> candidates;
    for (size_t c = 0; c < block.candidates.size(); ++c) {
        const Head& head = block.candidates[c]->head->head();
        tiles.push_back(std::make_unique<HeadTiles>(
            head, read_states(*block.states[c], block.first, block.next.size(), head.width())));
        candidates.push_back(tiles.back().get());
    }
    const auto reference = block.original.range(block.first, block.next.size());
    return bitgauge::diverge(*reference, candidates, block.next, baseline_.reading());
}

std::vector<PositionValues> ShardComparison::on_device(const Block& block) {
    const auto original = block.original.states(block.first, block.next.size());
    std::vector<PositionValues> values(block.candidates.size());
    for (size_t c = 0; c < values.size(); ++c) {
        const Head& head = block.candidates[c]->head->head();
        const auto own =
            read_states(*block.states[c], block.first, block.next.size(), head.width());
        const auto figures = device_->diverge(loaded(baseline_.head()->head()), original,
                                              loaded(head), own, block.next);
        for (const DeviceFigures& position : figures) values[c].push_back(position_of(position));
    }
    return values;
}

const Device::LoadedHead& ShardComparison::loaded(const Head& head) {
    auto& slot = loaded_[&head];
    if (!slot) slot = device_->load(head);
    return *slot;
}

}  // namespace bitgauge
