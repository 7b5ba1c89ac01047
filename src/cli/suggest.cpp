#include "cli/suggest.h"

namespace bitgauge {

std::string unknown_argument(const CLI::App& app) {
    const auto left = app.remaining(true);
    if (left.empty()) return "";
    return left.front().starts_with('-') ? left.front().substr(0, left.front().find('='))
                                         : left.front();
}

bool is_hidden(const CLI::App& command) {
    return command.get_group().empty();
}

std::vector<std::string> known_names(const CLI::App& app) {
    const auto called = app.get_subcommands();
    if (!called.empty()) return known_names(*called.front());
    std::vector<std::string> names;
    for (const CLI::Option* option : app.get_options()) {
        for (const auto& name : option->get_lnames()) names.push_back("--" + name);
    }
    for (const CLI::App* known : app.get_subcommands({})) {
        if (!is_hidden(*known)) names.push_back(known->get_name());
    }
    return names;
}

}  // namespace bitgauge
