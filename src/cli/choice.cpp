#include "cli/choice.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/suggest.h"

namespace bitgauge {

CLI::Validator one_of(std::vector<std::string> names) {
    const std::string description = fmt::format("{{{}}}", fmt::join(names, ","));
    const auto check = [names = std::move(names)](const std::string& typed) {
        if (std::find(names.begin(), names.end(), typed) != names.end()) return std::string();
        const std::string best = suggest(typed, names);
        return fmt::format("'{}' is none of {}{}", typed, fmt::join(names, ", "),
                           best.empty() ? "" : fmt::format("; did you mean '{}'?", best));
    };
    return CLI::Validator(check, description);
}

}  // namespace bitgauge
