#pragma once

// How help pages look: at most 80 columns, long texts broken between words.

#include <memory>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>

namespace bitgauge {

// `text` in lines of at most `width` bytes where words allow it; line breaks in it are kept.
std::string wrapped(std::string_view text, size_t width);

std::shared_ptr<CLI::FormatterBase> help_formatter();

// The end of every page.
extern const char* const kExitStatus;

}  // namespace bitgauge
