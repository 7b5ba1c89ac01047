#include "engine/product_speed.h"

#include <vector>

#include <gtest/gtest.h>

#include "bitgauge/qtype.h"

#include "engine/engine_testing.h"

namespace bitgauge {
namespace {

std::vector<std::byte> encoded_waves(const QType& type, uint32_t columns, uint32_t rows) {
    std::vector<std::byte> bytes(type.row_bytes(columns) * rows);
    const std::vector<float> importance(columns, 1.0F);
    encode_rows(type.id, waves(size_t{columns} * rows), columns, importance, bytes);
    return bytes;
}

TEST(ProductRun, TimesEveryTypeThatCanBeEncoded) {
    for (const QType& type : all_types()) {
        if (!type.encodable) continue;
        for (const uint32_t tokens : {1U, 8U}) {
            ProductRun run(type.id, encoded_waves(type, 256, 2), {64, 256, tokens}, 3, 1);
            EXPECT_GT(run.seconds(), 0) << type.name;
            EXPECT_GT(run.seconds(), 0) << type.name;
        }
    }
}

TEST(ProductRun, OfMoreTokensTakesLonger) {
    const QType& type = *find_type("q8_0");
    const std::vector<std::byte> rows = encoded_waves(type, 1024, 4);
    ProductRun one(type.id, rows, {512, 1024, 1}, 1, 1);
    ProductRun many(type.id, rows, {512, 1024, 64}, 1, 1);
    one.seconds();
    many.seconds();
    EXPECT_GT(many.seconds(), 4 * one.seconds());
}

}  // namespace
}  // namespace bitgauge
