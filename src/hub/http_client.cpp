#include "hub/http_client.h"

#include <algorithm>
#include <cctype>
#include <regex>
#include <thread>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/interrupt.h"

namespace bitgauge {
namespace {

constexpr long kPartialContent = 206;
constexpr long kUnauthorized = 401;
constexpr long kForbidden = 403;
constexpr long kNotFound = 404;
constexpr long kTimeout = 408;
constexpr long kTooMany = 429;
constexpr long kServerError = 500;

struct FreeUrl {
    void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, FreeUrl>;

Url parsed(const std::string& text) {
    Url url(curl_url());
    if (!url || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK)
        return nullptr;
    return url;
}

std::string part_of(const Url& url, CURLUPart part) {
    char* text = nullptr;
    if (curl_url_get(url.get(), part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return "";
    std::string copy(text);
    curl_free(text);
    return copy;
}

void require_library() {
    static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (ready == CURLE_OK) return;
    throw Error(ErrorKind::kEnvironment,
                fmt::format("libcurl cannot start: {}", curl_easy_strerror(ready)),
                "check its installation");
}

template <typename Handle>
Handle required(Handle handle) {
    if (!handle) throw Error(ErrorKind::kEnvironment, "libcurl has no memory for a connection");
    return handle;
}

bool is_http(const std::string& url) {
    return url.starts_with("http://");
}

// A line break in it would be another header.
void require_one_line(const std::string& token) {
    if (std::all_of(token.begin(), token.end(), [](char c) { return c > 0x20 && c < 0x7f; }))
        return;
    throw Error(ErrorKind::kInput, "the token has characters that no token has",
                "check HF_TOKEN, or the token file in HF_HOME");
}

int stop_at_interrupt(void*, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return interrupted() ? 1 : 0;
}

void sleep_or_stop(std::chrono::milliseconds time) {
    constexpr auto kStep = std::chrono::milliseconds(50);
    const auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end) {
        throw_if_interrupted();
        std::this_thread::sleep_for(kStep);
    }
}

// --- texts --------------------------------------------------------------------------------------

size_t keep_text(const char* data, size_t, size_t size, void* kept) {
    constexpr size_t kMost = size_t{64} << 20;
    auto& body = *static_cast<std::string*>(kept);
    if (body.size() + size > kMost) return 0;
    body.append(data, size);
    return size;
}

// Stops an answer that is more than was asked for.
struct KeptRange {
    std::string bytes;
    uint64_t most = 0;
    bool too_much = false;
};

size_t keep_range(const char* data, size_t, size_t size, void* kept) {
    auto& range = *static_cast<KeptRange*>(kept);
    range.too_much = range.bytes.size() + size > range.most;
    if (range.too_much) return 0;
    range.bytes.append(data, size);
    return size;
}

HttpEnd try_range(const std::string& url, const std::string& span, const HubOptions& options,
                  KeptRange& range) {
    const CurlHandle handle = new_handle();
    prepare(handle.get(), url, options);
    curl_easy_setopt(handle.get(), CURLOPT_RANGE, span.c_str());
    curl_easy_setopt(handle.get(), CURLOPT_WRITEFUNCTION, keep_range);
    curl_easy_setopt(handle.get(), CURLOPT_WRITEDATA, &range);
    return end_of(handle.get(), curl_easy_perform(handle.get()));
}

size_t keep_next(const char* data, size_t, size_t size, void* kept) {
    static const std::regex link("link:.*<([^>]*)>; *rel=\"next\".*",
                                 std::regex::ECMAScript | std::regex::icase);
    std::string line(data, size);
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
    constexpr size_t kLongest = 4096;  // the expression needs stack for every character
    std::smatch match;
    if (line.size() < kLongest && std::regex_match(line, match, link)) {
        *static_cast<std::string*>(kept) = match[1].str();
    }
    return size;
}

HttpEnd try_text(const std::string& url, const HubOptions& options, HttpText& text) {
    text = {};
    const CurlHandle handle = new_handle();
    prepare(handle.get(), url, options);
    curl_easy_setopt(handle.get(), CURLOPT_WRITEFUNCTION, keep_text);
    curl_easy_setopt(handle.get(), CURLOPT_WRITEDATA, &text.body);
    curl_easy_setopt(handle.get(), CURLOPT_HEADERFUNCTION, keep_next);
    curl_easy_setopt(handle.get(), CURLOPT_HEADERDATA, &text.next);
    curl_easy_setopt(handle.get(), CURLOPT_ACCEPT_ENCODING, "");
    return end_of(handle.get(), curl_easy_perform(handle.get()));
}

}  // namespace

CurlHandle new_handle() {
    require_library();
    return required(CurlHandle(curl_easy_init()));
}

CurlMulti new_multi() {
    require_library();
    return required(CurlMulti(curl_multi_init()));
}

std::string checked_endpoint(const std::string& endpoint) {
    std::string text = endpoint;
    while (text.ends_with('/')) text.pop_back();
    const Url url = parsed(text);
    const bool http = text.starts_with("https://") || is_http(text);
    if (url && http && part_of(url, CURLUPART_USER).empty() &&
        part_of(url, CURLUPART_QUERY).empty() && part_of(url, CURLUPART_FRAGMENT).empty()) {
        return text;
    }
    // not the text itself, which may hold a password
    throw Error(ErrorKind::kInput, "the endpoint is no address of a server",
                "it begins with https:// and has neither a user nor a query: "
                "https://huggingface.co");
}

std::string encoded(const std::string& text, bool slashes) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = std::isalnum(byte) != 0 || c == '-' || c == '.' || c == '_' ||
                           c == '~' || (c == '/' && !slashes);
        out += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
    }
    return out;
}

bool same_origin(const std::string& a, const std::string& b) {
    const Url first = parsed(a);
    const Url second = parsed(b);
    if (!first || !second) return false;
    const auto same = [&](CURLUPart part) {
        return curl_strequal(part_of(first, part).c_str(), part_of(second, part).c_str()) != 0;
    };
    return same(CURLUPART_SCHEME) && same(CURLUPART_HOST) && same(CURLUPART_PORT);
}

void prepare(CURL* handle, const std::string& url, const HubOptions& options) {
    constexpr long kMostRedirects = 10;
    constexpr long kBuffer = 512L << 10;
    constexpr long kStalled = 256;  // bytes per second
    const char* schemes = is_http(options.endpoint) ? "http,https" : "https";
    curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, schemes);
    curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, schemes);
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(handle, CURLOPT_MAXREDIRS, kMostRedirects);
    curl_easy_setopt(handle, CURLOPT_UNRESTRICTED_AUTH, 0L);
    curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(handle, CURLOPT_USERAGENT, "bitgauge");
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(handle, CURLOPT_BUFFERSIZE, kBuffer);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, static_cast<long>(options.stall_s));
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, kStalled);
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, static_cast<long>(options.stall_s));
    curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, stop_at_interrupt);
    if (options.token.empty() || !same_origin(url, options.endpoint)) return;
    require_one_line(options.token);
    curl_easy_setopt(handle, CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BEARER));
    curl_easy_setopt(handle, CURLOPT_XOAUTH2_BEARER, options.token.c_str());
}

