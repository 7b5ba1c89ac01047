// The encoders of IQ1, IQ2 and IQ3 without ggml's, which spend up to half a minute on their tables:
// bytes are compared with the hashes of what ggml wrote (encode_iq_reference_test.cpp).

#include <cmath>
#include <limits>
#include <thread>

#include <gtest/gtest.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"

#include "qtype/encode_iq_golden.h"
#include "qtype/encode_iq_testing.h"
#include "qtype/lattice.h"

namespace bitgauge {
namespace {

class EncodeIq : public testing::TestWithParam<int> {};

TEST_P(EncodeIq, WritesTheBytesThatGgmlWroteOnEveryTarget) {
    for (const int64_t target : iq_targets()) {
        const OneTarget only(target);
        EXPECT_EQ(hash_of_golden_cases(GetParam(), encoded), golden_hash(GetParam()))
            << "target " << target;
    }
}

TEST_P(EncodeIq, RowsAreEncodedOneByOne) {
    const IqCase all = iq_case(GetParam(), Pattern::kNormal, Importance::kPlain, 5, 768);
    const IqBytes together = encoded(all).value();
    IqBytes joined;
    for (size_t row = 0; row < 5; ++row) {
        IqCase one = all;
        one.weights.assign(all.weights.begin() + static_cast<long>(row * 768),
                           all.weights.begin() + static_cast<long>((row + 1) * 768));
        const IqBytes bytes = encoded(one).value();
        joined.insert(joined.end(), bytes.begin(), bytes.end());
    }
    EXPECT_EQ(joined, together);
}

TEST_P(EncodeIq, ThreadsDoNotDisturbEachOther) {
    const IqCase c = iq_case(GetParam(), Pattern::kNormal, Importance::kPlain, 4, 512);
    std::vector<IqBytes> out(4);
    std::vector<std::thread> threads;
    threads.reserve(out.size());
    for (IqBytes& bytes : out) {
        threads.emplace_back([&] { bytes = encoded(c).value(); });
    }
    for (std::thread& thread : threads) thread.join();
    for (const IqBytes& bytes : out) EXPECT_EQ(bytes, out.front());
}

TEST_P(EncodeIq, WeightsThatAreNotFiniteAreRefused) {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    for (const float bad : {std::nanf(""), kInfinity, -kInfinity}) {
        IqCase c = iq_case(GetParam(), Pattern::kNormal, Importance::kPlain, 2, 512);
        c.weights[700] = bad;
        EXPECT_FALSE(encoded(c).has_value()) << bad;
    }
}

TEST_P(EncodeIq, RefusalNamesRowAndColumn) {
    IqCase c = iq_case(GetParam(), Pattern::kNormal, Importance::kPlain, 3, 1024);
    c.weights[2 * 1024 + 600] = std::nanf("");
    std::vector<std::byte> out(c.bytes());
    try {
        encode_rows(c.type, c.weights, c.row_weights, c.importance, out);
        FAIL();
    } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find("row 2 from column 512"), std::string::npos)
            << error.what();
    }
}

INSTANTIATE_TEST_SUITE_P(Types, EncodeIq, testing::ValuesIn(iq_types()),
                         [](const auto& each) { return iq_name(each.param); });

struct LatticeFacts {
    LatticeKind kind;
    size_t grid_size;
    size_t dims;
};

// Sizes of the grids, from the formats: bits of an index.
TEST(Lattice, EveryIndexIsAPointOfItsOwn) {
    for (const LatticeFacts& facts :
         {LatticeFacts{LatticeKind::kIq2Xxs, 256, 8}, LatticeFacts{LatticeKind::kIq2Xs, 512, 8},
          LatticeFacts{LatticeKind::kIq2S, 1024, 8}, LatticeFacts{LatticeKind::kIq3Xxs, 256, 4},
          LatticeFacts{LatticeKind::kIq3S, 512, 4}, LatticeFacts{LatticeKind::kIq1, 2048, 8}}) {
        const Lattice& lattice = Lattice::of(facts.kind);
        EXPECT_EQ(lattice.grid_size(), facts.grid_size);
        EXPECT_EQ(lattice.dims(), facts.dims);
        for (uint32_t index = 0; index < lattice.grid_size(); ++index) {
            const uint32_t code = lattice.code_at(index);
            EXPECT_EQ(lattice.index_of(code), index);
            EXPECT_EQ(lattice.neighbours(code).steps, 0U);
        }
    }
}

}  // namespace
}  // namespace bitgauge
