#include <algorithm>
#include <functional>
#include <numeric>
#include <span>

#include "bitgauge/importance.h"

#include "importance/importance_formats.h"

namespace bitgauge {
namespace {

constexpr uint64_t kTopPart = 100;  // the largest hundredth

// How the values of a tensor stand in the file.
struct Layout {
    uint64_t channels = 0;
    uint64_t matrices = 0;
};

Layout layout_of(const ImportanceEntry& entry, const TensorInfo* tensor) {
    const uint64_t matrices =
        tensor == nullptr ? entry.counts.size() : input_channels(*tensor) / tensor->shape[0];
    return {.channels = entry.values / matrices, .matrices = matrices};
}

void count_bad(const std::string& tensor, std::span<const float> values, const Layout& layout,
               std::vector<BadImportance>& all) {
    BadImportance bad{.tensor = tensor};
    for (size_t i = 0; i < values.size(); ++i) {
        if (!is_bad(static_cast<double>(values[i]))) continue;
        if (++bad.values > 1) continue;
        bad.matrix = i / layout.channels;
        bad.channel = i % layout.channels;
        bad.value = values[i];
    }
    if (bad.values > 0) all.push_back(bad);
}

// Adds one matrix; `scale` makes E[x^2] of its values.
void add_matrix(std::span<float> values, double scale, ImportanceEnergy& energy) {
    for (float& value : values) {
        if (is_bad(static_cast<double>(value))) value = 0;
    }
    energy.silent += static_cast<uint64_t>(std::ranges::count(values, 0.0F));
    const size_t top = (values.size() + kTopPart - 1) / kTopPart;
    std::ranges::nth_element(values, values.begin() + static_cast<ptrdiff_t>(top) - 1,
                             std::greater<>());
    const double largest =
        std::accumulate(values.begin(), values.begin() + static_cast<ptrdiff_t>(top), 0.0);
    const double all =
        std::accumulate(values.begin() + static_cast<ptrdiff_t>(top), values.end(), largest);
    const double squares = std::transform_reduce(
        values.begin(), values.end(), 0.0, std::plus<>(),
        [](float e) { return static_cast<double>(e) * static_cast<double>(e); });
    energy.mean_square += all * scale / static_cast<double>(values.size());
    if (all <= 0) return;
    energy.top_share += largest / all;
    energy.effective_channels += all / squares * all;
}

int64_t count_for(const ImportanceEntry& entry, uint64_t matrix) {
    return entry.counts[entry.counts.size() == 1 ? 0 : matrix];
}

ImportanceEnergy energy_of(const ImportanceEntry& entry, std::span<float> values,
                           const Layout& layout) {
    ImportanceEnergy energy{
        .tensor = entry.tensor, .role = tensor_role(entry.tensor), .channels = layout.channels};
    double reached = 0;
    for (uint64_t matrix = 0; matrix < layout.matrices; ++matrix) {
        const int64_t count = count_for(entry, matrix);
        if (count <= 0) continue;
        reached += 1;
        add_matrix(values.subspan(matrix * layout.channels, layout.channels),
                   1.0 / static_cast<double>(count), energy);
    }
    for (double* mean : {&energy.mean_square, &energy.top_share, &energy.effective_channels}) {
        *mean /= std::max(1.0, reached);
    }
    return energy;
}

}  // namespace

ImportanceContents inspect_contents(const Importance& importance, const GgufFile& model) {
    ImportanceContents contents;
    for (const ImportanceEntry& entry : importance.entries()) {
        const TensorInfo* tensor = model.find_tensor(entry.tensor);
        const bool fits =
            tensor != nullptr && input_channels(*tensor) == entry.values &&
            (entry.counts.size() == 1 || entry.counts.size() == entry.values / tensor->shape[0]);
        const Layout layout = layout_of(entry, fits ? tensor : nullptr);
        std::vector<float> values = importance.stored_values(entry);
        count_bad(entry.tensor, values, layout, contents.bad);
        if (fits) contents.energy.push_back(energy_of(entry, values, layout));
    }
    return contents;
}

}  // namespace bitgauge
