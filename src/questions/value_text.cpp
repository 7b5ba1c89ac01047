#include "questions/value_text.h"

#include <algorithm>
#include <cctype>
#include <regex>

#include "questions/answer_text.h"

namespace bitgauge {
namespace {

bool is_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

// Commands of LaTeX that say how something looks. What follows must not be a letter: \leftarrow is
// another command.
std::string without_looks(std::string text) {
    static const std::regex looks(R"(\\left(?![a-zA-Z])|\\right(?![a-zA-Z])|\\[!,;: ]|\$)");
    static const std::regex fractions(R"(\\[dt]frac(?![a-zA-Z]))");
    static const std::regex words(R"(\\(?:text|mathrm|textbf|mbox)\{([^{}\\]{0,200})\})");
    text = std::regex_replace(text, looks, "");
    text = std::regex_replace(text, fractions, "\\frac");
    return std::regex_replace(text, words, "$1");
}

// A blank stays only between two words or numbers.
std::string without_blanks(const std::string& text) {
    std::string kept;
    bool blank = false;
    for (const char c : text) {
        if (std::isspace(static_cast<unsigned char>(c)) != 0) {
            blank = true;
            continue;
        }
        if (blank && !kept.empty() && is_word(kept.back()) && is_word(c)) kept += ' ';
        blank = false;
        kept += c;
    }
    return kept;
}

std::string without_commas(const std::string& text) {
    std::string kept;
    for (const char c : text) {
        if (c != ',') kept += c;
    }
    return kept;
}

}  // namespace

std::optional<std::string> plain_number(const std::string& text) {
    static const std::regex pattern(
        R"(([-+]?)((?:[0-9]{1,3}(?:,[0-9]{3}){1,12}|[0-9]{0,40}))(?:\.([0-9]{0,40}))?)");
    std::smatch parts;
    if (!std::regex_match(text, parts, pattern) || parts[2].length() + parts[3].length() == 0) {
        return {};
    }
    std::string whole = without_commas(parts[2]);
    whole.erase(0, std::min(whole.find_first_not_of('0'), whole.size()));
    std::string fraction = parts[3];
    fraction.erase(fraction.find_last_not_of('0') + 1);
    std::string number = whole.empty() ? "0" : whole;
    if (!fraction.empty()) number += "." + fraction;
    return parts[1] == "-" && number != "0" ? "-" + number : number;
}

std::string plain_latex(const std::string& text) {
    // Longer texts are no value; std::regex recurses along them.
    return without_blanks(text.size() > 4096 ? text : without_looks(text));
}

bool equal_as_text(const std::string& a, const std::string& b) {
    const std::string plain_a = plain_latex(a);
    const std::string plain_b = plain_latex(b);
    if (plain_a == plain_b) return !plain_a.empty();
    const std::optional<std::string> number = plain_number(plain_a);
    return number && number == plain_number(plain_b);
}

}  // namespace bitgauge
