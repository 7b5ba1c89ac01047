#include "report/names.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "report/escape.h"

namespace bitgauge {
namespace {

constexpr std::string_view kSeparators = "-_. ";

std::string stem_of(const ModelIdentity& model) {
    std::string stem = model.file.empty() ? model.label : model.file;
    if (stem.ends_with(".gguf")) stem.resize(stem.size() - 5);
    return stem;
}

size_t common_prefix(std::string_view a, std::string_view b) {
    const auto end = std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first;
    return static_cast<size_t>(end - a.begin());
}

// How many leading bytes all stems share, cut after '-': "Qwen3-Q4_K_M" and "Qwen3-Q4_K_S" share
// "Qwen3-", not "Qwen3-Q4_K_", which would leave "M" and "S".
size_t shared_prefix(std::span<const std::string> stems) {
    size_t shared = stems.front().size();
    for (const std::string& stem : stems) {
        shared = std::min(shared, common_prefix(stems.front(), stem));
    }
    const size_t cut = std::string_view(stems.front()).substr(0, shared).rfind('-');
    return cut == std::string_view::npos ? 0 : cut + 1;
}

std::string with_publisher(const std::string& publisher, const std::string& name) {
    const bool said = publisher.empty() || name.starts_with(publisher);
    return printable(said ? name : publisher + " " + name);
}

void tell_apart(std::vector<std::string>& names, std::span<const ModelIdentity> models) {
    const std::vector<std::string> before = names;
    for (size_t i = 0; i < names.size(); ++i) {
        if (std::count(before.begin(), before.end(), before[i]) < 2) continue;
        names[i] += fmt::format(" #{}", printable(models[i].content_hash.substr(0, 6)));
    }
}

// Two records of one and the same file (other builds): number them.
void number_doubles(std::vector<std::string>& names) {
    const std::vector<std::string> before = names;
    for (size_t i = 0; i < names.size(); ++i) {
        const auto earlier =
            std::count(before.begin(), before.begin() + static_cast<long>(i), before[i]);
        if (earlier > 0) names[i] += fmt::format(" ({})", earlier + 1);
    }
}

}  // namespace

std::vector<std::string> short_names(std::span<const ModelIdentity> models) {
    if (models.empty()) return {};
    std::vector<std::string> stems;
    for (const ModelIdentity& model : models) stems.push_back(stem_of(model));
    const size_t shared = models.size() > 1 ? shared_prefix(stems) : 0;

    std::vector<std::string> names;
    for (size_t i = 0; i < models.size(); ++i) {
        const std::string rest = stems[i].substr(shared);
        const bool telling = rest.find_first_not_of(kSeparators) != std::string::npos;
        names.push_back(with_publisher(models[i].publisher, telling ? rest : stems[i]));
    }
    tell_apart(names, models);
    number_doubles(names);
    return names;
}

}  // namespace bitgauge
