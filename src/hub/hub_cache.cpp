#include "hub/hub_cache.h"

#include <algorithm>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/files.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

std::string folder_name(const std::string& repository) {
    const size_t slash = repository.find('/');
    return "models--" + repository.substr(0, slash) + "--" + repository.substr(slash + 1);
}

bool has_size(const fs::path& path, uint64_t bytes) {
    std::error_code none;
    return fs::is_regular_file(path, none) && fs::file_size(path, none) == bytes;
}

std::string without_line_end(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    return text;
}

bool is_plain_part(std::string_view part) {
    return !part.empty() && part != "." && part != ".." &&
           std::none_of(part.begin(), part.end(),
                        [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

// What a link points to tells the hash; a copy does not.
std::string hash_behind(const fs::path& path) {
    std::error_code none;
    return fs::is_symlink(path, none) ? fs::read_symlink(path, none).filename().string() : "";
}

}  // namespace

void require_inner_path(const std::string& path, const char* what) {
    bool plain = !path.empty();
    for (size_t begin = 0; plain && begin <= path.size();) {
        const size_t end = std::min(path.find('/', begin), path.size());
        plain = is_plain_part(std::string_view(path).substr(begin, end - begin));
        begin = end + 1;
    }
    if (plain) return;
    std::string shown = path;
    std::replace_if(
        shown.begin(), shown.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; },
        '?');
    throw Error(ErrorKind::kInput, fmt::format("'{}' is no usable {}", shown, what),
                "a path has no empty part, no '.' and no '..'");
}

HubCache::HubCache(const fs::path& cache, const std::string& repository)
    : repository_(repository), folder_(cache / folder_name(repository)) {}

fs::path HubCache::blob(const HubFile& file) const {
    return folder_ / "blobs" / file.hash;
}

fs::path HubCache::snapshot(const std::string& commit, const std::string& path) const {
    return folder_ / "snapshots" / commit / path;
}

bool HubCache::has_blob(const HubFile& file) const {
    return has_size(blob(file), file.bytes);
}

// Another file under this name would be an older upload, which a link of this commit never is.
bool HubCache::has(const std::string& commit, const HubFile& file) const {
    return has_size(snapshot(commit, file.path), file.bytes);
}

void HubCache::link(const std::string& commit, const HubFile& file) const {
    const fs::path path = snapshot(commit, file.path);
    make_folder(path.parent_path());
    const fs::path target = blob(file).lexically_relative(path.parent_path());
    fs::path beside = path;
    beside += fmt::format(".{}.link", ::getpid());
    std::error_code failed;
    fs::remove(beside, failed);
    fs::create_symlink(target, beside, failed);
    if (!failed) fs::rename(beside, path, failed);
    if (!failed) return;
    throw Error(ErrorKind::kEnvironment,
                fmt::format("'{}' could not be linked to '{}': {}", path.string(), target.string(),
                            failed.message()),
                "name a file with -o, or a cache on a file system with links");
}

void HubCache::write_ref(const std::string& revision, const std::string& commit) const {
    if (revision == commit) return;
    const fs::path path = folder_ / "refs" / revision;
    make_folder(path.parent_path());
    write_file_atomically(path, commit);
}

std::optional<std::string> HubCache::commit_of(const std::string& revision) const {
    std::error_code none;
    const fs::path ref = folder_ / "refs" / revision;
    if (fs::is_regular_file(ref, none)) {
        const std::string commit = without_line_end(read_text_file(ref));
        require_inner_path(commit, "commit in the cache");
        return commit;
    }
    if (fs::is_directory(folder_ / "snapshots" / revision, none)) return revision;
    return std::nullopt;
}

HubListing HubCache::listing(const std::string& revision) const {
    const auto commit = commit_of(revision);
    std::error_code none;
    const fs::path folder = commit ? folder_ / "snapshots" / *commit : fs::path();
    if (!commit || !fs::is_directory(folder, none)) {
        throw Error(ErrorKind::kInput,
                    fmt::format("the cache has nothing of '{}' at '{}'", repository_, revision),
                    "leave out --offline (HF_HUB_OFFLINE), or check HF_HUB_CACHE and HF_HOME");
    }
    HubListing listing{repository_, revision, *commit, {}};
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        if (!entry.is_regular_file(none)) continue;
        listing.files.push_back({entry.path().lexically_relative(folder).generic_string(),
                                 entry.file_size(none), hash_behind(entry.path())});
    }
    std::sort(listing.files.begin(), listing.files.end(),
              [](const HubFile& a, const HubFile& b) { return a.path < b.path; });
    return listing;
}

}  // namespace bitgauge
