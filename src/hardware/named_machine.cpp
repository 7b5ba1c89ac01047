#include "hardware/named_machine.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <regex>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/placement.h"

#include "base/json.h"
#include "base/nearest_name.h"

#include "hardware/embedded_devices.h"

namespace bitgauge {
namespace {

constexpr uint64_t kBytesOfGib = uint64_t{1} << 30;
constexpr uint64_t kSmallGib = 36;

KnownDevice device_of(const Json& json) {
    const double share = json.value("share_for_graphics", 1.0);
    return {.name = json.at("name"),
            .title = json.at("title"),
            .unified = json.at("kind") == "unified",
            .memory_gib = json.at("memory_gib"),
            .bytes_per_second = json.at("gb_per_s").get<double>() * 1e9,
            .bus_bits = json.at("bus_bits"),
            .bits_per_second_per_pin = json.at("gbit_per_s_per_pin").get<double>() * 1e9,
            .graphics_share = share,
            .graphics_share_of_small = json.value("share_for_graphics_up_to_36_gib", share),
            .never_free = json.value("never_free", kNeverFreeOnACard),
            .source = json.at("source")};
}

// "RTX 4090" and "rtx-4090" are "rtx4090".
std::string plain(const std::string& name) {
    std::string kept;
    for (const char c : name) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::isalnum(byte) != 0) kept += static_cast<char>(std::tolower(byte));
    }
    return kept;
}

// Without the maker's series: "4090", "7900xtx".
bool is_named(const KnownDevice& device, const std::string& typed) {
    const std::string name = plain(device.name);
    if (name == typed || plain(device.title) == typed) return true;
    return (name.starts_with("rtx") || name.starts_with("arc")) ? name.substr(3) == typed
                                                                : "rx" + typed == name;
}

const KnownDevice* find_device(const std::string& typed) {
    const auto& all = known_devices();
    const auto found = std::find_if(all.begin(), all.end(), [&](const KnownDevice& device) {
        return is_named(device, plain(typed));
    });
    return found == all.end() ? nullptr : &*found;
}

struct Typed {
    uint64_t count = 1;
    std::string name;
    std::optional<uint64_t> gib;
};

// "2x3090", "m4-max-64gb".
Typed parse(const std::string& text) {
    static const std::regex pattern("(?:([1-9][0-9]?)x)?(.+?)(?:[-_ ]([0-9]{1,4})gi?b)?",
                                    std::regex::ECMAScript | std::regex::icase);
    std::smatch match;
    constexpr size_t kLongest = 64;
    if (text.size() > kLongest || !std::regex_match(text, match, pattern)) return {.name = text};
    Typed typed{.name = match[2].str()};
    if (match[1].matched) typed.count = std::stoull(match[1].str());
    if (match[3].matched) typed.gib = std::stoull(match[3].str());
    return typed;
}

[[noreturn]] void fail_unknown(const std::string& name) {
    const std::string best = suggest(name, device_names());
    throw Error(ErrorKind::kInput, fmt::format("'{}' is no device that is known by name", name),
                best.empty() ? "bitgauge fit --devices names them; or say --vram 24GiB --ram 64GiB"
                             : fmt::format("did you mean '{}'?", best));
}

// The one asked for; without a word the only one there is.
uint64_t memory_of(const KnownDevice& device, const std::optional<uint64_t>& gib) {
    const auto& all = device.memory_gib;
    if (!gib && all.size() == 1) return all.front();
    if (gib && std::find(all.begin(), all.end(), *gib) != all.end()) return *gib;
    const std::string there = fmt::format("{}", fmt::join(all, ", "));
    throw Error(ErrorKind::kInput,
                gib ? fmt::format("{} comes with {} GiB, not {}", device.title, there, *gib)
                    : fmt::format("{} comes with {} GiB", device.title, there),
                fmt::format("say which: {}-{}gb", device.name, all.back()));
}

uint64_t never_free_bytes(const KnownDevice& device, uint64_t bytes) {
    if (device.unified) return 0;
    return static_cast<uint64_t>(static_cast<double>(bytes) * device.never_free);
}

Memory memory_of_device(const KnownDevice& device, uint64_t gib) {
    const double share = gib <= kSmallGib ? device.graphics_share_of_small : device.graphics_share;
    const auto bytes = static_cast<uint64_t>(static_cast<double>(gib * kBytesOfGib) * share);
    return {.name = device.title,
            .bytes = bytes,
            .bytes_per_second = device.bytes_per_second,
            .source = device.source,
            .never_free_bytes = never_free_bytes(device, bytes)};
}

}  // namespace

const std::vector<KnownDevice>& known_devices() {
    static const std::vector<KnownDevice> all = [] {
        std::vector<KnownDevice> devices;
        for (std::size_t i = 0; i < kEmbeddedDevicesCount; ++i) {
            const Json file = Json::parse(kEmbeddedDevices[i].content);
            for (const Json& device : file.at("devices")) devices.push_back(device_of(device));
        }
        return devices;
    }();
    return all;
}

std::vector<std::string> device_names() {
    std::vector<std::string> names;
    for (const KnownDevice& device : known_devices()) {
        if (device.memory_gib.size() == 1) {
            names.push_back(device.name);
            continue;
        }
        for (const uint64_t gib : device.memory_gib) {
            names.push_back(fmt::format("{}-{}gb", device.name, gib));
        }
    }
    return names;
}

Machine named_machine(const std::string& name) {
    // some names end in a memory themselves: "rtx4060ti-16gb"
    Typed typed = parse(name);
    if (const KnownDevice* whole = find_device(name)) typed = {.name = whole->name};
    const KnownDevice* device = find_device(typed.name);
    if (device == nullptr && typed.gib) {
        typed.name += fmt::format("-{}gb", *typed.gib);
        device = find_device(typed.name);
    }
    if (device == nullptr) fail_unknown(name);
    if (device->unified && typed.count > 1) {
        throw Error(ErrorKind::kInput, fmt::format("{} has one memory of its own", device->title),
                    "name one device");
    }
    const Memory memory = memory_of_device(*device, memory_of(*device, typed.gib));
    return {.name = typed.count > 1 ? fmt::format("{} x {}", typed.count, device->title)
                                    : device->title,
            .cards = std::vector<Memory>(typed.count, memory),
            .unified = device->unified};
}

}  // namespace bitgauge
