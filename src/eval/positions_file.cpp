#include "eval/positions_file.h"

#include "bitgauge/qtype.h"

#include "eval/capture.h"

namespace bitgauge {
namespace {

template <class T>
std::vector<T> copy_of(std::span<const T> values) {
    return {values.begin(), values.end()};
}

}  // namespace

void write_positions(const std::filesystem::path& path, const std::string& identity,
                     const PositionValues& values) {
    ShardWriter file(shard_schema(CaptureKind::kDivergence), identity);
    file.add_doubles("kld_nats", values.kld);
    file.add_doubles("nll_nats", values.nll);
    file.add_doubles("nll_original_nats", values.nll_original);
    file.add_integers("same_top", values.same_top);
    file.add_integers("finite", values.finite);
    file.write(path);
}

PositionValues read_positions(const std::filesystem::path& path) {
    const ShardReader file(path, shard_schema(CaptureKind::kDivergence));
    PositionValues values;
    values.kld = copy_of(file.values<double>("kld_nats"));
    values.nll = copy_of(file.values<double>("nll_nats"));
    values.nll_original = copy_of(file.values<double>("nll_original_nats"));
    values.same_top = copy_of(file.values<int32_t>("same_top"));
    values.finite = copy_of(file.values<int32_t>("finite"));
    return values;
}

void write_log_probabilities(const std::filesystem::path& path, const std::string& identity,
                             std::span<const uint16_t> rows, size_t row_values) {
    const uint64_t shape[] = {row_values, rows.size() / row_values};
    ShardWriter file(shard_schema(CaptureKind::kLogProbabilities), identity);
    file.add_bytes("rows", find_type("i16")->id, shape, std::as_bytes(rows));
    file.write(path);
}

}  // namespace bitgauge
