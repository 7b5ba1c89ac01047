#pragma once

// Is it text? UTF-8 as the Unicode standard defines it (no overlong forms, no surrogates).

#include <filesystem>
#include <string_view>

namespace bitgauge {

// Throws Error(kInput) naming `path`, the line (from 1) and the byte offset (from 0) of the first
// byte that is not UTF-8.
void require_utf8(std::string_view bytes, const std::filesystem::path& path);

// Only spaces, tabs, line ends and form feeds (of ASCII), or nothing at all.
bool is_blank(std::string_view text);

}  // namespace bitgauge
