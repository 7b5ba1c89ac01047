#pragma once

// The lines of a text that are not blank, with their numbers from 1.

#include <cstddef>
#include <string_view>

namespace bitgauge {

template <class OnLine>
void for_each_line(std::string_view text, OnLine on_line) {
    size_t number = 0;
    for (size_t begin = 0; begin < text.size();) {
        const std::string_view line = text.substr(begin, text.find('\n', begin) - begin);
        begin += line.size() + 1;
        ++number;
        if (line.find_first_not_of(" \t\r") != std::string_view::npos) on_line(line, number);
    }
}

}  // namespace bitgauge
