#include "base/units.h"

#include <gtest/gtest.h>

namespace bitgauge {
namespace {

TEST(Units, BytesPrintInPowersOf1024) {
    EXPECT_EQ(format_bytes(512), "512 B");
    EXPECT_EQ(format_bytes(37005408), "35.29 MiB");
    EXPECT_EQ(format_bytes(uint64_t{20} << 30), "20.00 GiB");
}

TEST(Units, CountsAreGroupedByThousands) {
    EXPECT_EQ(format_count(7), "7");
    EXPECT_EQ(format_count(1000), "1,000");
    EXPECT_EQ(format_count(248320), "248,320");
}

TEST(Units, FewNamesStandForMany) {
    EXPECT_EQ(some_of({"a"}), "'a'");
    EXPECT_EQ(some_of({"a", "b", "c"}), "'a', 'b', 'c'");
    EXPECT_EQ(some_of({"a", "b", "c", "d", "e"}), "'a', 'b', 'c' and 2 more");
}

TEST(Units, BitsPerWeightIsExact) {
    const BitsPerWeight q6_k = bits_per_weight(210, 256);  // one super-block of Q6_K
    EXPECT_EQ(q6_k.bits, 105U);
    EXPECT_EQ(q6_k.weights, 16U);
    EXPECT_EQ(q6_k.value(), 6.5625);
}

}  // namespace
}  // namespace bitgauge
