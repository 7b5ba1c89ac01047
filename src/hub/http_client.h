#pragma once

// HTTP as a hub needs it: what every request is set to, what is tried again, and what is said of an
// answer that is none. libcurl's handles are owned here.
//
// The token goes to the host, port and scheme of the endpoint alone, also when that redirects. Only
// https is spoken; http too where the endpoint itself is http. Nothing here prints an address that
// a server gave.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include <curl/curl.h>

#include "bitgauge/hub.h"

namespace bitgauge {

struct CurlDeleter {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
using CurlHandle = std::unique_ptr<CURL, CurlDeleter>;

struct CurlMultiDeleter {
    void operator()(CURLM* handle) const { curl_multi_cleanup(handle); }
};
using CurlMulti = std::unique_ptr<CURLM, CurlMultiDeleter>;

CurlHandle new_handle();
CurlMulti new_multi();

// The endpoint without a slash at its end; Error(kInput) unless it is an http(s) address without a
// user, a query and a fragment.
std::string checked_endpoint(const std::string& endpoint);

// "a b/c" -> "a%20b/c"; with `slashes` also '/' is encoded.
std::string encoded(const std::string& text, bool slashes = false);

// Both are of one scheme, host and port.
bool same_origin(const std::string& a, const std::string& b);

// Everything but the callbacks and the range. `url` may be any that the endpoint redirected to.
void prepare(CURL* handle, const std::string& url, const HubOptions& options);

// How a request ended.
struct HttpEnd {
    CURLcode code = CURLE_OK;
    long status = 0;
    int64_t retry_after_s = 0;  // as the server asks; 0 when it does not
};

HttpEnd end_of(CURL* handle, CURLcode code);

// A later try may succeed: dropped connections, stalls, 408, 429, 5xx.
bool is_worth_retrying(const HttpEnd& end);

// Before try number `tries` (1 is the first repetition): 0.25 s, doubled each time up to 16 s, or
// what the server asks for. Error(kEnvironment) when that is more than five minutes.
std::chrono::milliseconds wait_before(int tries, const HttpEnd& end, const std::string& what);

// Throws the error for a request that failed for good; `what` is the subject: "user/name".
[[noreturn]] void fail_request(const HttpEnd& end, const std::string& what,
                               const HubOptions& options);

struct HttpText {
    std::string body;
    std::string next;  // the address of the next page; empty on the last one
};

// A text of at most 64 MiB, tried again as above. `what` is named in errors.
HttpText get_text(const std::string& url, const std::string& what, const HubOptions& options);

// Bytes [begin, end) of what is there, at most 64 MiB; fewer at its end. Error(kEnvironment) where
// the server ignores the range.
std::string get_range(const std::string& url, uint64_t begin, uint64_t end, const std::string& what,
                      const HubOptions& options);

}  // namespace bitgauge
