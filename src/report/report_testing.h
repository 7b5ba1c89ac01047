#pragma once

// What tests of tables and pages share.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "base/files.h"
#include "report/escape.h"

namespace bitgauge {

inline void expect_golden(const std::string& name, const std::string& text) {
    const std::filesystem::path path = std::filesystem::path(BITGAUGE_GOLDEN) / name;
    if (std::getenv("BITGAUGE_UPDATE_GOLDEN") != nullptr) write_file_atomically(path, text);
    EXPECT_EQ(text, read_text_file(path));
}

inline size_t count_of(const std::string& text, std::string_view part) {
    size_t count = 0;
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
        ++count;
    return count;
}

// The page without the plot library, which is not ours.
inline std::string own_part(const std::string& page) {
    const size_t begin = page.find("<script>(function () {"), end = page.find("})();</script>");
    return page.substr(0, begin) + page.substr(end);
}

inline size_t longest_line(const std::string& text) {
    size_t longest = 0, begin = 0;
    while (begin < text.size()) {
        const size_t end = std::min(text.find('\n', begin), text.size());
        longest =
            std::max(longest, display_width(std::string_view(text).substr(begin, end - begin)));
        begin = end + 1;
    }
    return longest;
}

}  // namespace bitgauge
