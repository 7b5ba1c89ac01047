// Text files and JSON Lines from arbitrary bytes: read or refused with Error, never anything else;
// what is read keeps its promises. The first byte chooses the kind of file.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "bitgauge/error.h"

#include "text/jsonl.h"
#include "text/utf8.h"
#include "text/wikitext.h"
#include "text/words.h"

namespace {

void require(bool promise) {
    if (!promise) std::abort();
}

void check_articles(std::string_view text) {
    const std::vector<size_t> starts = bitgauge::article_starts(text);
    require(!starts.empty() && starts.front() == 0);
    for (size_t i = 1; i < starts.size(); ++i) {
        require(starts[i] > starts[i - 1] && starts[i] < text.size());
        require(text[starts[i] - 1] == '\n');
    }
}

void check_json_lines(std::string_view text) {
    for (const bitgauge::Document& document : bitgauge::parse_jsonl(text, "fuzz.jsonl", "fuzz")) {
        require(document.messages_json.empty() != bitgauge::is_blank(document.text));
    }
}

void check_words(std::string_view text) {
    size_t end = 0;
    bitgauge::for_each_word(text, [&](const bitgauge::Word& word) {
        require(word.begin >= end && word.end > word.begin && word.end <= text.size());
        end = word.end;
    });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    check_words(text);  // of any bytes
    try {
        bitgauge::require_utf8(text, "fuzz");
        if (data[0] % 2 == 0) {
            check_articles(text);
        } else {
            check_json_lines(text);
        }
    } catch (const bitgauge::Error&) {
        return 0;  // refused in words
    }
    return 0;
}
