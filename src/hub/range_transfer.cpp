#include "hub/range_transfer.h"

#include <algorithm>
#include <cstdio>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/interrupt.h"

namespace bitgauge {
namespace {

constexpr long kPartial = 206;
constexpr long kRangeRefused = 416;
constexpr uint64_t kSuccess = uint64_t{1} << 20;  // bytes after which tries are counted anew

std::string header_of(CURL* handle, const char* name) {
    curl_header* found = nullptr;
    const CURLHcode code = curl_easy_header(handle, name, 0, CURLH_HEADER, -1, &found);
    return code == CURLHE_OK ? found->value : "";
}

bool is_page(CURL* handle) {
    return header_of(handle, "Content-Type").starts_with("text/html");
}

// Signed addresses expire, and only another look at the repository gives a new one.
bool is_refusal(const HttpEnd& end) {
    constexpr long kFirst = 400;
    constexpr long kBeyond = 500;
    return end.code == CURLE_HTTP_RETURNED_ERROR && end.status >= kFirst && end.status < kBeyond &&
           !is_worth_retrying(end);
}

// A network that is away for a while takes the names with it; they were known when the list came.
bool may_pass(const HttpEnd& end) {
    return is_worth_retrying(end) || end.code == CURLE_COULDNT_RESOLVE_HOST;
}

bool asks_for_a_pause(const HttpEnd& end) {
    return end.code == CURLE_HTTP_RETURNED_ERROR && end.retry_after_s > 0;
}

}  // namespace

RangeTransfer::RangeTransfer(const std::string& url, const HubFile& file, const HubOptions& options,
                             ResumableFile& part, ChunkJournal& journal)
    : url_(url),
      file_(file),
      options_(options),
      part_(part),
      journal_(journal),
      multi_(new_multi()) {
    for (int i = 0; i < options.connections; ++i) {
        connections_.push_back(std::make_unique<Connection>());
        connections_.back()->handle = new_handle();
        connections_.back()->transfer = this;
    }
    queue_open_chunks();
}

RangeTransfer::~RangeTransfer() {
    for (const auto& c : connections_) stop(*c);
}

void RangeTransfer::run(const std::function<void(uint64_t)>& on_bytes, Progress& progress) {
    constexpr int kLookMs = 100;
    while (!journal_.complete()) {
        throw_if_interrupted();
        start_idle();
        int running = 0;
        curl_multi_perform(multi_.get(), &running);
        const bool idle = collect(progress);
        on_bytes(bytes_so_far());
        if (!idle) curl_multi_poll(multi_.get(), nullptr, 0, kLookMs, nullptr);
    }
}

uint64_t RangeTransfer::bytes_so_far() const {
    uint64_t sum = journal_.done_bytes();
    for (const auto& c : connections_) {
        if (c->busy && !c->range.whole) sum += c->range.at - c->range.begin;
    }
    return sum;
}

// --- starting -----------------------------------------------------------------------------------

void RangeTransfer::queue_open_chunks() {
    for (size_t i = 0; i < journal_.chunks(); ++i) {
        if (journal_.is_done(i)) continue;
        const uint64_t begin = journal_.begin_of(i);
        open_.push_back({i, begin, journal_.end_of(i), begin});
    }
}

void RangeTransfer::start_idle() {
    const auto now = Clock::now();
    if (now < pause_until_) return;
    for (const auto& c : connections_) {
        if (c->busy) continue;
        const auto due = std::find_if(open_.begin(), open_.end(),
                                      [&](const Range& r) { return r.not_before <= now; });
        if (due == open_.end()) return;
        const Range range = *due;
        open_.erase(due);
        start(*c, range);
    }
}

void RangeTransfer::start(Connection& c, const Range& range) {
    CURL* handle = c.handle.get();
    c.range = range;
    c.asked_from = range.at;
    c.answer = Answer::kUnseen;
    c.direct = !direct_url_.empty();
    c.busy = true;
    curl_easy_reset(handle);
    prepare(handle, c.direct ? direct_url_ : url_, options_);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &c);
    curl_easy_setopt(handle, CURLOPT_PRIVATE, &c);
    if (!range.whole) {
        const std::string bytes = fmt::format("{}-{}", range.at, range.end - 1);
        curl_easy_setopt(handle, CURLOPT_RANGE, bytes.c_str());
    }
    curl_multi_add_handle(multi_.get(), handle);
}

