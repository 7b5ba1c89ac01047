#include "quantize/type_errors.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>
#include <oneapi/tbb/parallel_for.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"

#include "base/interrupt.h"

#include "quantize/worker_threads.h"

namespace bitgauge {
namespace {

constexpr uint64_t kGroupRows = 16;

struct Sums {
    double energy = 0;
    std::vector<double> error;  // per type
};

uint64_t matrix_rows(const TensorInfo& tensor) {
    return tensor.shape.size() > 1 ? tensor.shape[1] : 1;
}

uint64_t matrices(const TensorInfo& tensor) {
    return tensor.elements() / (tensor.shape[0] * matrix_rows(tensor));
}

bool can_have(const TensorInfo& tensor, const QType& type, bool importance) {
    return type.encodable && tensor.shape[0] % type.block_weights == 0 &&
           (importance || !type.needs_importance);
}

std::vector<const QType*> possible_types(const TensorInfo& tensor,
                                         std::span<const std::string> names, bool importance) {
    std::vector<const QType*> types;
    for (const std::string& name : names) {
        const QType* type = find_type(name);
        if (type == nullptr) throw Error(ErrorKind::kInput, fmt::format("no type '{}'", name));
        if (type->id != tensor.type_id && can_have(tensor, *type, importance)) {
            types.push_back(type);
        }
    }
    return types;
}

double weighted_square(std::span<const float> values, std::span<const float> h) {
    double sum = 0;
    for (size_t row = 0; row < values.size(); row += h.size()) {
        for (size_t j = 0; j < h.size(); ++j) {
            const double v = values[row + j];
            sum += h[j] * v * v;
        }
    }
    return sum;
}

// Rows of one matrix in each type. `h` weighs the error and is what the encoder gets; `share`
// scales both.
Sums group_sums(std::span<const float> rows, std::span<const float> h, bool with_importance,
                double share, const std::vector<const QType*>& types) {
    const size_t width = h.size();
    Sums sums{.energy = share * weighted_square(rows, h)};
    std::vector<std::byte> encoded;
    std::vector<float> decoded(rows.size());
    for (const QType* type : types) {
        encoded.resize(rows.size() / width * type->row_bytes(width));
        encode_rows(type->id, rows, width, with_importance ? h : std::span<const float>(), encoded);
        decode_row(type->id, encoded, decoded);
        for (size_t i = 0; i < rows.size(); ++i) decoded[i] -= rows[i];
        sums.error.push_back(share * weighted_square(decoded, h));
    }
    return sums;
}

// Tokens per matrix, as shares; one matrix: 1.
std::vector<double> shares_of(const ImportanceEntry* entry, size_t matrices) {
    std::vector<double> shares(matrices, 1.0);
    if (entry == nullptr || entry->counts.size() != matrices) return shares;
    const auto all = std::accumulate(entry->counts.begin(), entry->counts.end(), int64_t{0});
    if (all <= 0) return shares;
    for (size_t m = 0; m < matrices; ++m) {
        shares[m] = static_cast<double>(entry->counts[m]) / static_cast<double>(all);
    }
    return shares;
}

}  // namespace

struct TypeErrorMeter::Group {
    uint64_t first = 0, rows = 0, matrix = 0;
};

TypeErrorMeter::TypeErrorMeter(const GgufFile& model, const Importance* importance,
                               uint64_t most_weights, uint32_t threads)
    : model_(model), importance_(importance), most_weights_(most_weights), threads_(threads) {
    for (const auto& shard : model.shards()) readers_.emplace_back(shard);
}

// Groups of rows of one matrix each, all of them or evenly spread ones.
std::vector<TypeErrorMeter::Group> TypeErrorMeter::groups_of(const TensorInfo& tensor) const {
    const uint64_t rows = matrix_rows(tensor);
    std::vector<Group> all;
    for (uint64_t m = 0; m < matrices(tensor); ++m) {
        for (uint64_t row = 0; row < rows; row += kGroupRows) {
            all.push_back({m * rows + row, std::min(kGroupRows, rows - row), m});
        }
    }
    const uint64_t wanted = std::max<uint64_t>(1, most_weights_ / (tensor.shape[0] * kGroupRows));
    if (all.size() <= wanted) return all;
    std::vector<Group> some;
    for (uint64_t i = 0; i < wanted; ++i)
        some.push_back(all[(2 * i + 1) * all.size() / (2 * wanted)]);
    return some;
}

// Of each channel of each matrix; empty: none known.
std::vector<float> TypeErrorMeter::weights_of(const TensorInfo& tensor) const {
    const ImportanceEntry* entry = importance_ ? importance_->find(tensor.name) : nullptr;
    if (entry == nullptr || entry->values != input_channels(tensor)) return {};
    return importance_->mean_squares(*entry, UnseenExperts::kPlain);
}

TypeErrors TypeErrorMeter::measure(const std::string& name,
                                   std::span<const std::string> names) const {
    const TensorInfo* tensor = model_.find_tensor(name);
    if (tensor == nullptr) {
        throw Error(ErrorKind::kInput, fmt::format("the model has no tensor '{}'", name));
    }
    const uint64_t width = tensor->shape[0];
    const std::vector<float> h = weights_of(*tensor);
    const auto types = possible_types(*tensor, names, !h.empty());
    const std::vector<float> ones(h.empty() ? width : 0, 1.0F);
    const auto groups = groups_of(*tensor);
    const auto shares = shares_of(h.empty() ? nullptr : importance_->find(name), matrices(*tensor));
    const QType& own = *type_by_id(tensor->type_id);
    std::vector<Sums> sums(groups.size());
    in_worker_threads(threads_, [&](size_t) {
        tbb::parallel_for(size_t{0}, groups.size(), [&](size_t g) {
            if (interrupted()) return;
            const Group& group = groups[g];
            std::vector<std::byte> bytes(group.rows * own.row_bytes(width));
            std::vector<float> rows(group.rows * width);
            readers_[tensor->shard].read(tensor->offset + group.first * own.row_bytes(width),
                                         bytes);
            decode_row(own.id, bytes, rows);
            const std::span<const float> weights =
                h.empty() ? std::span(ones) : std::span(h).subspan(group.matrix * width, width);
            sums[g] = group_sums(rows, weights, !h.empty(), shares[group.matrix], types);
        });
    });
    throw_if_interrupted();
    TypeErrors errors;
    double energy = 0;
    for (const Sums& one : sums) energy += one.energy;
    for (size_t t = 0; t < types.size(); ++t) {
        double error = 0;
        for (const Sums& one : sums) error += one.error[t];
        errors.relative[types[t]->name] = energy > 0 ? error / energy : 0;
    }
    for (const Group& group : groups) errors.rows += group.rows;
    errors.relative[own.name] = 0;
    return errors;
}

}  // namespace bitgauge
