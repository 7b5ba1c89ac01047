#include "cli/help.h"

namespace bitgauge {
namespace {

constexpr size_t kPage = 80;
constexpr size_t kNames = 30;  // column in which the descriptions begin

class HelpFormatter : public CLI::Formatter {
  public:
    HelpFormatter() {
        column_width(kNames);
        label("SUBCOMMAND", "COMMAND");
        label("Subcommands", "Commands");
    }

    std::string make_option_desc(const CLI::Option* option) const override {
        return wrapped(CLI::Formatter::make_option_desc(option), kPage - kNames);
    }
    std::string make_description(const CLI::App* app) const override {
        return wrapped(CLI::Formatter::make_description(app), kPage);
    }
};

}  // namespace

const char* const kExitStatus =
    "Exit status:\n"
    "  0 done; 1 a gate you set failed; 2 usage or bad input; 3 environment (I/O,\n"
    "  memory, device); 4 a number is not finite; 130 interrupted";

std::string wrapped(std::string_view text, size_t width) {
    std::string out;
    size_t column = 0;
    while (!text.empty()) {
        const size_t end = std::min(text.find_first_of(" \n"), text.size());
        if (column > 0 && column + 1 + end > width) {
            out += '\n';
            column = 0;
        }
        if (column > 0) out += ' ';
        out += text.substr(0, end);
        column += (column > 0 ? 1 : 0) + end;
        if (end < text.size() && text[end] == '\n') {
            out += '\n';
            column = 0;
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

std::shared_ptr<CLI::FormatterBase> help_formatter() {
    return std::make_shared<HelpFormatter>();
}

}  // namespace bitgauge
