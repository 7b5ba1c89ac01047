#include "hub/hub_repository.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/json.h"

#include "hub/http_client.h"
#include "hub/hub_cache.h"

namespace bitgauge {
namespace {

constexpr int kMostPages = 1000;
constexpr uint64_t kLargest = uint64_t{1} << 46;  // bytes of a file

[[noreturn]] void fail_answer(const HubOptions& options, const std::string& reason) {
    throw Error(
        ErrorKind::kEnvironment,
        fmt::format("{} does not answer as Hugging Face does: {}", options.endpoint, reason),
        "check the endpoint (--endpoint, HF_ENDPOINT)");
}

Json parsed(const std::string& body, const HubOptions& options) {
    try {
        return Json::parse(body);
    } catch (const Json::exception& error) {
        fail_answer(options, reason_of(error));
    }
}

std::string text_at(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

bool is_hex(const std::string& text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return std::isdigit(static_cast<unsigned char>(c)) != 0 || (c >= 'a' && c <= 'f');
    });
}

std::string commit_of(const std::string& repository, const std::string& revision,
                      const HubOptions& options) {
    const std::string url = fmt::format("{}/api/models/{}/revision/{}", options.endpoint,
                                        repository, encoded(revision, true));
    const std::string what = revision == "main" ? repository : repository + "@" + revision;
    const Json answer = parsed(get_text(url, what, options).body, options);
    std::string commit = answer.is_object() ? text_at(answer, "sha") : "";
    constexpr size_t kDigits = 40;
    if (commit.size() != kDigits || !is_hex(commit)) fail_answer(options, "there is no commit");
    return commit;
}

HubFile file_of(const Json& entry, const HubOptions& options) {
    HubFile file;
    file.path = text_at(entry, "path");
    require_inner_path(file.path, "path in a repository");
    const auto lfs = entry.find("lfs");
    const bool large = lfs != entry.end() && lfs->is_object();
    const Json& source = large ? *lfs : entry;
    file.hash = text_at(source, "oid");
    const auto size = source.find("size");
    if (size == source.end() || !size->is_number_unsigned() || !is_hex(file.hash)) {
        fail_answer(options, fmt::format("'{}' has no size or no hash", file.path));
    }
    file.bytes = size->get<uint64_t>();
    if (file.bytes > kLargest) fail_answer(options, fmt::format("'{}' is too large", file.path));
    return file;
}

void add_page(const Json& page, const HubOptions& options, std::vector<HubFile>& files) {
    if (!page.is_array()) fail_answer(options, "the files are no list");
    for (const Json& entry : page) {
        if (entry.is_object() && text_at(entry, "type") == "file") {
            files.push_back(file_of(entry, options));
        }
    }
}

// The address of the next page is the server's word; only its path is taken, at the endpoint.
std::string next_url(const std::string& next, const HubOptions& options) {
    const size_t path = next.find("/api/models/");
    return path == std::string::npos ? "" : options.endpoint + next.substr(path);
}

std::vector<HubFile> files_at(const std::string& repository, const std::string& commit,
                              const HubOptions& options) {
    std::vector<HubFile> files;
    std::string url = fmt::format("{}/api/models/{}/tree/{}?recursive=true", options.endpoint,
                                  repository, commit);
    for (int page = 0; !url.empty(); ++page) {
        if (page == kMostPages) fail_answer(options, "the list of files does not end");
        const HttpText text = get_text(url, repository, options);
        add_page(parsed(text.body, options), options, files);
        url = next_url(text.next, options);
    }
    std::sort(files.begin(), files.end(),
              [](const HubFile& a, const HubFile& b) { return a.path < b.path; });
    return files;
}

}  // namespace

std::string file_url(const HubListing& listing, const HubFile& file, const HubOptions& options) {
    return fmt::format("{}/{}/resolve/{}/{}", options.endpoint, listing.repository, listing.commit,
                       encoded(file.path));
}

HubListing list_repository(const std::string& repository, const std::string& revision,
                           const HubOptions& given) {
    require_inner_path(revision, "revision");
    if (given.offline) return HubCache(given.cache, repository).listing(revision);
    HubOptions options = given;
    options.endpoint = checked_endpoint(given.endpoint);
    const std::string commit = commit_of(repository, revision, options);
    return {repository, revision, commit, files_at(repository, commit, options)};
}

std::string fetch_range(const HubListing& listing, const HubFile& file, uint64_t begin,
                        uint64_t end, const HubOptions& given) {
    constexpr uint64_t kMost = uint64_t{64} << 20;
    end = std::min({end, file.bytes, begin + kMost});
    if (begin >= end) return "";
    HubOptions options = given;
    options.endpoint = checked_endpoint(given.endpoint);
    return get_range(file_url(listing, file, options), begin, end, file.path, options);
}

}  // namespace bitgauge
