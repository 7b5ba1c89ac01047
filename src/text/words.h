#pragma once

// A text as words, for comparing texts.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

namespace bitgauge {

// One word: the hash of its letters in lower case, and its bytes in the text.
struct Word {
    uint64_t hash = 0;
    size_t begin = 0;
    size_t end = 0;
};

// Calls `take` for each word of `text` in order: what lies between white space (Unicode's and
// controls), without punctuation, symbols and invisible characters, in lower case (Unicode's simple
// mapping); nothing where that leaves nothing. A wide letter without case (ideographs, kana,
// Hangul) is a word by itself. Bytes that are no UTF-8 count as white space.
void for_each_word(std::string_view text, const std::function<void(const Word&)>& take);

}  // namespace bitgauge
