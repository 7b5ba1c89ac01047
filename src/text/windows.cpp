#include <algorithm>
#include <cassert>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/text.h"

#include "text/clusters.h"

namespace bitgauge {
namespace {

// How one document is cut: `payload` of its tokens in a window, the first `context` of them not
// scored, one more token of BOS in front where there is one.
struct Cut {
    uint32_t payload = 0;
    uint32_t context = 0;
    TokenId bos = -1;
};

Cut cut_of(size_t document_tokens, const Protocol& protocol, TokenId bos) {
    const auto half = static_cast<uint32_t>(std::min<size_t>(document_tokens / 2, UINT32_MAX));
    const uint32_t least = bos >= 0 ? 0 : 1;  // something must stand before the first scored token
    const uint32_t context = std::max(std::min(protocol.warmup_tokens, half), least);
    return {protocol.window_tokens - (bos >= 0 ? 1 : 0), context, bos};
}

Window window_of(std::span<const TokenId> payload, const Cut& cut, uint32_t document,
                 uint32_t stratum) {
    const size_t before = cut.bos >= 0 ? 1 : 0;
    Window window;
    window.tokens.resize(before + payload.size(), cut.bos);
    std::copy(payload.begin(), payload.end(),
              window.tokens.begin() + static_cast<ptrdiff_t>(before));
    window.first_scored = static_cast<uint32_t>(before) + cut.context - 1;
    window.cluster = document;
    window.stratum = stratum;
    return window;
}

void add_document(std::vector<Window>& windows, std::span<const TokenId> tokens, const Cut& cut,
                  uint32_t document, uint32_t stratum) {
    for (size_t begin = 0; begin + cut.context < tokens.size();
         begin += cut.payload - cut.context) {
        const size_t count = std::min<size_t>(cut.payload, tokens.size() - begin);
        windows.push_back(window_of(tokens.subspan(begin, count), cut, document, stratum));
    }
}

uint32_t stratum_index(std::vector<std::string>& strata, const std::string& name) {
    const auto found = std::find(strata.begin(), strata.end(), name);
    const auto index = static_cast<uint32_t>(found - strata.begin());
    if (found == strata.end()) strata.push_back(name);
    return index;
}

// How many windows of each stratum to keep: as equal as their sizes allow, `wanted` together, a
// remainder to the first strata.
std::vector<uint32_t> shares(std::vector<uint32_t> sizes, uint32_t wanted) {
    std::vector<uint32_t> kept(sizes.size(), 0);
    while (wanted > 0 && kept != sizes) {
        for (size_t i = 0; i < sizes.size() && wanted > 0; ++i) {
            if (kept[i] == sizes[i]) continue;
            ++kept[i];
            --wanted;
        }
    }
    return kept;
}

// Indices of windows: the first of every document, then the second of every document that has one,
// and so on. Few windows of many documents say more than many windows of few.
std::vector<size_t> document_by_document(const std::vector<Window>& windows) {
    std::vector<size_t> order(windows.size());
    std::vector<size_t> place(windows.size(), 0);  // of a window in its document
    for (size_t i = 0; i < windows.size(); ++i) {
        order[i] = i;
        if (i > 0 && windows[i].cluster == windows[i - 1].cluster) place[i] = place[i - 1] + 1;
    }
    std::ranges::stable_sort(order, {}, [&](size_t i) { return place[i]; });
    return order;
}

void keep_share_of_each_stratum(Windows& windows, uint32_t wanted) {
    if (wanted == 0 || windows.windows.size() <= wanted) return;
    std::vector<uint32_t> sizes(windows.strata.size(), 0);
    for (const Window& window : windows.windows) ++sizes[window.stratum];
    std::vector<uint32_t> left = shares(std::move(sizes), wanted);
    std::vector<size_t> chosen;
    for (size_t i : document_by_document(windows.windows)) {
        uint32_t& room = left[windows.windows[i].stratum];
        if (room == 0) continue;
        --room;
        chosen.push_back(i);
    }
    std::ranges::sort(chosen);
    std::vector<Window> kept;
    kept.reserve(chosen.size());
    for (size_t i : chosen) kept.push_back(std::move(windows.windows[i]));
    windows.windows = std::move(kept);
}

// Strata that have windows, numbered in order of first appearance.
void drop_empty_strata(Windows& windows) {
    std::vector<std::string> used;
    for (Window& window : windows.windows) {
        window.stratum = stratum_index(used, windows.strata[window.stratum]);
    }
    windows.strata = std::move(used);
}

void require_room_for_scores(const Protocol& protocol, TokenId bos) {
    const uint32_t context = std::max(protocol.warmup_tokens, bos >= 0 ? 0u : 1u);
    const uint64_t needed = uint64_t{context} + (bos >= 0 ? 1 : 0) + 1;
    if (protocol.window_tokens >= needed) return;
    throw Error(ErrorKind::kInput,
                fmt::format("windows of {} tokens leave nothing to score: {} are needed with {} "
                            "tokens of warm-up",
                            protocol.window_tokens, needed, protocol.warmup_tokens),
                "make the windows longer or the warm-up shorter");
}

void require_windows(const Windows& windows, std::span<const TokenizedDocument> documents) {
    if (!windows.windows.empty()) return;
    uint64_t tokens = 0;
    for (const TokenizedDocument& document : documents) tokens += document.tokens.size();
    throw Error(
        ErrorKind::kInput,
        fmt::format("the text is too short: {} documents with {} tokens together, a document "
                    "needs at least 2",
                    documents.size(), tokens),
        "give more text");
}

void require_two_windows(size_t tokens, uint32_t window_tokens) {
    if (window_tokens < 3) {
        throw Error(
            ErrorKind::kInput,
            fmt::format("windows of {} tokens leave nothing to score: 3 are needed", window_tokens),
            "make the windows longer; published tables use 512");
    }
    const uint64_t needed = 2 * uint64_t{window_tokens};
    if (tokens >= needed) return;
    throw Error(ErrorKind::kInput,
                fmt::format("the text is too short: it has {} tokens, two windows of {} need {}",
                            tokens, window_tokens, needed),
                "give more text or make the windows shorter");
}

// 0: all.
uint32_t most_windows(const Windows& windows, const Protocol& protocol) {
    if (protocol.max_scored == 0) return protocol.max_windows;
    const uint64_t scored = std::max<uint64_t>(1, windows.scored_positions());
    const uint64_t count = windows.windows.size();
    const uint64_t wanted = (protocol.max_scored * count + scored - 1) / scored;
    const uint64_t most = protocol.max_windows == 0 ? count : protocol.max_windows;
    return static_cast<uint32_t>(std::clamp<uint64_t>(wanted, std::min<uint64_t>(2, most), most));
}

}  // namespace

uint64_t Windows::scored_positions() const {
    return std::accumulate(
        windows.begin(), windows.end(), uint64_t{0},
        [](uint64_t sum, const Window& window) { return sum + window.scored(); });
}

Windows document_windows(std::span<const TokenizedDocument> documents, const Protocol& protocol,
                         TokenId bos) {
    require_room_for_scores(protocol, bos);
    Windows result;
    for (uint32_t i = 0; i < documents.size(); ++i) {
        const std::vector<TokenId>& tokens = documents[i].tokens;
        const uint32_t stratum = stratum_index(result.strata, documents[i].stratum);
        add_document(result.windows, tokens, cut_of(tokens.size(), protocol, bos), i, stratum);
    }
    require_windows(result, documents);
    keep_share_of_each_stratum(result, most_windows(result, protocol));
    drop_empty_strata(result);
    number_clusters(result);
    return result;
}

Windows disjoint_windows(std::span<const TokenId> tokens, std::span<const uint32_t> token_document,
                         const Protocol& protocol, TokenId bos) {
    assert(tokens.size() == token_document.size());
    const uint32_t size = protocol.window_tokens;
    require_two_windows(tokens.size(), size);
    const size_t whole = tokens.size() / size;
    Windows result;
    result.strata = {"all"};
    for (size_t i = 0; i < whole; ++i) {
        const std::span<const TokenId> run = tokens.subspan(i * size, size);
        Window window{{run.begin(), run.end()}, size / 2, 0, 0};
        if (bos >= 0) window.tokens.front() = bos;
        window.cluster = token_document[i * size + window.first_scored + 1];
        result.windows.push_back(std::move(window));
    }
    const uint32_t most = most_windows(result, protocol);
    if (most > 0 && most < whole) result.windows.resize(most);
    number_clusters(result);
    return result;
}

}  // namespace bitgauge
