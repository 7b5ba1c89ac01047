#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <regex>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/hub.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

std::string first_of(std::initializer_list<const char*> names) {
    for (const char* name : names) {
        if (std::string value = variable(name); !value.empty()) return value;
    }
    return "";
}

fs::path home_of_tools() {
    if (const std::string home = variable("HF_HOME"); !home.empty()) return home;
    if (const std::string cache = variable("XDG_CACHE_HOME"); !cache.empty()) {
        return fs::path(cache) / "huggingface";
    }
    return fs::path(variable("HOME")) / ".cache" / "huggingface";
}

std::string trimmed(const std::string& text) {
    const size_t begin = text.find_first_not_of(" \t\r\n");
    if (begin == std::string::npos) return "";
    return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

std::string token_in(const fs::path& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return trimmed(line);
}

std::string token_of_user(const fs::path& home) {
    if (auto token = trimmed(first_of({"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"})); !token.empty()) {
        return token;
    }
    const std::string path = variable("HF_TOKEN_PATH");
    return token_in(path.empty() ? home / "token" : fs::path(path));
}

bool is_true(std::string value) {
    for (char& c : value) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return value == "1" || value == "true" || value == "yes" || value == "on";
}

}  // namespace

HubOptions hub_options_from_environment() {
    HubOptions options;
    const fs::path home = home_of_tools();
    if (const auto endpoint = variable("HF_ENDPOINT"); !endpoint.empty())
        options.endpoint = endpoint;
    options.token = token_of_user(home);
    const std::string cache = first_of({"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"});
    options.cache = cache.empty() ? home / "hub" : fs::path(cache);
    options.offline = is_true(variable("HF_HUB_OFFLINE"));
    return options;
}

HubName parse_hub_name(const std::string& typed) {
    static const std::regex pattern(
        "([A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*)(?::([A-Za-z0-9][A-Za-z0-9._/"
        "-]*))?");
    std::smatch match;
    if (!std::regex_match(typed, match, pattern)) {
        throw Error(ErrorKind::kInput, fmt::format("'{}' is no name of a repository", typed),
                    "it is USER/NAME or USER/NAME:TAG, such as unsloth/Qwen3-8B-GGUF:Q4_K_M");
    }
    return {match[1].str(), match[2].str()};
}

}  // namespace bitgauge
