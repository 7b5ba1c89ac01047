#include "cli/page.h"

#include <fmt/format.h>

#include "cli/report_parts.h"
#include "report/escape.h"

namespace bitgauge {

void Page::title(std::string_view text) {
    text_ += markdown() ? fmt::format("# {}\n\n", markdown_escaped(printable(text)))
                        : printable(text) + "\n";
}

void Page::heading(std::string_view text) {
    text_ += markdown() ? fmt::format("\n## {}\n\n", markdown_escaped(printable(text)))
                        : "\n" + printable(text) + "\n";
}

void Page::fact(std::string_view name, const std::string& value) {
    if (!markdown()) {
        text_ += report_line(name, value);
    } else if (!value.empty()) {
        text_ += fmt::format("- {}: {}\n", name, markdown_escaped(printable(value)));
    }
}

void Page::item(std::string_view text) {
    text_ += markdown() ? fmt::format("- {}\n", markdown_escaped(printable(text)))
                        : fmt::format("  {}\n", printable(text));
}

void Page::quote(std::string_view text) {
    text_ += markdown() ? fmt::format("  > {}\n", markdown_escaped(printable(text)))
                        : fmt::format("    \"{}\"\n", printable(text));
}

void Page::table(const Grid& grid) {
    text_ += markdown() ? markdown_of(grid) : text_of(grid);
}

}  // namespace bitgauge
