#include "cli/help.h"

namespace bitgauge {
namespace {

constexpr size_t kPage = 80;
constexpr size_t kNames = 30;  // column in which the descriptions begin

// CLI11 appends the checks of a value to its name: "NAME:{a,b}".
std::string value_name(const CLI::Option& option) {
    const std::string name = option.get_type_name();
    return name.substr(0, name.find(':'));
}

// "a, b or c" of a value that is one of a list.
std::string choices_of(const CLI::Option& option) {
    const std::string name = option.get_type_name();
    const size_t begin = name.find(":{"), end = name.rfind('}');
    if (begin == std::string::npos || end == std::string::npos) return "";
    std::string choices = name.substr(begin + 2, end - begin - 2);
    const size_t last = choices.rfind(',');
    if (last != std::string::npos) choices.replace(last, 1, " or ");
    for (size_t at = choices.find(','); at != std::string::npos; at = choices.find(',', at + 2)) {
        choices.insert(at + 1, " ");
    }
    return choices;
}

class HelpFormatter : public CLI::Formatter {
  public:
    HelpFormatter() {
        column_width(kNames);
        label("SUBCOMMAND", "COMMAND");
    }

    // The value's name only; what it may be stands in the description.
    std::string make_option_opts(const CLI::Option* option) const override {
        std::string text;
        if (!value_name(*option).empty()) text += " " + value_name(*option);
        if (option->get_expected_max() > 1) text += " ...";
        if (option->get_required()) text += " REQUIRED";
        return text;
    }
    std::string make_option_desc(const CLI::Option* option) const override {
        std::string text = CLI::Formatter::make_option_desc(option);
        const std::string choices = choices_of(*option);
        if (!choices.empty()) text += ": " + choices;
        if (!option->get_default_str().empty()) text += " [" + option->get_default_str() + "]";
        return wrapped(text, kPage - kNames);
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
