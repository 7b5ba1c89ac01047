#include "text/words.h"

#include <algorithm>
#include <span>
#include <string>
#include <utf8proc.h>

#include "base/hash.h"

namespace bitgauge {
namespace {

enum class Kind { kSpace, kIgnored, kLetter, kWide };

Kind kind_of(utf8proc_int32_t c) {
    switch (utf8proc_category(c)) {
        case UTF8PROC_CATEGORY_ZS:
        case UTF8PROC_CATEGORY_ZL:
        case UTF8PROC_CATEGORY_ZP:
        case UTF8PROC_CATEGORY_CC:
            return Kind::kSpace;
        case UTF8PROC_CATEGORY_CF:
        case UTF8PROC_CATEGORY_PC:
        case UTF8PROC_CATEGORY_PD:
        case UTF8PROC_CATEGORY_PS:
        case UTF8PROC_CATEGORY_PE:
        case UTF8PROC_CATEGORY_PI:
        case UTF8PROC_CATEGORY_PF:
        case UTF8PROC_CATEGORY_PO:
        case UTF8PROC_CATEGORY_SM:
        case UTF8PROC_CATEGORY_SC:
        case UTF8PROC_CATEGORY_SK:
        case UTF8PROC_CATEGORY_SO:
            return Kind::kIgnored;
        case UTF8PROC_CATEGORY_LO:
            return utf8proc_charwidth(c) == 2 ? Kind::kWide : Kind::kLetter;
        default:
            return Kind::kLetter;
    }
}

// ASCII is most of most texts.
Kind kind_of_ascii(unsigned char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter) return Kind::kLetter;
    return c <= ' ' || c == 0x7F ? Kind::kSpace : Kind::kIgnored;
}

void append_lower(std::string& word, utf8proc_int32_t c) {
    utf8proc_uint8_t bytes[4];
    const auto size = utf8proc_encode_char(utf8proc_tolower(c), bytes);
    word.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
}

class WordReader {
  public:
    WordReader(std::string_view text, const std::function<void(const Word&)>& take)
        : text_(text), take_(take) {}

    void read() {
        for (size_t at = 0; at < text_.size();) at += step(at);
        end_word();
    }

  private:
    size_t step(size_t at) {
        const auto byte = static_cast<unsigned char>(text_[at]);
        if (byte < 0x80) {
            add(kind_of_ascii(byte), static_cast<utf8proc_int32_t>(byte), at, 1);
            return 1;
        }
        utf8proc_int32_t c = 0;
        const auto size =
            utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text_.data()) + at,
                             static_cast<utf8proc_ssize_t>(text_.size() - at), &c);
        const bool valid = size > 0;
        const size_t bytes = valid ? static_cast<size_t>(size) : 1;
        add(valid ? kind_of(c) : Kind::kSpace, c, at, bytes);
        return bytes;
    }

    void add(Kind kind, utf8proc_int32_t c, size_t at, size_t bytes) {
        if (kind == Kind::kIgnored) return;
        if (kind != Kind::kLetter) end_word();
        if (kind == Kind::kSpace) return;
        if (letters_.empty()) word_.begin = at;
        word_.end = at + bytes;
        append_lower(letters_, c);
        if (kind == Kind::kWide) end_word();
    }

    void end_word() {
        if (letters_.empty()) return;
        word_.hash = quick_hash(std::as_bytes(std::span(letters_)));
        letters_.clear();
        take_(word_);
    }

    std::string_view text_;
    const std::function<void(const Word&)>& take_;
    std::string letters_;
    Word word_;
};

}  // namespace

void for_each_word(std::string_view text, const std::function<void(const Word&)>& take) {
    WordReader(text, take).read();
}

}  // namespace bitgauge
