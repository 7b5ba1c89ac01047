#include "report/sections.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "report/escape.h"

namespace bitgauge {
namespace {

constexpr size_t kTextWidth = 110;

// Breaks at spaces; lines after the first begin with `indent` spaces.
std::string wrapped(std::string_view text, size_t indent) {
    std::string result;
    size_t column = indent;
    while (!text.empty()) {
        const size_t end = std::min(text.find(' '), text.size());
        const std::string_view word = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (column > indent && column + 1 + display_width(word) > kTextWidth) {
            result += "\n" + std::string(indent, ' ');
            column = indent;
        }
        if (column > indent) result += ' ', ++column;
        result += word;
        column += display_width(word);
    }
    return result;
}

}  // namespace

std::string terminal_head(const std::string& title, const Facts& facts) {
    constexpr size_t kFactIndent = 10;
    std::string text = title + "\n";
    for (const Fact& fact : facts) {
        text += fmt::format("{:<{}}{}\n", fact.name, kFactIndent, wrapped(fact.text, kFactIndent));
    }
    return text;
}

std::string terminal_notes(const Notes& notes) {
    std::string text;
    for (const std::string& note : notes) text += wrapped(note, 0) + "\n";
    return text;
}

std::string terminal_section(const std::string& title, const Facts& facts, const Grid& grid,
                             const Notes& notes) {
    return terminal_head(title, facts) + "\n" + text_of(grid) + "\n" + terminal_notes(notes);
}

std::string markdown_head(const std::string& title, const Facts& facts) {
    std::string text = fmt::format("### {}\n\n", markdown_escaped(title));
    for (const Fact& fact : facts) {
        text += fmt::format("- {}: {}\n", fact.name, markdown_escaped(fact.text));
    }
    return text;
}

std::string markdown_notes(const Notes& notes) {
    std::string text;
    for (const std::string& note : notes) text += markdown_escaped(note) + "\n\n";
    if (!text.empty()) text.pop_back();
    return text;
}

std::string markdown_section(const std::string& title, const Facts& facts, const Grid& grid,
                             const Notes& notes) {
    return markdown_head(title, facts) + "\n" + markdown_of(grid) + "\n" + markdown_notes(notes);
}

}  // namespace bitgauge
