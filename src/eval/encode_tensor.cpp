#include "eval/encode_tensor.h"

#include <algorithm>
#include <span>

#include <fmt/format.h>
#include <oneapi/tbb/parallel_for.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"

namespace bitgauge {
namespace {

constexpr uint64_t kRowsAtOnce = 64;

const QType& type_named(const std::string& name) {
    const QType* type = find_type(name);
    if (type != nullptr) return *type;
    throw Error(ErrorKind::kInput, fmt::format("there is no type '{}'", name),
                "names are ggml's: q4_K, iq3_s, q8_0");
}

void require_rows(const TensorInfo& tensor, const QType& type) {
    if (type.encodable && tensor.shape[0] % type.block_weights == 0) return;
    throw Error(ErrorKind::kInput,
                fmt::format("'{}' cannot have the type {}: its rows have {} weights", tensor.name,
                            type.name, tensor.shape[0]),
                "take a type whose blocks divide the rows");
}

// A tensor's rows from one type to another, blocks of them at once. Blocks do not cross matrices:
// each of those has importance of its own.
class Recoding {
  public:
    Recoding(const TensorInfo& tensor, const QType& from, const QType& to)
        : width_(tensor.shape[0]),
          rows_(tensor.elements() / width_),
          per_matrix_(tensor.shape.size() > 1 ? tensor.shape[1] : 1),
          from_(from),
          to_(to) {}

    std::vector<std::byte> run(std::span<const std::byte> in,
                               std::span<const float> importance) const {
        std::vector<std::byte> out(rows_ * to_.row_bytes(width_));
        const uint64_t blocks = (per_matrix_ + kRowsAtOnce - 1) / kRowsAtOnce;
        tbb::parallel_for(uint64_t{0}, rows_ / per_matrix_ * blocks, [&](uint64_t block) {
            const uint64_t matrix = block / blocks;
            const uint64_t first = matrix * per_matrix_ + block % blocks * kRowsAtOnce;
            const uint64_t n = std::min(kRowsAtOnce, (matrix + 1) * per_matrix_ - first);
            const auto weights =
                importance.empty() ? importance : importance.subspan(matrix * width_, width_);
            recode(first, n, in, weights, out);
        });
        return out;
    }

  private:
    void recode(uint64_t first, uint64_t n, std::span<const std::byte> in,
                std::span<const float> importance, std::span<std::byte> out) const {
        const uint64_t in_row = from_.row_bytes(width_), out_row = to_.row_bytes(width_);
        std::vector<float> values(n * width_);
        decode_row(from_.id, in.subspan(first * in_row, n * in_row), values);
        encode_rows(to_.id, values, width_, importance, out.subspan(first * out_row, n * out_row));
    }

    uint64_t width_, rows_, per_matrix_;
    const QType& from_;
    const QType& to_;
};

}  // namespace

TensorEncoder::TensorEncoder(const StagedModel& model, const std::filesystem::path& importance)
    : model_(model) {
    if (!importance.empty()) importance_.emplace(Importance::read(importance));
}

EncodedTensor TensorEncoder::encode(const std::string& tensor, const std::string& type,
                                    VariantUse use) const {
    const std::vector<std::byte> original = model_.tensor_bytes(tensor);
    const TensorInfo& info = *model_.anatomy().file().find_tensor(tensor);
    const QType& from = *type_by_id(info.type_id);
    const QType& to = type_named(type);
    require_rows(info, to);
    EncodedTensor encoded{to.id, Recoding(info, from, to).run(original, importance_of(tensor))};
    if (use == VariantUse::kBlocks) return encoded;
    const QType& loaded = *type_by_id(model_.loaded_type(tensor));
    return {loaded.id, Recoding(info, to, loaded).run(encoded.bytes, {})};
}

std::vector<float> TensorEncoder::importance_of(const std::string& tensor) const {
    const ImportanceEntry* entry = importance_ ? importance_->find(tensor) : nullptr;
    if (entry == nullptr) return {};
    return importance_->mean_squares(*entry, UnseenExperts::kPlain);
}

}  // namespace bitgauge
