#pragma once

// Text out of files, made safe for the form it is put into: names in model files and file systems
// are written by strangers.

#include <string>
#include <string_view>

namespace bitgauge {

// Control characters (terminal escapes, line breaks) and bytes that are no UTF-8 become U+FFFD.
std::string printable(std::string_view text);

// Text of several lines for a terminal, whole characters: line feeds and tabs stay, other control
// characters become their pictures (U+241B for ESC), those of C1 and bytes that are no UTF-8
// U+FFFD.
std::string terminal_text(std::string_view text);

// Columns a terminal gives the text: one per code point. Longer than `width` (>= 1) is cut with
// "…".
size_t display_width(std::string_view text);
std::string shortened(std::string_view text, size_t width);

// For a cell of a Markdown table.
std::string markdown_escaped(std::string_view text);

// For HTML text and double-quoted attributes.
std::string html_escaped(std::string_view text);

// JSON text for the inside of <script>: no '<', so neither "</script" nor "<!--" can stand in it.
std::string script_escaped(std::string_view json);

// One CSV field, quoted when it must be [RFC 4180]. Text that a spreadsheet would run as a formula
// is not changed: the file is data.
std::string csv_field(std::string_view text);

// One argument of a shell, quoted where it must be; no option, whatever its name.
std::string shell_argument(std::string_view text);

}  // namespace bitgauge