void RangeTransfer::stop(Connection& c) {
    if (!c.busy) return;
    curl_multi_remove_handle(multi_.get(), c.handle.get());
    c.busy = false;
}

// --- data ---------------------------------------------------------------------------------------

// Exceptions do not pass through libcurl; whatever is wrong ends the transfer and is looked at
// then.
size_t RangeTransfer::on_data(char* data, size_t, size_t size, void* connection) {
    auto& c = *static_cast<Connection*>(connection);
    try {
        return c.transfer->take(c, std::as_bytes(std::span(data, size))) ? size : 0;
    } catch (...) {
        c.failed = std::current_exception();
        return 0;
    }
}

bool RangeTransfer::take(Connection& c, std::span<const std::byte> bytes) {
    if (c.answer == Answer::kUnseen) c.answer = judge(c);
    if (c.answer == Answer::kGood && bytes.size() > c.range.end - c.range.at) {
        c.answer = Answer::kTooLong;
    }
    if (c.answer != Answer::kGood) return false;
    const uint64_t hashed = c.range.whole ? journal_.contiguous_bytes() : 0;
    const uint64_t known = std::min<uint64_t>(bytes.size(), hashed - std::min(hashed, c.range.at));
    part_.write(c.range.at + known, bytes.subspan(known));
    c.range.at += bytes.size();
    if (c.range.whole) mark_stream(c);
    return true;
}

void RangeTransfer::mark_stream(const Connection& c) {
    for (size_t i = journal_.contiguous_chunks();
         i < journal_.chunks() && journal_.end_of(i) <= c.range.at; ++i) {
        journal_.mark(i);
    }
}

RangeTransfer::Answer RangeTransfer::judge(Connection& c) const {
    CURL* handle = c.handle.get();
    if (is_page(handle)) return Answer::kPage;
    if (!c.range.whole) return judge_range(c);
    curl_off_t length = -1;
    curl_easy_getinfo(handle, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    c.said_bytes = length < 0 ? file_.bytes : static_cast<uint64_t>(length);
    return c.said_bytes == file_.bytes ? Answer::kGood : Answer::kOtherLength;
}

RangeTransfer::Answer RangeTransfer::judge_range(Connection& c) const {
    long status = 0;
    curl_easy_getinfo(c.handle.get(), CURLINFO_RESPONSE_CODE, &status);
    if (status != kPartial) return Answer::kIgnoresRange;
    unsigned long long begin = 0;
    unsigned long long last = 0;
    unsigned long long total = 0;
    const std::string said = header_of(c.handle.get(), "Content-Range");
    const int read = std::sscanf(said.c_str(), "bytes %llu-%llu/%llu", &begin, &last, &total);
    if (read < 2 || begin != c.range.at) return Answer::kIgnoresRange;
    c.said_bytes = read == 3 ? total : file_.bytes;
    return c.said_bytes == file_.bytes ? Answer::kGood : Answer::kOtherLength;
}

// --- ends ---------------------------------------------------------------------------------------

bool RangeTransfer::collect(Progress& progress) {
    bool idle = false;
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        const CURLcode code = message->data.result;
        Connection* c = nullptr;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &c);
        stop(*c);
        end(*c, code, progress);
        idle = true;
    }
    return idle;
}

