#include "base/hash.h"

#include <gtest/gtest.h>

namespace bitgauge {
namespace {

TEST(ContentHash, EqualsThePublishedValueOfTheEmptyInput) {
    // XXH3 128 bits of nothing, seed 0, from the reference implementation's test vectors.
    EXPECT_EQ(hash_text(""), "99aa06d3014798d86001c324468d497f");
}

TEST(ContentHash, DependsOnTheBytesAndNotOnHowTheyArrive) {
    EXPECT_EQ(ContentHash().add("ab").add("c").hex(), hash_text("abc"));
    EXPECT_NE(hash_text("abc"), hash_text("abd"));
}

TEST(QuickHash, EqualsThePublishedValueOfTheEmptyInput) {
    // XXH3 64 bits of nothing, seed 0
    EXPECT_EQ(quick_hash({}), 0x2D06800538D394C2U);
}

}  // namespace
}  // namespace bitgauge
