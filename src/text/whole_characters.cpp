#include "text/whole_characters.h"

#include <iterator>
#include <utf8.h>
#include <utility>

namespace bitgauge {
namespace {

// Whether the text that begins there could still become a character.
bool is_beginning(std::string::const_iterator at, std::string::const_iterator end) {
    try {
        utf8::next(at, end);
        return false;
    } catch (const utf8::not_enough_room&) {
        return true;
    } catch (const utf8::exception&) {
        return false;
    }
}

std::string replaced(std::string::const_iterator begin, std::string::const_iterator end) {
    std::string text;
    utf8::replace_invalid(begin, end, std::back_inserter(text));
    return text;
}

// Where a character begins that is not complete; the end where there is none.
std::string::const_iterator last_beginning(const std::string& bytes) {
    auto at = utf8::find_invalid(bytes.begin(), bytes.end());
    while (at != bytes.end() && !is_beginning(at, bytes.end())) {
        at = utf8::find_invalid(std::next(at), bytes.end());
    }
    return at;
}

}  // namespace

std::string WholeCharacters::add(std::string_view bytes) {
    waiting_ += bytes;
    const auto rest = last_beginning(waiting_);
    std::string text = replaced(waiting_.cbegin(), rest);
    waiting_.erase(waiting_.cbegin(), rest);
    return text;
}

std::string WholeCharacters::finish() {
    const std::string rest = std::exchange(waiting_, "");
    return replaced(rest.cbegin(), rest.cend());
}

}  // namespace bitgauge
