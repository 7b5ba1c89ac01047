// Machines are given by hand: what a conversation takes of them.

#include "cli/chat_placement.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "bitgauge/error.h"
#include "bitgauge/load_memory.h"

#include "hardware/placement_testing.h"

namespace bitgauge {
namespace {

constexpr uint64_t kMiB = kTestMiB;
constexpr uint64_t kTrained = 262'144;

Memory usable(uint64_t mib) {
    Memory memory = usable_memory(mib * kMiB);
    memory.name = "a card";
    return memory;
}

Machine machine(uint64_t card_mib, uint64_t ram_mib) {
    return {.name = "this machine", .cards = {usable(card_mib)}, .ram = usable(ram_mib)};
}

// 10 KiB for each token.
ContextCurve ten_kib_a_token() {
    return ContextCurve({{.tokens = 1024, .keys_values = 10 * kMiB},
                         {.tokens = 102'400, .keys_values = 1000 * kMiB}});
}

ChatPlacement placed(const Machine& machine, const ChatWish& wish = {}) {
    return place_chat(sparse_model(), ten_kib_a_token(), kTrained, machine, wish);
}

TEST(ChatPlacement, OfACardThatHoldsAllIsAllOfIt) {
    const ChatPlacement chat = placed(machine(1050 + 80, 64'000));
    EXPECT_EQ(chat.context.tokens, 8192U);
    EXPECT_EQ(chat.context.why, "the model was trained with 262,144");
    EXPECT_EQ(chat.placement.fit, Fit::kOnCards);
    EXPECT_EQ(chat.placement.gpu_layers, 11U);
    EXPECT_EQ(chat.placement.cpu_expert_layers, 0U);
    EXPECT_EQ(chat.where, "all on the card: 1.10 GiB of 1.10 GiB on a card are taken");
}

TEST(ChatPlacement, WouldRatherHaveFewerTokensThanExpertsInRam) {
    const ChatPlacement chat = placed(machine(1050 + 60, 64'000));
    EXPECT_EQ(chat.placement.fit, Fit::kOnCards);
    EXPECT_EQ(chat.context.tokens, 6144U);  // 60 MiB
    EXPECT_NE(chat.context.why.find("with more not all would be on the card"), std::string::npos);
}

TEST(ChatPlacement, HasTheUsualContextWhereExpertsAreInRamInAnyCase) {
    const ChatPlacement chat = placed(machine(1050 + 30, 64'000));
    EXPECT_EQ(chat.placement.fit, Fit::kExpertsInRam);
    EXPECT_EQ(chat.placement.cpu_expert_layers, 1U);
    EXPECT_EQ(chat.placement.gpu_layers, 11U);
    EXPECT_EQ(chat.context.tokens, 8192U);
    EXPECT_TRUE(chat.where.starts_with("experts of 1 of 10 layers in RAM: ")) << chat.where;
}

TEST(ChatPlacement, CountsMainMemoryToo) {
    const ChatPlacement chat = placed(machine(500, 720));  // neither holds it alone
    EXPECT_EQ(chat.placement.fit, Fit::kExpertsInRam);
    EXPECT_EQ(chat.context.warning, "");
}

TEST(ChatPlacement, GivesTheContextThatIsAskedForTheRoomOfExperts) {
    const ChatPlacement chat = placed(machine(1050 + 80, 64'000), {.tokens = 51'200});
    EXPECT_EQ(chat.context.tokens, 51'200U);
    EXPECT_EQ(chat.context.why, "as asked for");
    EXPECT_EQ(chat.placement.fit, Fit::kExpertsInRam);
    EXPECT_EQ(placed(machine(4096, 64'000), {.tokens = 0}).context.tokens, kTrained);
}

TEST(ChatPlacement, KeepsToLayersThatAreAskedFor) {
    const ChatPlacement some = placed(machine(2000, 64'000), {.gpu_layers = 4});
    EXPECT_EQ(some.placement.fit, Fit::kLayersInRam);
    EXPECT_EQ(some.placement.gpu_layers, 4U);
    EXPECT_EQ(some.placement.cpu_expert_layers, 0U);
    const ChatPlacement none = placed(machine(2000, 64'000), {.gpu_layers = 0});
    EXPECT_EQ(none.where, "all in RAM");
    const ChatPlacement experts = placed(machine(2000, 64'000), {.cpu_expert_layers = 99});
    EXPECT_EQ(experts.placement.gpu_layers, 11U);
    EXPECT_EQ(experts.placement.cpu_expert_layers, 10U);
}

TEST(ChatPlacement, SaysWhatIsMissingAndGoesOn) {
    const ChatPlacement little = placed(machine(300, 300));
    EXPECT_EQ(little.context.tokens, 512U);
    EXPECT_NE(little.context.warning.find("more memory is needed"), std::string::npos);
    EXPECT_NE(little.placement.fit, Fit::kNowhere);
    const ChatPlacement forced = placed(machine(300, 64'000), {.gpu_layers = 11});
    EXPECT_NE(forced.context.warning.find("more memory is needed"), std::string::npos);
    EXPECT_EQ(forced.placement.gpu_layers, 11U);
    EXPECT_EQ(forced.where, "as asked for");
}

TEST(ChatPlacement, RefusesAContextThatAllMemoriesTogetherCannotHold) {
    EXPECT_THROW(placed(machine(300, 300), {.tokens = 102'400}), Error);
}

TEST(ChatPlacement, OfUnifiedMemoryIsAllThere) {
    const Machine mac{.cards = {usable(1050 + 40 + 80)}, .unified = true};
    EXPECT_EQ(placed(mac).where, "all in unified memory: 1.10 GiB of 1.14 GiB on a card are taken");
    const Machine small{.cards = {usable(600)}, .unified = true};
    EXPECT_EQ(placed(small).placement.fit, Fit::kNowhere);
}

TEST(ChatPlacement, OfAFileKnowsFromLibllamaWhatContextsTake) {
    const auto path =
        std::filesystem::path(BITGAUGE_TEST_DATA) / "../../data/tinymoe/tinymoe-BF16.gguf";
    const GgufFile model = GgufFile::open(path);
    const auto on = [&](uint64_t card_mib) {
        return place_chat(path, model, machine(card_mib, 1000), {}, {}, silent_progress());
    };
    const ChatPlacement all = on(50);  // 44.1 MiB, as `bitgauge fit` says
    EXPECT_EQ(all.context.tokens, 1024U);
    EXPECT_EQ(all.placement.gpu_layers, 9U);
    EXPECT_EQ(all.placement.fit, Fit::kOnCards);
    EXPECT_EQ(on(40).placement.fit, Fit::kExpertsInRam);
}

}  // namespace
}  // namespace bitgauge
