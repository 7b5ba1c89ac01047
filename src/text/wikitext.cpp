#include "text/wikitext.h"

#include "text/utf8.h"

namespace bitgauge {
namespace {

// The line at `begin`, without its line feed.
std::string_view line_at(std::string_view text, size_t begin) {
    return text.substr(begin, text.find('\n', begin) - begin);
}

bool looks_like_heading(std::string_view line) {
    while (!line.empty() && is_blank(line.substr(line.size() - 1))) line.remove_suffix(1);
    return line.size() >= 6 && line.starts_with(" = ") && line.ends_with(" =") && line[3] != '=' &&
           line[line.size() - 3] != '=';
}

}  // namespace

std::vector<size_t> article_headings(std::string_view text) {
    std::vector<size_t> headings;
    bool after_blank = true;
    for (size_t begin = 0; begin < text.size();) {
        const std::string_view line = line_at(text, begin);
        const size_t next = begin + line.size() + 1;
        const bool before_blank = next >= text.size() || is_blank(line_at(text, next));
        if (after_blank && before_blank && looks_like_heading(line)) headings.push_back(begin);
        after_blank = is_blank(line);
        begin = next;
    }
    return headings;
}

std::vector<size_t> article_starts(std::string_view text) {
    std::vector<size_t> starts = article_headings(text);
    if (starts.empty()) return {0};
    if (is_blank(text.substr(0, starts.front()))) {
        starts.front() = 0;
    } else {
        starts.insert(starts.begin(), 0);
    }
    return starts;
}

}  // namespace bitgauge
