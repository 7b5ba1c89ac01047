#include <algorithm>
#include <array>
#include <fnmatch.h>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/questions.h"

#include "base/units.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

struct SetFiles {
    std::string_view set;
    std::array<const char*, 2> patterns;  // of the name before its endings
};

// Sets whose files are not simply called after them.
constexpr std::array<SetFiles, 4> kSetFiles = {{
    {"mmlu-pro", {"mmlu?pro*", "mmlupro*"}},
    {"math-500", {"math500*", "math?500*"}},
    {"gpqa-diamond", {"gpqa*diamond*", "gpqa-diamond"}},
    {"livecodebench-v6", {"livecodebench*v6*", "lcb*v6*"}},
}};

constexpr std::array<const char*, 5> kEndings = {".jsonl", ".json", ".csv", ".txt", ".bin"};
constexpr std::array<const char*, 3> kPackings = {"", ".gz", ".bz2"};

bool matches(const std::string& name, const std::string& pattern) {
    return ::fnmatch(pattern.c_str(), name.c_str(), FNM_CASEFOLD) == 0;
}

// "social-i-qa" also finds "social_i_qa".
std::string with_any_separator(std::string set) {
    for (char& c : set) {
        if (c == '-' || c == '_') c = '?';
        if (c == '[' || c == '\\') c = '?';
    }
    return set;
}

std::vector<std::string> patterns_of(const std::string& set) {
    std::vector<std::string> patterns = {with_any_separator(set),
                                         with_any_separator(set) + "[._-]*"};
    for (const SetFiles& files : kSetFiles) {
        if (files.set == set) patterns.assign(files.patterns.begin(), files.patterns.end());
    }
    return patterns;
}

bool is_file_of(const std::string& name, const std::string& set) {
    for (const std::string& pattern : patterns_of(set)) {
        for (const char* ending : kEndings) {
            for (const char* packing : kPackings) {
                if (matches(name, pattern + ending + packing)) return true;
            }
        }
    }
    return false;
}

std::vector<fs::path> files_of(const fs::path& folder, const std::string& set) {
    std::vector<fs::path> files;
    std::error_code failed;
    const auto entries = fs::recursive_directory_iterator(
        folder, fs::directory_options::skip_permission_denied, failed);
    if (failed) {
        throw Error(ErrorKind::kInput, fmt::format("the folder of question sets '{}' cannot be "
                                                   "read: {}",
                                                   folder.string(), failed.message()));
    }
    for (auto entry = begin(entries); entry != end(entries); ++entry) {
        if (entry.depth() >= 1) entry.disable_recursion_pending();
        if (!is_file_of(entry->path().filename().string(), set)) continue;
        if (entry->is_regular_file(failed)) files.push_back(entry->path());
    }
    std::sort(files.begin(), files.end());
    return files;
}

}  // namespace

std::optional<fs::path> find_questions(const fs::path& folder, const std::string& set) {
    const std::vector<fs::path> files = files_of(folder, set);
    if (files.empty()) return {};
    if (files.size() == 1) return files[0];
    const std::vector<std::string> names(files.begin(), files.end());
    throw Error(ErrorKind::kInput,
                fmt::format("{} files could be the question set '{}': {}", files.size(), set,
                            some_of(names)),
                "leave one of them in the folder");
}

}  // namespace bitgauge
