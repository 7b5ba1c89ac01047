#include "cli/sizes.h"

#include <cmath>
#include <map>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "bitgauge/error.h"

namespace bitgauge {
namespace {

std::map<std::string, double> units() {
    std::map<std::string, double> all{{"b", 1}};
    double decimal = 1, binary = 1;
    for (const char* prefix : {"k", "m", "g", "t"}) {
        decimal *= 1000;
        binary *= 1024;
        all[prefix] = decimal;
        all[std::string(prefix) + "b"] = decimal;
        all[std::string(prefix) + "ib"] = binary;
    }
    return all;
}

// The reader says by an exception of its own that it does not know a unit.
bool has_known_unit(const CLI::AsNumberWithUnit& reader, std::string& number) {
    try {
        return reader(number).empty();
    } catch (const CLI::ValidationError&) {
        return false;
    }
}

}  // namespace

uint64_t parse_size(const std::string& text) {
    static const CLI::AsNumberWithUnit reader(
        units(), CLI::AsNumberWithUnit::Options(CLI::AsNumberWithUnit::CASE_INSENSITIVE |
                                                CLI::AsNumberWithUnit::UNIT_OPTIONAL));
    std::string number = text;
    double bytes = -1;
    if (!has_known_unit(reader, number) || !CLI::detail::lexical_cast(number, bytes) ||
        !(bytes >= 1 && bytes < 1e18)) {
        throw Error(ErrorKind::kInput, fmt::format("'{}' is no size", text),
                    "give bytes with a unit: 20GiB, 24GB, 500MiB");
    }
    return static_cast<uint64_t>(std::llround(bytes));
}

}  // namespace bitgauge
