#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/hardware.h"
#include "bitgauge/qtype.h"
#include "bitgauge/speed.h"

#include "base/interrupt.h"
#include "engine/product_speed.h"
#include "eval/speed_spread.h"

namespace bitgauge {
namespace {

constexpr std::array<ProductShape, 4> kShapes = {
    {{4096, 4096, 1}, {2048, 512, 1}, {4096, 4096, 512}, {2048, 512, 512}}};
constexpr const char* kReference = "q8_0";
constexpr uint32_t kSpreadWeights = 1U << 28U;  // copies of a matrix have: beyond most caches
constexpr uint32_t kEncodedRows = 16;           // the matrix repeats them

// Rows like weights: no type finds them easier than another's.
std::vector<float> some_rows(size_t count) {
    std::vector<float> rows(count);
    for (size_t i = 0; i < count; ++i) {
        const auto x = static_cast<float>(i);
        rows[i] = std::sin(x) * std::cos(0.37F * x) * 0.05F;
    }
    return rows;
}

std::vector<std::byte> encoded_rows(const QType& type, uint32_t columns) {
    std::vector<std::byte> bytes(type.row_bytes(columns) * kEncodedRows);
    const std::vector<float> importance(columns, 1.0F);
    encode_rows(type.id, some_rows(size_t{columns} * kEncodedRows), columns,
                type.encoder_needs_importance ? std::span<const float>(importance)
                                              : std::span<const float>(),
                bytes);
    return bytes;
}

std::vector<const QType*> types_of(const TypeSpeedOptions& options) {
    std::vector<const QType*> types;
    for (const QType& type : all_types()) {
        if (options.types.empty() && type.encodable) types.push_back(&type);
    }
    for (const std::string& name : options.types) {
        const QType* type = find_type(name);
        if (type == nullptr || !type->encodable) {
            throw Error(ErrorKind::kInput,
                        fmt::format("type '{}' is {}", name,
                                    type == nullptr ? "unknown" : "one that cannot be encoded"),
                        "bitgauge bench --types times all that can");
        }
        types.push_back(type);
    }
    return types;
}

// Only a product of one token is bound by fetching weights.
ProductRun run_of(const QType& type, const ProductShape& shape, uint32_t threads) {
    const uint32_t copies = shape.tokens == 1 ? kSpreadWeights / (shape.rows * shape.columns) : 1;
    return {type.id, encoded_rows(type, shape.columns), shape, copies, threads};
}

// In turns with the reference, every other round in reverse order.
TypeSpeed time_type(const QType& type, ProductRun& reference, const ProductShape& shape,
                    const TypeSpeedOptions& options, uint32_t threads) {
    ProductRun run = run_of(type, shape, threads);
    run.seconds();
    reference.seconds();
    std::vector<double> seconds;
    std::vector<double> reference_seconds;
    for (uint32_t round = 0; round < options.repetitions; ++round) {
        if (round % 2 == 0) seconds.push_back(run.seconds());
        reference_seconds.push_back(reference.seconds());
        if (round % 2 == 1) seconds.push_back(run.seconds());
        throw_if_interrupted("nothing is kept of a run that did not end");
    }
    return {.type = type.name,
            .rows = shape.rows,
            .columns = shape.columns,
            .tokens = shape.tokens,
            .bytes = type.row_bytes(shape.columns) * shape.rows,
            .seconds = spread_of(seconds),
            .time_ratio = paired_ratio(seconds, reference_seconds),
            .laid_out = run.is_laid_out_anew()};
}

}  // namespace

TypeSpeedReport measure_type_speed(const TypeSpeedOptions& options, Progress& progress) {
    const std::vector<const QType*> types = types_of(options);
    TypeSpeedReport report{.threads = resolve_threads(options.threads),
                           .engine = describe_engine()};
    progress.begin("timing", static_cast<int64_t>(types.size() * kShapes.size()), "products");
    report.peak_bytes_per_second = read_bandwidth(report.threads).bytes_per_second;
    for (const ProductShape& shape : kShapes) {
        ProductRun reference = run_of(*find_type(kReference), shape, report.threads);
        for (const QType* type : types) {
            report.types.push_back(time_type(*type, reference, shape, options, report.threads));
            progress.advance(1);
        }
    }
    progress.end();
    report.peak_bytes_per_second =
        std::max(report.peak_bytes_per_second, read_bandwidth(report.threads).bytes_per_second);
    return report;
}

}  // namespace bitgauge
