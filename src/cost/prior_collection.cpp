#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <system_error>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/prior.h"

#include "base/files.h"

#include "cost/embedded_priors.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

constexpr uint64_t kMostBytes = 16U << 20U;

bool same_model(const Prior& a, const Prior& b) {
    return a.name == b.name && a.architecture == b.architecture;
}

Prior read_prior(const fs::path& path) {
    std::error_code failed;
    if (fs::file_size(path, failed) > kMostBytes && !failed) {
        throw Error(ErrorKind::kInput,
                    fmt::format("prior '{}' has more than {} bytes", path.string(), kMostBytes),
                    "it is no entry of 'bitgauge prior add'; move it elsewhere");
    }
    return parse_prior(read_text_file(path), path.string());
}

std::vector<Prior> priors_in(const fs::path& folder) {
    std::vector<Prior> priors;
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator(folder, failed)) {
        if (entry.path().extension() == ".json") priors.push_back(read_prior(entry.path()));
    }
    return priors;
}

std::string file_name(const Prior& prior) {
    std::string name = prior.architecture + "-" + prior.name;
    std::ranges::transform(name, name.begin(), [](unsigned char c) {
        const bool plain = std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_';
        return plain ? static_cast<char>(std::tolower(c)) : '_';
    });
    return name + ".json";
}

std::vector<Prior> read_shipped() {
    std::vector<Prior> priors;
    for (const EmbeddedPrior& file : embedded_priors()) {
        if (file.name == kGaussianErrors) continue;
        priors.push_back(parse_prior(file.content, "shipped"));
    }
    return priors;
}

}  // namespace

const std::vector<Prior>& shipped_priors() {
    static const std::vector<Prior> all = read_shipped();
    return all;
}

fs::path own_priors_folder() {
    const char* data = std::getenv("XDG_DATA_HOME");
    if (data != nullptr && *data != '\0') return fs::path(data) / "bitgauge" / "priors";
    const char* home = std::getenv("HOME");
    return home == nullptr ? fs::path() : fs::path(home) / ".local/share/bitgauge/priors";
}

std::vector<Prior> all_priors(const fs::path& folder) {
    std::vector<Prior> priors = priors_in(folder);
    const size_t own = priors.size();
    for (const Prior& shipped : shipped_priors()) {
        const auto end = priors.begin() + static_cast<std::ptrdiff_t>(own);
        const bool replaced = std::any_of(priors.begin(), end,
                                          [&](const Prior& p) { return same_model(p, shipped); });
        if (!replaced) priors.push_back(shipped);
    }
    std::ranges::stable_sort(priors, {}, &Prior::name);
    return priors;
}

KeptPrior keep_prior(const Prior& prior, const fs::path& folder) {
    if (folder.empty()) {
        throw Error(ErrorKind::kEnvironment, "there is no folder for priors: HOME is not set",
                    "name one with --priors");
    }
    make_folder(folder);
    for (const Prior& other : priors_in(folder)) {
        if (!same_model(other, prior)) continue;
        write_file_atomically(other.origin, prior_text(prior));
        return {.path = other.origin, .replaced = true};
    }
    fs::path path = folder / file_name(prior);
    for (int number = 2; fs::exists(path); ++number) {  // of another model whose name is as plain
        path.replace_filename(
            fmt::format("{}-{}.json", fs::path(file_name(prior)).stem().string(), number));
    }
    write_file_atomically(path, prior_text(prior));
    return {.path = path};
}

}  // namespace bitgauge
