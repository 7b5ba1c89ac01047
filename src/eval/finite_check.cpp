// Positions of a baseline at which its original has no finite logits.

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "bitgauge/eval.h"
#include "bitgauge/qtype.h"

#include "eval/baseline_reader.h"
#include "eval/capture.h"

namespace bitgauge {
namespace {

constexpr size_t kBlockValues = size_t{1} << 20;

bool all_finite(std::span<const float> values) {
    return std::ranges::all_of(values, [](float value) { return std::isfinite(value); });
}

bool head_is_finite(const ModelHead& head) {
    const Head& matrix = head.head();
    const size_t row_bytes = head.bytes().size() / matrix.vocabulary();
    const size_t rows = std::max<size_t>(1, kBlockValues / matrix.width());
    std::vector<float> values;
    for (size_t at = 0; at < matrix.vocabulary(); at += rows) {
        const size_t count = std::min(rows, matrix.vocabulary() - at);
        values.resize(count * matrix.width());
        decode_row(head.tensor().type_id, head.bytes().subspan(at * row_bytes, count * row_bytes),
                   values);
        if (!all_finite(values)) return false;
    }
    return all_finite(matrix.transform().bias);
}

uint64_t rows_not_finite(const StatesShard& states, size_t width) {
    uint64_t count = 0;
    std::vector<float> row(width);
    for (size_t i = 0; i < states.positions(); ++i) {
        states.read(i, row);
        if (!all_finite(row)) ++count;
    }
    return count;
}

}  // namespace

uint64_t nonfinite_positions(const std::filesystem::path& baseline) {
    const BaselineFolder folder{baseline};
    const BaselineManifest manifest = read_manifest(folder);
    if (!manifest.has_states()) return 0;
    const ModelHead head(folder.head());
    if (!head_is_finite(head)) return manifest.identity.corpus.scored_tokens;
    const auto precision = state_precision_by_name(manifest.identity.baseline.precision);
    uint64_t count = 0;
    for (size_t shard = 0; shard < manifest.shards(); ++shard) {
        const StatesShard states(folder.shard(shard), precision, manifest.width);
        count += rows_not_finite(states, manifest.width);
    }
    return count;
}

}  // namespace bitgauge
