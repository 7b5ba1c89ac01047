#include "cli/fit_machine.h"

#include <regex>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/hardware.h"
#include "bitgauge/load_memory.h"

#include "base/units.h"
#include "cli/require.h"
#include "cli/sizes.h"

namespace bitgauge {
namespace {

constexpr double kGiga = 1e9;
// Two channels of DDR4-3200: 2 x 8 bytes x 3.2 GT/s.
constexpr double kUsualRam = 51.2e9;

double rate_of(const std::optional<double>& gigabytes) {
    return gigabytes ? *gigabytes * kGiga : 0;
}

// "2x24GiB" are two cards.
void add_cards(const std::string& text, const MachineArguments& a, Machine& machine) {
    static const std::regex pattern("(?:([1-9][0-9]?)[xX])?([0-9.][^xX]*)");
    constexpr size_t kLongest = 64;
    std::smatch match;
    if (text.size() > kLongest || !std::regex_match(text, match, pattern)) {
        throw Error(ErrorKind::kInput,
                    fmt::format("'{}' is no memory of a card", text.substr(0, kLongest)),
                    "for example 24GiB, or 2x24GiB for two of them");
    }
    const size_t count = match[1].matched ? std::stoull(match[1].str()) : 1;
    const uint64_t bytes = parse_size(match[2].str());
    const Memory card{.name = "card",
                      .bytes = bytes,
                      .bytes_per_second = rate_of(a.bandwidth),
                      .source = "given",
                      .never_free_bytes = never_free_on_a_card(bytes)};
    machine.cards.insert(machine.cards.end(), count, card);
}

Memory ram_of(const MachineArguments& a) {
    return {.name = "main memory",
            .bytes = parse_size(a.ram),
            .bytes_per_second = a.ram_bandwidth ? rate_of(a.ram_bandwidth) : kUsualRam,
            .source = a.ram_bandwidth ? "given" : "assumed: two channels of DDR4-3200"};
}

std::string name_of(const Machine& machine) {
    std::string name;
    for (const Memory& card : machine.cards) {
        name += fmt::format("{}{}", name.empty() ? "" : " + ", format_bytes(card.bytes));
    }
    return machine.cards.empty() ? "no card" : "cards of " + name;
}

Machine given_machine(const MachineArguments& a) {
    Machine machine;
    for (const std::string& text : a.vram) add_cards(text, a, machine);
    machine.name = machine.cards.size() == 1
                       ? fmt::format("a card of {}", format_bytes(machine.cards[0].bytes))
                       : name_of(machine);
    return machine;
}

Machine unified_machine(const MachineArguments& a) {
    const uint64_t bytes = parse_size(a.unified);
    return {.name = fmt::format("unified memory of {}", format_bytes(bytes)),
            .cards = {{.name = "unified memory",
                       .bytes = bytes,
                       .bytes_per_second = rate_of(a.bandwidth),
                       .source = "given"}},
            .unified = true};
}

Machine named(const MachineArguments& a) {
    Machine machine = named_machine(a.device);
    for (Memory& card : machine.cards) {
        if (a.bandwidth) card.bytes_per_second = rate_of(a.bandwidth);
    }
    return machine;
}

Machine this_machine(const MachineArguments& a) {
    Machine machine = memories_here();
    for (Memory& card : machine.cards) card.bytes_per_second = rate_of(a.bandwidth);
    if (!machine.ram) return machine;
    machine.ram->bytes_per_second =
        a.ram_bandwidth ? rate_of(a.ram_bandwidth)
                        : read_bandwidth(resolve_threads(a.threads)).bytes_per_second;
    machine.ram->source = a.ram_bandwidth ? "given" : "available and measured now";
    return machine;
}

Machine without_ram(const MachineArguments& a) {
    if (!a.device.empty()) return named(a);
    if (!a.unified.empty()) return unified_machine(a);
    return given_machine(a);
}

void check(const MachineArguments& a) {
    const int ways = static_cast<int>(!a.vram.empty()) + static_cast<int>(!a.unified.empty()) +
                     static_cast<int>(!a.device.empty());
    require(ways <= 1, "a machine is given in more than one way",
            "give one of --device, --vram and --unified");
    require(a.unified.empty() || a.ram.empty(), "unified memory is all the memory there is",
            "leave out --ram");
}

}  // namespace

void add_machine_options(CLI::App& command, MachineArguments& a) {
    command
        .add_option("--device", a.device, "By name: rtx4090, 2x3090, m4-max-64gb (see --devices)")
        ->type_name("NAME")
        ->group("Machine");
    command
        .add_option("--vram", a.vram,
                    "Of each card: 24GiB, 2x24GiB; cards have GiB (24GB are 22.35 GiB)")
        ->type_name("SIZE,...")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->group("Machine");
    command.add_option("--ram", a.ram, "Main memory that the model may also have: 64GB")
        ->type_name("SIZE")
        ->group("Machine");
    command.add_option("--unified", a.unified, "One memory for processor and graphics: 32GB")
        ->type_name("SIZE")
        ->group("Machine");
    command.add_option("--bandwidth", a.bandwidth, "Of the cards, or of unified memory, GB/s")
        ->type_name("GB/S")
        ->check(CLI::PositiveNumber)
        ->group("Machine");
    command.add_option("--ram-bandwidth", a.ram_bandwidth, "Of main memory, GB/s")
        ->type_name("GB/S")
        ->check(CLI::PositiveNumber)
        ->group("Machine");
}

Machine memories_here() {
    Machine machine{.name = "this machine"};
    for (const ComputingDevice& device : computing_devices()) {
        machine.unified = machine.unified || device.shares_memory;
        machine.cards.push_back({.name = device.description,
                                 .bytes = device.free_bytes,
                                 .source = "free now, as its driver says"});
    }
    if (machine.unified) {
        machine.cards.resize(1);
    } else {
        machine.ram = Memory{
            .name = "main memory", .bytes = available_memory().bytes, .source = "available now"};
    }
    return machine;
}

Machine machine_of(const MachineArguments& a) {
    check(a);
    const bool given = !a.device.empty() || !a.vram.empty() || !a.unified.empty() || !a.ram.empty();
    if (!given) return this_machine(a);
    Machine machine = without_ram(a);
    if (a.ram.empty()) return machine;
    require(!machine.unified, fmt::format("{} has one memory", machine.name), "leave out --ram");
    machine.ram = ram_of(a);
    return machine;
}

}  // namespace bitgauge
