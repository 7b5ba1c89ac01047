#include "text/overlap.h"

#include <algorithm>
#include <functional>
#include <span>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/hash.h"
#include "base/json.h"
#include "text/words.h"

namespace bitgauge {
namespace {

constexpr size_t kMostHashes = size_t{1} << 24;
constexpr size_t kMostExamples = 5;
constexpr size_t kExampleBytes = 200;

// --- what is read of a document -----------------------------------------------------------------

void add_content(const Json& content, std::string& text) {
    if (content.is_string()) {
        text += content.get_ref<const std::string&>() + "\n";
    } else if (content.is_array()) {
        for (const Json& part : content) {
            if (part.is_object() && part.contains("text")) add_content(part["text"], text);
        }
    }
}

std::string chat_text(const std::string& messages_json) {
    std::string text;
    const Json messages = Json::parse(messages_json, nullptr, false);
    for (const Json& message : messages) {
        if (message.is_object() && message.contains("content")) {
            add_content(message["content"], text);
        }
    }
    return text;
}

// `take` gets each document's text; the view lives for the call.
void for_each_text(const Corpus& corpus, const std::function<void(std::string_view)>& take) {
    for (const Document& document : corpus.documents) {
        if (document.text.empty() && !document.messages_json.empty()) {
            take(chat_text(document.messages_json));
        } else {
            take(document.text);
        }
    }
}

// --- runs of words ------------------------------------------------------------------------------

struct Gram {
    uint64_t hash = 0;
    size_t begin = 0;  // bytes in the document
    size_t end = 0;
};

void for_each_gram(std::string_view text, size_t n, const std::function<void(const Gram&)>& take) {
    std::vector<uint64_t> hashes;  // of the last n words
    std::vector<size_t> begins;
    for_each_word(text, [&](const Word& word) {
        if (hashes.size() == n) {
            hashes.erase(hashes.begin());
            begins.erase(begins.begin());
        }
        hashes.push_back(word.hash);
        begins.push_back(word.begin);
        if (hashes.size() < n) return;
        take({quick_hash(std::as_bytes(std::span(hashes))), begins.front(), word.end});
    });
}

void for_each_gram(const Corpus& corpus, size_t n, const std::function<void(const Gram&)>& take) {
    for_each_text(corpus, [&](std::string_view text) { for_each_gram(text, n, take); });
}

uint64_t count_grams(const Corpus& corpus, size_t n) {
    uint64_t grams = 0;
    for_each_gram(corpus, n, [&](const Gram&) { ++grams; });
    return grams;
}

// Hashes fall into `parts` of about the same size.
struct Part {
    uint64_t index = 0;
    uint64_t parts = 1;

    bool has(uint64_t hash) const { return (hash >> 32) % parts == index; }
};

std::vector<uint64_t> sorted_hashes(const Corpus& corpus, size_t n, const Part& part) {
    std::vector<uint64_t> hashes;
    for_each_gram(corpus, n, [&](const Gram& gram) {
        if (part.has(gram.hash)) hashes.push_back(gram.hash);
    });
    std::ranges::sort(hashes);
    hashes.erase(std::unique(hashes.begin(), hashes.end()), hashes.end());
    return hashes;
}

// Which runs of `b` stand in `a`, by their order.
std::vector<bool> shared_grams(const Corpus& a, const Corpus& b, size_t n, size_t most_hashes) {
    std::vector<bool> shared(count_grams(b, n));
    const uint64_t parts = 1 + count_grams(a, n) / most_hashes;
    for (uint64_t index = 0; index < parts; ++index) {
        const Part part{index, parts};
        const std::vector<uint64_t> known = sorted_hashes(a, n, part);
        size_t i = 0;
        for_each_gram(b, n, [&](const Gram& gram) {
            if (part.has(gram.hash)) shared[i] = std::ranges::binary_search(known, gram.hash);
            ++i;
        });
    }
    return shared;
}

// --- examples -----------------------------------------------------------------------------------

std::string in_one_line(std::string_view text) {
    std::string line;
    for (const char c : text) {
        const bool space = static_cast<unsigned char>(c) <= ' ';
        if (!space) line += c;
        if (space && !line.empty() && line.back() != ' ') line += ' ';
    }
    return line;
}

// Not within a character.
std::string cut(std::string text) {
    if (text.size() <= kExampleBytes) return text;
    size_t end = kExampleBytes;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    return text.substr(0, end) + "...";
}

// The longest passages met so far, longest first.
class LongestPassages {
  public:
    void add(size_t grams, std::string_view passage) {
        if (grams == 0 || (full() && grams <= passages_.back().first)) return;
        const std::string text = cut(in_one_line(passage.substr(0, 4 * kExampleBytes)));
        if (std::ranges::count(passages_, text, &Passage::second) > 0) return;
        const auto at = std::ranges::find_if(
            passages_, [&](const Passage& known) { return known.first < grams; });
        passages_.insert(at, {grams, text});
        if (passages_.size() > kMostExamples) passages_.pop_back();
    }
    std::vector<std::string> texts() const {
        std::vector<std::string> all;
        for (const auto& [grams, text] : passages_) all.push_back(text);
        return all;
    }

  private:
    using Passage = std::pair<size_t, std::string>;

    bool full() const { return passages_.size() == kMostExamples; }

    std::vector<Passage> passages_;
};

struct SharedRun {
    size_t grams = 0;
    size_t begin = 0;
    size_t end = 0;
};

std::vector<std::string> examples_of(const Corpus& corpus, size_t n,
                                     const std::vector<bool>& shared) {
    LongestPassages longest;
    size_t i = 0;
    for_each_text(corpus, [&](std::string_view text) {
        SharedRun run;
        const auto end_run = [&] {
            longest.add(run.grams, text.substr(run.begin, run.end - run.begin));
            run = {};
        };
        for_each_gram(text, n, [&](const Gram& gram) {
            if (!shared[i++]) return end_run();
            if (run.grams++ == 0) run.begin = gram.begin;
            run.end = gram.end;
        });
        end_run();
    });
    return longest.texts();
}

}  // namespace

TextOverlap text_overlap_in_parts(const Corpus& a, const Corpus& b, size_t n, size_t most_hashes) {
    if (n == 0) throw Error(ErrorKind::kInput, "runs of 0 words cannot be compared", "take 13");
    const std::vector<bool> shared = shared_grams(a, b, n, most_hashes);
    TextOverlap overlap{.grams = shared.size(),
                        .shared = static_cast<uint64_t>(std::ranges::count(shared, true)),
                        .examples = examples_of(b, n, shared)};
    if (overlap.grams > 0) {
        overlap.share = static_cast<double>(overlap.shared) / static_cast<double>(overlap.grams);
    }
    return overlap;
}

TextOverlap text_overlap(const Corpus& a, const Corpus& b, size_t n) {
    return text_overlap_in_parts(a, b, n, kMostHashes);
}

}  // namespace bitgauge
