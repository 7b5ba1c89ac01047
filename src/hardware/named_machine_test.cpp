#include "hardware/named_machine.h"

#include <set>

#include <gtest/gtest.h>

#include "bitgauge/error.h"
#include "bitgauge/placement.h"

namespace bitgauge {
namespace {

constexpr uint64_t kBytesOfGib = uint64_t{1} << 30;

std::string refusal(const std::string& name) {
    try {
        named_machine(name);
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kInput);
        return std::string(error.what()) + " / " + error.hint();
    }
    return "";
}

TEST(KnownDevices, ReadAsManyBitsAsTheirBusHasAtTheRateOfAPin) {
    for (const KnownDevice& device : known_devices()) {
        const double rate = device.bus_bits / 8 * device.bits_per_second_per_pin;
        EXPECT_NEAR(device.bytes_per_second / rate, 1, 2e-3) << device.name;
        EXPECT_FALSE(device.memory_gib.empty()) << device.name;
        EXPECT_FALSE(device.source.empty()) << device.name;
    }
}

TEST(KnownDevices, AreFoundByEveryNameThatIsListed) {
    std::set<std::string> names;
    for (const std::string& name : device_names()) {
        EXPECT_TRUE(names.insert(name).second) << name;
        EXPECT_GT(named_machine(name).cards.at(0).bytes, 0U) << name;
    }
}

TEST(NamedMachine, IsTheCardHoweverItIsWritten) {
    for (const char* name :
         {"rtx4090", "RTX 4090", "4090", "rtx-4090", "NVIDIA GeForce RTX 4090"}) {
        const Machine machine = named_machine(name);
        EXPECT_EQ(machine.cards.at(0).bytes, 24 * kBytesOfGib) << name;
        EXPECT_FALSE(machine.unified);
    }
    EXPECT_DOUBLE_EQ(named_machine("4090").cards.at(0).bytes_per_second, 1008e9);
    EXPECT_EQ(named_machine("7900xtx").cards.at(0).bytes, 24 * kBytesOfGib);
    EXPECT_EQ(named_machine("rtx4060ti-16gb").cards.at(0).bytes, 16 * kBytesOfGib);
}

// Free on idle cards, in MiB, as llama.cpp, nvbench and deviceQuery have printed it.
TEST(NamedMachine, HasNoMoreMemoryThanDriversShow) {
    const auto free_mib = [](const char* name) {
        const Memory card = named_machine(name).cards.at(0);
        return static_cast<double>(card.bytes - card.never_free_bytes) / (1 << 20);
    };
    constexpr double kNear = 32;
    EXPECT_LT(free_mib("rtx4090"), 23'605 + kNear);
    EXPECT_LT(free_mib("rtx3090"), 23'860 + kNear);
    EXPECT_LT(free_mib("rtx5060ti-16gb"), 15'711 + kNear);
    EXPECT_LT(free_mib("l40s"), 45'589 + kNear);  // ECC in GDDR6
    EXPECT_LT(free_mib("rtxa6000"), 45'619 + kNear);
    EXPECT_LT(free_mib("a100-80gb"), 81'251 + kNear);
    EXPECT_EQ(named_machine("m4-max-64gb").cards.at(0).never_free_bytes, 0U);
}

TEST(NamedMachine, HasSeveralCards) {
    const Machine machine = named_machine("2x3090");
    EXPECT_EQ(machine.cards.size(), 2U);
    EXPECT_EQ(machine.name, "2 x NVIDIA GeForce RTX 3090");
    EXPECT_EQ(named_machine("2xrtx4060ti-16gb").cards.size(), 2U);
}

TEST(NamedMachine, GivesGraphicsTheirShareOfUnifiedMemory) {
    const Machine machine = named_machine("m4-max-64gb");
    EXPECT_TRUE(machine.unified);
    EXPECT_EQ(machine.cards.at(0).bytes, 48 * kBytesOfGib);
    EXPECT_NEAR(named_machine("m4-pro-24gb").cards.at(0).bytes / double(kBytesOfGib), 16.08, 0.01);
}

TEST(NamedMachine, SaysWhatItDoesNotKnow) {
    EXPECT_EQ(refusal("rtx4091"),
              "'rtx4091' is no device that is known by name / did you mean "
              "'rtx4090'?");
    EXPECT_EQ(refusal("m4-max-65gb"),
              "Apple M4 Max comes with 48, 64, 128 GiB, not 65 / say which: m4-max-128gb");
    EXPECT_EQ(refusal("m4-max"),
              "Apple M4 Max comes with 48, 64, 128 GiB / say which: "
              "m4-max-128gb");
    EXPECT_NE(refusal("2xm4-max-64gb"), "");
    EXPECT_NE(refusal(""), "");
    EXPECT_NE(refusal(std::string(100'000, 'x')), "");
}

}  // namespace
}  // namespace bitgauge
