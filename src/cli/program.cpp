#include "cli/program.h"

#include <new>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"

#include "cli/commands.h"
#include "cli/help.h"
#include "cli/llama_spellings.h"
#include "cli/suggest.h"

namespace bitgauge {
namespace {

constexpr int kUsage = static_cast<int>(ErrorKind::kInput);
constexpr int kEnvironment = static_cast<int>(ErrorKind::kEnvironment);

std::string version_text() {
    return "bitgauge " BITGAUGE_VERSION "\nllama " BITGAUGE_LLAMA_VERSION "\nggml " +
           ggml_version_text();
}

// "recipe explain"; "" for none.
std::string called_command(const CLI::App& app) {
    const auto commands = app.get_subcommands();
    if (commands.empty()) return "";
    const std::string deeper = called_command(*commands.front());
    return commands.front()->get_name() + (deeper.empty() ? "" : " " + deeper);
}

// Nothing was called where something must be: 'bitgauge', 'bitgauge recipe'.
bool lacks_command(const CLI::App& app) {
    const auto called = app.get_subcommands();
    return called.empty() ? app.get_require_subcommand_min() > 0 : lacks_command(*called.front());
}

int report_usage_error(Console& console, const CLI::App& app, const CLI::ParseError& error) {
    const std::string command = called_command(app);
    const std::string help =
        command.empty() ? "bitgauge --help" : "bitgauge " + command + " --help";
    const std::string unknown = unknown_argument(app);
    if (unknown.empty()) {
        console.report_error(lacks_command(app) ? "no command was given" : error.what(),
                             fmt::format("see '{}'", help));
        return kUsage;
    }
    const std::string best = suggest(unknown, known_names(app));
    const bool option = unknown.starts_with('-');
    console.report_error(
        fmt::format("unknown {} '{}'", option ? "option" : "command", unknown),
        best.empty() ? fmt::format("see '{}'", help) : fmt::format("did you mean '{}'?", best));
    return kUsage;
}

int parse_and_run(Console& console, CLI::App& app, int argc, const char* const* argv) {
    try {
        const std::vector<std::string> arguments = with_long_names(argc, argv);
        std::vector<const char*> texts;
        texts.reserve(arguments.size());
        for (const std::string& argument : arguments) texts.push_back(argument.c_str());
        app.parse(static_cast<int>(texts.size()), texts.data());
    } catch (const CLI::CallForVersion& version) {
        console.print(fmt::format("{}\n", version.what()));
    } catch (const CLI::Success&) {
        console.print(app.help());
    } catch (const CLI::ParseError& error) {
        return report_usage_error(console, app, error);
    }
    console.flush();
    return 0;
}

}  // namespace

CLI::App* add_command(CLI::App& app, Console& console, const std::string& name,
                      const std::string& description, std::string_view examples) {
    CLI::App* command = app.add_subcommand(name, description);
    command->group("Commands");
    command->add_flag("-q,--quiet", console.quiet(), "No progress and no warnings");
    command->add_flag("-v,--verbose", console.verbose(), "Say more on stderr");
    command->footer(fmt::format("Examples:\n{}\n\n{}", examples, kExitStatus));
    return command;
}

std::unique_ptr<CLI::App> make_program(Console& console) {
    auto app = std::make_unique<CLI::App>(
        "bitgauge measures how faithful a quantized GGUF model is to its original", "bitgauge");
    app->formatter(help_formatter());
    app->set_version_flag("--version", version_text(), "Print the versions and exit");
    app->require_subcommand(1);
    app->footer(fmt::format("'bitgauge COMMAND --help' tells the options of a command.\n\n{}",
                            kExitStatus));
    add_pull(*app, console);
    add_run(*app, console);
    add_fit(*app, console);
    add_inspect(*app, console);
    add_template(*app, console);
    add_diff(*app, console);
    add_recipe(*app, console);
    add_baseline(*app, console);
    add_measure(*app, console);
    add_drift(*app, console);
    add_tasks(*app, console);
    add_report(*app, console);
    add_card(*app, console);
    add_bench(*app, console);
    add_imatrix(*app, console);
    add_quantize(*app, console);
    add_sweep(*app, console);
    add_plan(*app, console);
    add_prior(*app, console);
    add_dynamic(*app, console);
    add_worker(*app, console);
    return app;
}

int run_program(int argc, const char* const* argv) {
    Console console;
    try {
        const auto app = make_program(console);
        return parse_and_run(console, *app, argc, argv);
    } catch (const OutputClosed&) {
        return 0;
    } catch (const Error& error) {
        console.report_error(error.what(), error.hint());
        return static_cast<int>(error.kind());
    } catch (const std::bad_alloc&) {
        console.report_error("out of memory", "close other programs or use a smaller context");
    } catch (const std::exception& error) {
        console.report_error(error.what());
    }
    return kEnvironment;
}

}  // namespace bitgauge
