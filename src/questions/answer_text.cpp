#include "questions/answer_text.h"

#include <array>
#include <cctype>
#include <iterator>
#include <regex>
#include <sstream>

namespace bitgauge {
namespace {

constexpr std::string_view kBlanks = " \t\r\n\v\f";
constexpr std::string_view kThinkBegin = "<think>";
constexpr std::string_view kThinkEnd = "</think>";

// Runs are bounded, because std::regex recurses once per character of a match.
const std::regex& answer_pattern() {
    static const std::regex pattern(
        R"(\banswer(?:\s{1,4}is)?[\s*_]{0,8}(?::|\bis\b)[\s*_:$"'`]{0,8})"
        R"((?:\\boxed\{)?(?:\\text\{|\\textbf\{|\\mathrm\{)?[(\[]{0,1}([A-Za-z])(?![A-Za-z0-9])(?!'))"
        R"((?![ \t]{1,8}[a-z]))",
        std::regex::icase);
    return pattern;
}

const std::regex& boxed_letter_pattern() {
    static const std::regex pattern(
        R"(^\s{0,8}(?:\\(?:text|textbf|mathrm|mathbf)\{)?\s{0,8}\(?([A-Za-z])\)?[.)]?\s{0,8}\}?\s{0,8}$)");
    return pattern;
}

const std::regex& bracket_pattern() {
    static const std::regex pattern(R"(\(([A-Z])\))");
    return pattern;
}

const std::regex& lone_letter_pattern() {
    static const std::regex pattern(R"(^[*(]{0,3}([A-Za-z])[*).:]{0,4}$)");
    return pattern;
}

std::string upper(std::string letter) {
    for (char& c : letter) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return letter;
}

std::string last_match(const std::string& text, const std::regex& pattern) {
    std::string found;
    for (std::sregex_iterator match(text.begin(), text.end(), pattern), end; match != end;
         ++match) {
        found = (*match)[1];
    }
    return upper(found);
}

std::string boxed_letter(const std::string& text) {
    const std::optional<std::string> boxed = last_boxed(text);
    // What is longer than a letter in its dress is none; that also bounds the pattern's work.
    if (!boxed || boxed->size() > 64) return {};
    return last_match(*boxed, boxed_letter_pattern());
}

// The position after the bracket that closes the one before `begin`; npos where none does.
size_t closing_brace(const std::string& text, size_t begin) {
    int depth = 1;
    for (size_t i = begin; i < text.size(); ++i) {
        if (text[i] == '\\') {
            ++i;  // "\{" is no brace of LaTeX's own
        } else if (text[i] == '{') {
            ++depth;
        } else if (text[i] == '}' && --depth == 0) {
            return i;
        }
    }
    return std::string::npos;
}

std::optional<std::string> boxed_after(const std::string& text, size_t begin) {
    size_t i = text.find_first_not_of(kBlanks, begin);
    if (i == std::string::npos) return {};
    if (text[i] == '{') {
        const size_t end = closing_brace(text, i + 1);
        if (end == std::string::npos) return {};
        return trimmed(std::string_view(text).substr(i + 1, end - i - 1));
    }
    const size_t word = i;
    while (i < text.size() && std::isalnum(static_cast<unsigned char>(text[i])) != 0) ++i;
    if (i == word || word == begin) return {};
    return text.substr(word, i - word);
}

// What follows the last `mark` on its line.
std::string after_last(const std::string& text, std::string_view mark) {
    const size_t found = text.rfind(mark);
    if (found == std::string::npos) return {};
    const size_t begin = found + mark.size();
    return trimmed(std::string_view(text).substr(begin, text.find('\n', begin) - begin));
}

// "**42**." and "$42$." -> "42".
std::string without_dress(std::string value) {
    value = trimmed(value);
    while (value.starts_with('*') || value.starts_with('_')) value.erase(0, 1);
    while (value.ends_with('*') || value.ends_with('.')) value.pop_back();
    value = trimmed(value);
    return value;
}

bool is_fence(std::string_view line) {
    return trimmed(line).starts_with("```");
}

bool opens_python(std::string_view line) {
    const std::string language = upper(trimmed(trimmed(line).substr(3)));
    return language.empty() || language == "PYTHON" || language == "PY" || language == "PYTHON3";
}

}  // namespace

std::string trimmed(std::string_view text) {
    const size_t begin = text.find_first_not_of(kBlanks);
    if (begin == std::string_view::npos) return {};
    return std::string(text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1));
}

std::optional<std::string> without_reasoning(const std::string& answer) {
    const size_t end = answer.rfind(kThinkEnd);
    const std::string rest =
        end == std::string::npos ? answer : answer.substr(end + kThinkEnd.size());
    if (rest.find(kThinkBegin) != std::string::npos) return {};
    return rest;
}

std::optional<std::string> last_boxed(const std::string& text) {
    constexpr std::array<std::string_view, 2> kCommands = {"\\boxed", "\\fbox"};
    for (size_t end = text.size(); end > 0;) {
        size_t found = std::string::npos;
        size_t after = 0;
        for (const std::string_view command : kCommands) {
            const size_t at = text.rfind(command, end - 1);
            if (at == std::string::npos || (found != std::string::npos && at < found)) continue;
            found = at;
            after = at + command.size();
        }
        if (found == std::string::npos) return {};
        if (auto content = boxed_after(text, after)) return content;
        end = found;
    }
    return {};
}

std::string named_letter(const std::string& text) {
    std::string letter = last_match(text, answer_pattern());
    if (letter.empty()) letter = boxed_letter(text);
    if (letter.empty()) letter = last_match(text, bracket_pattern());
    const std::string all = trimmed(text);
    if (letter.empty() && all.size() <= 8) letter = last_match(all, lone_letter_pattern());
    return letter;
}

std::string named_value(const std::string& text) {
    if (const std::optional<std::string> boxed = last_boxed(text)) return *boxed;
    for (const std::string_view mark : {"Answer:", "answer:", "####"}) {
        if (std::string value = without_dress(after_last(text, mark)); !value.empty()) {
            return value;
        }
    }
    return {};
}

std::optional<std::string> last_code_block(const std::string& text) {
    std::optional<std::string> last;
    std::string block;
    bool open = false;
    bool python = false;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (!is_fence(line)) {
            if (open) block += line + '\n';
            continue;
        }
        if (open && python) last = block;
        python = !open && opens_python(line);
        open = !open;
        block.clear();
    }
    if (open && python && !trimmed(block).empty()) last = block;
    return last;
}

}  // namespace bitgauge