void RangeTransfer::end(Connection& c, CURLcode code, Progress& progress) {
    if (c.failed) std::rethrow_exception(std::exchange(c.failed, nullptr));
    HttpEnd http = end_of(c.handle.get(), code);
    if (c.answer == Answer::kIgnoresRange) return use_one_stream(progress);
    if (c.answer != Answer::kUnseen && c.answer != Answer::kGood) refuse(c);
    if (code == CURLE_OK && c.range.at == c.range.end) return finish(c);
    if (code == CURLE_OK) http.code = CURLE_PARTIAL_FILE;
    repeat(c, http, progress);
}

void RangeTransfer::finish(Connection& c) {
    char* address = nullptr;
    curl_easy_getinfo(c.handle.get(), CURLINFO_EFFECTIVE_URL, &address);
    if (address != nullptr && url_ != address) direct_url_ = address;
    if (c.range.whole) return;  // its chunks are marked as they come
    part_.written(c.range.begin, c.range.end - c.range.begin);
    journal_.mark(c.range.chunk);
}

// The one stream begins anew each time: there only what is beyond the best try counts.
bool RangeTransfer::has_succeeded(const Connection& c) {
    const uint64_t before = c.range.whole ? stream_best_ : c.asked_from;
    if (c.range.whole) stream_best_ = std::max(stream_best_, c.range.at);
    return c.range.at >= before + kSuccess;
}

void RangeTransfer::repeat(Connection& c, const HttpEnd& end, Progress& progress) {
    if (end.code == CURLE_HTTP_RETURNED_ERROR && end.status == kRangeRefused) {
        c.answer = Answer::kOtherLength;
        refuse(c);
    }
    const bool expired = c.direct && is_refusal(end);
    Range range = c.range;
    if (has_succeeded(c)) range.tries = 0;
    ++range.tries;
    if ((!may_pass(end) && !expired) || range.tries > options_.retries) {
        fail_request(end, file_.path, options_);
    }
    if (expired) direct_url_.clear();
    const auto wait = wait_before(range.tries, end, file_.path);
    range.not_before = Clock::now() + wait;
    if (asks_for_a_pause(end)) pause_until_ = range.not_before;
    if (range.whole) range.at = 0;
    open_.push_front(range);
    progress.detail(fmt::format("'{}' at {}: {}, again in {} ms", file_.path, c.range.at,
                                end.code == CURLE_HTTP_RETURNED_ERROR
                                    ? fmt::format("answer {}", end.status)
                                    : curl_easy_strerror(end.code),
                                wait.count()));
}

void RangeTransfer::use_one_stream(Progress& progress) {
    if (one_stream_) return;
    one_stream_ = true;
    progress.detail(
        fmt::format("'{}': the server gives no ranges, so it is one stream", file_.path));
    for (const auto& c : connections_) {
        stop(*c);
        c->answer = Answer::kUnseen;
    }
    journal_.forget_beyond_contiguous();
    open_.clear();
    Range all;
    all.end = file_.bytes;
    all.whole = true;
    open_.push_back(all);
}

void RangeTransfer::refuse(const Connection& c) const {
    if (c.answer == Answer::kPage) {
        throw Error(ErrorKind::kEnvironment,
                    fmt::format("{} answers with a web page instead of '{}'", options_.endpoint,
                                file_.path),
                    "check the endpoint, and whether the network wants a login first");
    }
    if (c.answer == Answer::kTooLong) {
        throw Error(
            ErrorKind::kEnvironment,
            fmt::format("{} sends more of '{}' than was asked for", options_.endpoint, file_.path),
            "check the endpoint (--endpoint, HF_ENDPOINT)");
    }
    const std::string said =
        c.said_bytes > 0 ? fmt::format("has {} bytes", c.said_bytes) : "is shorter";
    throw Error(ErrorKind::kEnvironment,
                fmt::format("'{}' {} by the server's answer and {} by the list of files",
                            file_.path, said, file_.bytes),
                "try again later, or another endpoint");
}

}  // namespace bitgauge
