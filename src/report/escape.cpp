#include "report/escape.h"

#include <algorithm>
#include <cstdint>

namespace bitgauge {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

bool is_continuation(char c) {
    return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

size_t length_said_by(unsigned char lead) {
    if (lead < 0x80) return 1;
    if (lead >= 0xC2 && lead < 0xE0) return 2;
    if (lead >= 0xE0 && lead < 0xF0) return 3;
    if (lead >= 0xF0 && lead < 0xF5) return 4;
    return 0;
}

unsigned char byte_of(std::string_view point, size_t i) {
    return static_cast<unsigned char>(point[i]);
}

// Longer than it need be, a surrogate, or beyond U+10FFFF.
bool is_forbidden(std::string_view point) {
    if (point.size() < 3) return false;
    switch (byte_of(point, 0)) {
        case 0xE0:
            return byte_of(point, 1) < 0xA0;
        case 0xED:
            return byte_of(point, 1) >= 0xA0;
        case 0xF0:
            return byte_of(point, 1) < 0x90;
        case 0xF4:
            return byte_of(point, 1) >= 0x90;
        default:
            return false;
    }
}

// The bytes of the code point that `text` starts with; 0 when that is no UTF-8.
size_t code_point_length(std::string_view text) {
    const size_t length = length_said_by(byte_of(text, 0));
    if (length == 0 || length > text.size()) return 0;
    const auto rest = text.substr(1, length - 1);
    const bool whole = std::all_of(rest.begin(), rest.end(), is_continuation);
    return whole && !is_forbidden(text.substr(0, length)) ? length : 0;
}

// C0 and DEL: what a terminal may take as a command.
bool is_control(std::string_view point) {
    return point.size() == 1 && (byte_of(point, 0) < 0x20 || byte_of(point, 0) == 0x7F);
}

// U+0080 to U+009F, commands too.
bool is_c1(std::string_view point) {
    return point.size() == 2 && byte_of(point, 0) == 0xC2 && byte_of(point, 1) < 0xA0;
}

// The marks that turn the direction of text (U+202A to U+202E, U+2066 to U+2069), which can
// disguise a name.
bool turns_direction(std::string_view point) {
    if (point.size() != 3 || byte_of(point, 0) != 0xE2) return false;
    const unsigned char middle = byte_of(point, 1), last = byte_of(point, 2);
    return (middle == 0x80 && last >= 0xAA && last <= 0xAE) ||
           (middle == 0x81 && last >= 0xA6 && last <= 0xA9);
}

// U+2400 to U+241F, and U+2421 for DEL.
std::string picture_of(unsigned char control) {
    return {'\xE2', '\x90', static_cast<char>(control == 0x7F ? 0xA1 : 0x80 + control)};
}

// Each code point as `shown` says, U+FFFD for each byte that belongs to none.
template <class Shown>
std::string by_code_points(std::string_view text, Shown&& shown) {
    std::string result;
    result.reserve(text.size());
    while (!text.empty()) {
        const size_t length = code_point_length(text);
        const std::string_view point = text.substr(0, std::max<size_t>(length, 1));
        result += length == 0 ? std::string(kReplacement) : shown(point);
        text.remove_prefix(point.size());
    }
    return result;
}

template <class Replacement>
std::string replaced(std::string_view text, Replacement&& replacement_of) {
    std::string result;
    result.reserve(text.size());
    for (const char c : text) {
        const std::string_view other = replacement_of(c);
        if (other.empty())
            result += c;
        else
            result += other;
    }
    return result;
}

}  // namespace

std::string printable(std::string_view text) {
    return by_code_points(text, [](std::string_view point) {
        const bool hidden = is_control(point) || is_c1(point) || turns_direction(point);
        return std::string(hidden ? kReplacement : point);
    });
}

std::string terminal_text(std::string_view text) {
    return by_code_points(text, [](std::string_view point) {
        if (point == "\n" || point == "\t") return std::string(point);
        if (is_control(point)) return picture_of(byte_of(point, 0));
        return std::string(is_c1(point) ? kReplacement : point);
    });
}

size_t display_width(std::string_view text) {
    return static_cast<size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return !is_continuation(c); }));
}

std::string shortened(std::string_view text, size_t width) {
    if (display_width(text) <= width) return std::string(text);
    size_t end = 0;
    for (size_t points = 0; end < text.size(); ++end) {
        if (!is_continuation(text[end]) && ++points == width) break;
    }
    return std::string(text.substr(0, end)) + "…";
}

std::string markdown_escaped(std::string_view text) {
    return replaced(printable(text), [](char c) -> std::string_view {
        switch (c) {
            case '|':
                return "\\|";
            case '*':
                return "\\*";
            case '_':
                return "\\_";
            case '`':
                return "\\`";
            case '[':
                return "\\[";
            case ']':
                return "\\]";
            case '\\':
                return "\\\\";
            case '<':
                return "&lt;";
            case '>':
                return "&gt;";
            case '&':
                return "&amp;";
            default:
                return {};
        }
    });
}

std::string html_escaped(std::string_view text) {
    return replaced(printable(text), [](char c) -> std::string_view {
        switch (c) {
            case '<':
                return "&lt;";
            case '>':
                return "&gt;";
            case '&':
                return "&amp;";
            case '"':
                return "&quot;";
            case '\'':
                return "&#39;";
            default:
                return {};
        }
    });
}

std::string script_escaped(std::string_view json) {
    return replaced(json, [](char c) -> std::string_view { return c == '<' ? "\\u003c" : ""; });
}

std::string csv_field(std::string_view text) {
    if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
    const auto doubled =
        replaced(text, [](char c) -> std::string_view { return c == '"' ? "\"\"" : ""; });
    return "\"" + doubled + "\"";
}

std::string shell_argument(std::string_view text) {
    constexpr std::string_view kPlain = "_./:@%+=,-";
    const std::string shown = printable(text);
    const bool plain = !shown.empty() && std::ranges::all_of(shown, [&](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
               kPlain.find(c) != std::string_view::npos;
    });
    const std::string prefix = shown.starts_with('-') ? "./" : "";
    if (plain) return prefix + shown;
    std::string quoted = prefix + "'";
    for (const char c : shown) quoted += c == '\'' ? "'\\''" : std::string(1, c);
    return quoted + "'";
}

}  // namespace bitgauge