HttpEnd end_of(CURL* handle, CURLcode code) {
    HttpEnd end{code, 0, 0};
    curl_off_t wait = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &end.status);
    if (curl_easy_getinfo(handle, CURLINFO_RETRY_AFTER, &wait) == CURLE_OK)
        end.retry_after_s = wait;
    return end;
}

bool is_worth_retrying(const HttpEnd& end) {
    switch (end.code) {
        case CURLE_HTTP_RETURNED_ERROR:
            return end.status == kTimeout || end.status == kTooMany || end.status >= kServerError;
        case CURLE_COULDNT_CONNECT:
        case CURLE_OPERATION_TIMEDOUT:
        case CURLE_PARTIAL_FILE:
        case CURLE_GOT_NOTHING:
        case CURLE_RECV_ERROR:
        case CURLE_SEND_ERROR:
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_HTTP2:
        case CURLE_HTTP2_STREAM:
        case CURLE_WEIRD_SERVER_REPLY:
            return true;
        default:
            return false;
    }
}

std::chrono::milliseconds wait_before(int tries, const HttpEnd& end, const std::string& what) {
    constexpr int64_t kLongestAsked = 300;
    constexpr int kDoublings = 6;
    if (end.retry_after_s > kLongestAsked) {
        throw Error(ErrorKind::kEnvironment,
                    fmt::format("the server asks to wait {} s before it gives '{}'",
                                end.retry_after_s, what),
                    "run the same command then: it goes on where it stopped");
    }
    const auto own = std::chrono::milliseconds(250) * (1 << std::min(tries - 1, kDoublings));
    return std::max<std::chrono::milliseconds>(own, std::chrono::seconds(end.retry_after_s));
}

