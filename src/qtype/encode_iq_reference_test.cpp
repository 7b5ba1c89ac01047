// The encoders of IQ1, IQ2 and IQ3 beside ggml's.

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "qtype/encode_iq_golden.h"
#include "qtype/encode_iq_testing.h"
#include "qtype/encoders.h"

#include <ggml.h>

namespace bitgauge {
namespace {

void encode_reference(const IqCase& c, void* out) {
    encode_by_ggml(c.type, c.weights.data(), c.rows(), c.row_weights, c.importance_or_null(),
                   static_cast<std::byte*>(out));
}

std::optional<IqBytes> reference(const IqCase& c) {
    IqBytes bytes(c.bytes(), std::byte{0x5A});
    encode_reference(c, bytes.data());
    return bytes;
}

[[noreturn]] void encode_and_exit(const IqCase& c, void* out) {
    setenv("GGML_NO_BACKTRACE", "1", 1);
    const bool silent = freopen("/dev/null", "w", stderr) != nullptr &&
                        freopen("/dev/null", "w", stdout) != nullptr;
    if (silent) encode_reference(c, out);
    _exit(silent ? 0 : 2);
}

// As reference(), in a process of its own; nullopt when ggml ended it.
std::optional<IqBytes> careful_reference(const IqCase& c) {
    ggml_quantize_init(static_cast<ggml_type>(c.type));
    void* shared =
        mmap(nullptr, c.bytes(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const pid_t child = fork();
    if (child == 0) encode_and_exit(c, shared);
    int status = 0;
    waitpid(child, &status, 0);
    IqBytes bytes(c.bytes());
    std::memcpy(bytes.data(), shared, bytes.size());
    munmap(shared, c.bytes());
    if (WIFSIGNALED(status)) return std::nullopt;
    EXPECT_EQ(status, 0);
    return bytes;
}

class EncodeIqReference : public testing::TestWithParam<int> {
  protected:
    static void expect_same(const IqCase& c) {
        const auto ours = encoded(c);
        ASSERT_TRUE(ours.has_value()) << c.name << " was refused";
        EXPECT_EQ(first_iq_difference(c, *ours, reference(c).value()), "");
    }

    // IQ1 of ggml reads outside of its arrays where no neighbour has a finite distance, with any
    // result.
    static void expect_same_or_refused(const IqCase& c) {
        const bool iq1 = c.type == GGML_TYPE_IQ1_S || c.type == GGML_TYPE_IQ1_M;
        const auto ours = encoded(c);
        if (iq1 && !ours) return;
        const auto theirs = careful_reference(c);
        ASSERT_EQ(ours.has_value(), theirs.has_value()) << c.name;
        if (!ours) return;
        EXPECT_EQ(first_iq_difference(c, *ours, *theirs), "");
    }

    // Blocks of `c` as cases of their own: one block that is refused would hide the others.
    static std::vector<IqCase> blocks_of(const IqCase& c) {
        std::vector<IqCase> blocks;
        for (size_t first = 0; first < c.weights.size(); first += 256) {
            IqCase block = c;
            const auto from = c.weights.begin() + static_cast<long>(first);
            block.weights.assign(from, from + 256);
            block.row_weights = 256;
            if (!block.importance.empty()) {
                const auto at = c.importance.begin() + static_cast<long>(first % c.row_weights);
                block.importance.assign(at, at + 256);
            }
            block.name += ", block " + std::to_string(first / 256);
            blocks.push_back(block);
        }
        return blocks;
    }
};

TEST_P(EncodeIqReference, GoldenHashesAreOfItsBytes) {
    EXPECT_EQ(hash_of_golden_cases(GetParam(), reference), golden_hash(GetParam()));
}

TEST_P(EncodeIqReference, EveryPatternGivesItsBytesOnEveryTarget) {
    for (const int64_t target : iq_targets()) {
        const OneTarget only(target);
        for (const IqCase& c : ordinary_iq_cases(GetParam(), 3, 768)) expect_same(c);
    }
}

TEST_P(EncodeIqReference, EveryLengthOfRowGivesItsBytes) {
    for (const size_t row : {256, 512, 1280, 2048, 4096, 16384}) {
        for (const Importance importance : iq_importances(GetParam())) {
            expect_same(iq_case(GetParam(), Pattern::kNormal, importance, 1 + 4096 / row, row));
            expect_same(iq_case(GetParam(), Pattern::kTies, importance, 3, row));
        }
    }
}

TEST_P(EncodeIqReference, HugeWeightsAreRefusedWhereItEndsTheProcess) {
    for (const Importance importance : iq_importances(GetParam())) {
        for (const Pattern pattern : {Pattern::kHuge, Pattern::kBounds}) {
            const IqCase all = iq_case(GetParam(), pattern, importance, 1, 4096);
            for (const IqCase& c : blocks_of(all)) expect_same_or_refused(c);
        }
        IqCase growing = iq_case(GetParam(), Pattern::kNormal, importance, 1, 48 * 256);
        for (size_t i = 0; i < growing.weights.size(); ++i) {
            growing.weights[i] =
                std::ldexp(growing.weights[i], static_cast<int>(2 * (i / 256)) + 30);
        }
        for (const IqCase& c : blocks_of(growing)) expect_same_or_refused(c);
    }
}

TEST_P(EncodeIqReference, DamagedImportanceIsRefusedWhereItEndsTheProcess) {
    for (const Pattern pattern : {Pattern::kNormal, Pattern::kZeroBlocks}) {
        const IqCase all = iq_case(GetParam(), pattern, Importance::kDamaged, 1, 4096);
        for (const IqCase& c : blocks_of(all)) expect_same_or_refused(c);
    }
}

INSTANTIATE_TEST_SUITE_P(Types, EncodeIqReference, testing::ValuesIn(iq_types()),
                         [](const auto& each) { return iq_name(each.param); });

}  // namespace
}  // namespace bitgauge
