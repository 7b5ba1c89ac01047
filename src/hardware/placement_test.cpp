#include "bitgauge/placement.h"

#include <gtest/gtest.h>

#include "hardware/placement_testing.h"

namespace bitgauge {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kGiB = uint64_t{1} << 30;

Memory memory(uint64_t bytes, double rate = 0) {
    return {.name = "memory", .bytes = bytes, .bytes_per_second = rate};
}

Memory usable(uint64_t bytes, double rate = 0) {
    return usable_memory(bytes, rate);
}

ModelParts dense_model() {
    ModelParts parts = sparse_model();
    for (LayerParts& layer : parts.layers) {
        layer.shared += layer.experts;
        layer.experts = {};
    }
    return parts;
}

ContextMemory context(uint64_t kept, uint64_t compute) {
    return {.tokens = 4096, .keys_values = kept, .compute = compute};
}

TEST(Memory, KeepsAShareForWhatComesLater) {
    EXPECT_EQ(memory(2000).usable_bytes(), 1900U);
    EXPECT_EQ(memory(24 * kGiB).usable_bytes(), 23 * kGiB);
}

// llama.cpp fills an RTX 4090, of which 23,605 MiB are free, up to 22,581.
TEST(Memory, OfACardKnownByItsSizeIsLessThanItsSize) {
    const Memory card{.bytes = 24 * kGiB, .never_free_bytes = never_free_on_a_card(24 * kGiB)};
    EXPECT_NEAR(static_cast<double>(card.usable_bytes() / kMiB), 22'581, 25);
}

TEST(Place, PutsAllOnACardThatHoldsIt) {
    const uint64_t needed = (10 * 100 + 50 + 100 + 20) * kMiB;  // not the embedding
    const Machine machine{.cards = {usable(needed)}};
    const Placement p = place(sparse_model(), context(100 * kMiB, 20 * kMiB), machine);
    EXPECT_EQ(p.fit, Fit::kOnCards);
    EXPECT_EQ(p.gpu_layers, 11U);
    EXPECT_EQ(p.cards.at(0).total(), needed);
    EXPECT_EQ(p.ram.weights, 40 * kMiB);
    EXPECT_TRUE(p.split.empty());
}

TEST(Place, WithoutRamHasNowhereToGo) {
    const Machine machine{.cards = {usable(1169 * kMiB)}};
    const Placement p = place(sparse_model(), context(100 * kMiB, 20 * kMiB), machine);
    EXPECT_EQ(p.fit, Fit::kNowhere);
    EXPECT_NEAR(static_cast<double>(p.missing_bytes), kMiB, 100);
}

TEST(Place, KeepsAsFewExpertsAsPossibleInRam) {
    // a MiB less than four layers' experts on the card would need
    const uint64_t room = (10 * 10 + 4 * 90 + 50 + 100 + 20) * kMiB - kMiB;
    const Machine machine{.cards = {usable(room)}, .ram = memory(64 * kGiB)};
    const Placement p = place(sparse_model(), context(100 * kMiB, 20 * kMiB), machine);
    EXPECT_EQ(p.fit, Fit::kExpertsInRam);
    EXPECT_EQ(p.cpu_expert_layers, 7U);
    EXPECT_EQ(p.gpu_layers, 11U);
    EXPECT_EQ(p.cards.at(0).weights, (100 + 3 * 90 + 50) * kMiB);
    EXPECT_EQ(p.ram.weights, (40 + 7 * 90) * kMiB);
    EXPECT_EQ(p.cards.at(0).kept, 100 * kMiB);  // attention stays on the card
}

TEST(Place, KeepsTheFirstLayersOfADenseModelInRam) {
    const uint64_t room = (4 * 100 + 50 + 4 * 10 + 20) * kMiB + kMiB;
    const Machine machine{.cards = {usable(room)}, .ram = memory(64 * kGiB)};
    const Placement p = place(dense_model(), context(100 * kMiB, 20 * kMiB), machine);
    EXPECT_EQ(p.fit, Fit::kLayersInRam);
    EXPECT_EQ(p.gpu_layers, 5U);  // the head is one of them
    EXPECT_EQ(p.cards.at(0).kept, 40 * kMiB);
    EXPECT_EQ(p.ram.kept, 60 * kMiB);
    EXPECT_EQ(p.ram.weights, (40 + 600) * kMiB);
}

TEST(Place, ReservesRoomForMatricesThatAreCopiedFromRam) {
    ModelParts parts = sparse_model();
    parts.largest_matrix = 30 * kMiB;
    const uint64_t room = (10 * 10 + 4 * 90 + 50 + 100 + 20) * kMiB + kMiB;
    const Machine machine{.cards = {usable(room)}, .ram = memory(64 * kGiB)};
    ContextMemory needs = context(100 * kMiB, 20 * kMiB);
    needs.layers_compute = 20 * kMiB;
    const Placement p = place(parts, needs, machine);
    EXPECT_EQ(p.cpu_expert_layers, 7U);
    EXPECT_EQ(p.cards.at(0).compute, 80 * kMiB);
    // they are gone when logits take most of the room
    needs.compute = 75 * kMiB;
    needs.layers_compute = 5 * kMiB;
    EXPECT_EQ(place(parts, needs, machine).cards.at(0).compute, 75 * kMiB);
}

TEST(Place, CountsLayersThatAreNotLoadedAsLlamaCppDoes) {
    ModelParts parts = dense_model();
    parts.skipped_layers = 1;
    const Machine large{.cards = {usable(2000 * kMiB)}};
    EXPECT_EQ(place(parts, context(0, 0), large).gpu_layers, 12U);
    const uint64_t room = (4 * 100 + 50) * kMiB + kMiB;
    const Machine small{.cards = {usable(room)}, .ram = memory(64 * kGiB)};
    const Placement some = place(parts, context(0, 0), small);
    EXPECT_EQ(some.gpu_layers, 6U);  // four, the one that is skipped, and the head
    EXPECT_EQ(some.cards.at(0).weights, 450 * kMiB);
    const Machine two{.cards = {usable(550 * kMiB), usable(550 * kMiB)}};
    const Placement split = place(parts, context(0, 0), two);
    EXPECT_EQ(split.split.at(0) + split.split.at(1), 12U);
}

TEST(PlaceAs, IsWhatIsAskedForOrNothing) {
    const Machine machine{.cards = {usable(500 * kMiB)}, .ram = memory(64 * kGiB)};
    const Placement two = place_as(sparse_model(), context(0, 0), machine, 3, 0);
    EXPECT_EQ(two.fit, Fit::kLayersInRam);
    EXPECT_EQ(two.cards.at(0).weights, (2 * 100 + 50) * kMiB);
    const Placement all = place_as(sparse_model(), context(0, 0), machine, 999, 10);
    EXPECT_EQ(all.fit, Fit::kExpertsInRam);
    EXPECT_EQ(all.gpu_layers, 11U);
    const Placement none = place_as(sparse_model(), context(0, 0), machine, 999, 0);
    EXPECT_EQ(none.fit, Fit::kNowhere);
    EXPECT_EQ(none.gpu_layers, 11U);
    EXPECT_NEAR(static_cast<double>(none.missing_bytes), 550.0 * kMiB, kMiB);
    EXPECT_EQ(place_as(sparse_model(), context(0, 0), {.ram = memory(64 * kGiB)}, 999, 0).fit,
              Fit::kInRam);
}

TEST(Place, FillsSeveralCardsAlike) {
    const Machine machine{.cards = {usable(900 * kMiB), usable(450 * kMiB)}};
    const Placement p = place(dense_model(), context(100 * kMiB, 20 * kMiB), machine);
    ASSERT_EQ(p.fit, Fit::kOnCards);
    EXPECT_EQ(p.split, (std::vector<uint32_t>{7, 4}));  // 790 and 400 of 900 and 450 MiB
    EXPECT_EQ(p.cards.at(0).compute, 20 * kMiB);
    EXPECT_EQ(p.cards.at(1).compute, 20 * kMiB);
}

TEST(Place, CountsATiedHeadTwiceOnlyBesideACard) {
    ModelParts parts = dense_model();
    parts.output = {40 * kMiB, 40 * kMiB};
    parts.tied_bytes = 40 * kMiB;
    EXPECT_EQ(parts.weights(), 1040 * kMiB);
    const Placement with = place(parts, context(0, 0), {.cards = {memory(2 * kGiB)}});
    EXPECT_EQ(with.cards.at(0).weights, 1040 * kMiB);
    EXPECT_EQ(with.ram.weights, 40 * kMiB);
    const Placement without = place(parts, context(0, 0), {.ram = memory(2 * kGiB)});
    EXPECT_EQ(without.fit, Fit::kInRam);
    EXPECT_EQ(without.ram.weights, 1040 * kMiB);
}

TEST(Place, PutsEverythingIntoUnifiedMemory) {
    const uint64_t needed = (1000 + 50 + 40 + 100 + 20) * kMiB;
    Machine machine{.cards = {usable(needed)}, .unified = true};
    EXPECT_EQ(place(dense_model(), context(100 * kMiB, 20 * kMiB), machine).fit, Fit::kOnCards);
    machine.cards = {usable(needed - kMiB)};
    EXPECT_EQ(place(dense_model(), context(100 * kMiB, 20 * kMiB), machine).fit, Fit::kNowhere);
}

TEST(Place, ReadsEachMemoryAtItsRate) {
    const uint64_t room = (10 * 10 + 5 * 90 + 50) * kMiB + kMiB;
    const Machine machine{.cards = {usable(room, 1e12)}, .ram = memory(64 * kGiB, 5e10)};
    const Placement p = place(sparse_model(), context(0, 0), machine);
    ASSERT_EQ(p.cpu_expert_layers, 5U);
    const double on_card = (10 * 10 + 5 * 9 + 50) * static_cast<double>(kMiB);
    const double in_ram = 5 * 9 * static_cast<double>(kMiB) + 1000;
    ASSERT_TRUE(p.most_tokens_per_second);
    EXPECT_NEAR(*p.most_tokens_per_second, 1 / (on_card / 1e12 + in_ram / 5e10), 1e-6);
}

TEST(Place, SaysNoSpeedWhereARateIsUnknown) {
    EXPECT_FALSE(
        place(dense_model(), context(0, 0), {.cards = {memory(2 * kGiB)}}).most_tokens_per_second);
}

TEST(Place, ReadsTheContextAtItsEnd) {
    const Placement p =
        place(dense_model(), context(100 * kMiB, 0), {.cards = {memory(2 * kGiB, 1e12)}});
    const double weights = 10 * 19 * static_cast<double>(kMiB) + 50 * static_cast<double>(kMiB);
    EXPECT_NEAR(*p.most_tokens_per_second_at_end,
                1e12 / (weights + 100 * static_cast<double>(kMiB)), 1e-6);
}

TEST(ContextCurve, GoesStraightBetweenAndBeyond) {
    const ContextCurve curve({{.tokens = 2000, .keys_values = 400, .compute = 70},
                              {.tokens = 1000, .keys_values = 200, .compute = 60}});
    EXPECT_EQ(curve.at(1000).keys_values, 200U);
    EXPECT_EQ(curve.at(1500).keys_values, 300U);
    EXPECT_EQ(curve.at(1500).compute, 65U);
    EXPECT_EQ(curve.at(4000).keys_values, 800U);
    EXPECT_EQ(curve.at(0).keys_values, 0U);
    EXPECT_TRUE(curve.knows(2000));
    EXPECT_FALSE(curve.knows(1500));
}

TEST(LargestContext, IsTheLastThatFits) {
    // 10 KiB a token beside 1050 MiB of weights
    const ContextCurve curve({{.tokens = 1024, .keys_values = 10 * kMiB},
                              {.tokens = 102400, .keys_values = 1000 * kMiB}});
    const Machine machine{.cards = {usable((1050 + 100) * kMiB + 1000)}};
    EXPECT_EQ(largest_context(dense_model(), curve, machine, Fit::kOnCards, 262144), 10240U);
    EXPECT_EQ(largest_context(dense_model(), curve, machine, Fit::kOnCards, 8000), 8000U);
    const Machine small{.cards = {usable(1000 * kMiB)}};
    EXPECT_EQ(largest_context(dense_model(), curve, small, Fit::kInRam, 262144), 0U);
}

TEST(ModelParts, AreAllOfTheFileButForPrediction) {
    const GgufFile file = GgufFile::open(std::filesystem::path(BITGAUGE_TEST_DATA) /
                                         "../../data/tinymoe/tinymoe-BF16.gguf");
    const ModelParts parts = model_parts(file);
    EXPECT_EQ(parts.layers.size(), 8U);
    EXPECT_TRUE(parts.has_experts());
    EXPECT_EQ(parts.weights(), file.tensor_bytes());
    constexpr uint64_t kEmbedding = 4096 * 256 * 2, kExperts = 3 * 8 * 256 * 256 * 2;
    EXPECT_EQ(parts.embedding.weights, kEmbedding);
    EXPECT_EQ(parts.embedding.read_per_token, 512U);
    EXPECT_EQ(parts.layers[0].experts.weights, kExperts);
    EXPECT_EQ(parts.layers[0].experts.read_per_token, kExperts / 4);
    EXPECT_EQ(parts.tied_bytes, 0U);
    EXPECT_EQ(scaled(parts, 0.5).layers[0].experts.weights, kExperts / 2);
}

TEST(ModelParts, OfATiedHeadHaveItTwice) {
    const GgufFile file = GgufFile::open(std::filesystem::path(BITGAUGE_TEST_DATA) /
                                         "babyllama105/babyllama105-f32.gguf");
    const ModelParts parts = model_parts(file);
    EXPECT_GT(parts.tied_bytes, 0U);
    EXPECT_EQ(parts.weights(), file.tensor_bytes());
}

}  // namespace
}  // namespace bitgauge