void fail_request(const HttpEnd& end, const std::string& what, const HubOptions& options) {
    if (end.code == CURLE_ABORTED_BY_CALLBACK) throw_if_interrupted();
    if (end.code == CURLE_HTTP_RETURNED_ERROR && end.status == kUnauthorized) {
        throw Error(
            ErrorKind::kInput,
            options.token.empty()
                ? fmt::format("'{}' is private, gated or not there (401)", what)
                : fmt::format("token refused, or '{}' is private, gated or not there (401)", what),
            "check the name; set HF_TOKEN to a token that may read it");
    }
    if (end.code == CURLE_HTTP_RETURNED_ERROR && end.status == kForbidden) {
        throw Error(ErrorKind::kInput, fmt::format("access to '{}' is not granted (403)", what),
                    "accept its conditions on its page, and set HF_TOKEN to a token that may read "
                    "it");
    }
    if (end.code == CURLE_HTTP_RETURNED_ERROR && end.status == kNotFound) {
        throw Error(ErrorKind::kInput,
                    fmt::format("'{}' is not at {} (404)", what, options.endpoint),
                    "check the name and the revision");
    }
    if (end.code == CURLE_HTTP_RETURNED_ERROR) {
        throw Error(ErrorKind::kEnvironment,
                    fmt::format("{} answered {} for '{}'", options.endpoint, end.status, what),
                    "run the same command later: it goes on where it stopped");
    }
    if (end.code == CURLE_UNSUPPORTED_PROTOCOL) {
        throw Error(ErrorKind::kEnvironment,
                    fmt::format("{} redirects '{}' to something else than {}", options.endpoint,
                                what, is_http(options.endpoint) ? "http or https" : "https"),
                    "check the endpoint (--endpoint, HF_ENDPOINT)");
    }
    throw Error(ErrorKind::kEnvironment,
                fmt::format("'{}' could not be fetched from {}: {}", what, options.endpoint,
                            curl_easy_strerror(end.code)),
                "run the same command again: it goes on where it stopped; --offline uses the cache "
                "alone");
}

HttpText get_text(const std::string& url, const std::string& what, const HubOptions& options) {
    HttpText text;
    for (int tries = 1;; ++tries) {
        const HttpEnd end = try_text(url, options, text);
        if (end.code == CURLE_OK) return text;
        if (!is_worth_retrying(end) || tries > options.retries) fail_request(end, what, options);
        sleep_or_stop(wait_before(tries, end, what));
    }
}

std::string get_range(const std::string& url, uint64_t begin, uint64_t end, const std::string& what,
                      const HubOptions& options) {
    const std::string span = fmt::format("{}-{}", begin, end - 1);
    for (int tries = 1;; ++tries) {
        KeptRange range{.most = end - begin};
        const HttpEnd done = try_range(url, span, options, range);
        const bool partial = done.status == kPartialContent;
        if (done.code == CURLE_OK && partial) return range.bytes;
        if (range.too_much || done.code == CURLE_OK) {
            throw Error(ErrorKind::kEnvironment,
                        fmt::format("{} does not give parts of '{}'", options.endpoint, what),
                        "fetch the file with bitgauge pull");
        }
        if (!is_worth_retrying(done) || tries > options.retries) fail_request(done, what, options);
        sleep_or_stop(wait_before(tries, done, what));
    }
}

}  // namespace bitgauge
