#pragma once

// The commands of `bitgauge`, one function and one source file each.
//
// A function adds its command to the program with add_command(), its options to that command, and a
// callback that parses nothing, calls the library and prints with Console::print(). To fail, the
// callback throws Error; the exit status is the error's kind. A gate the user set (kGate) is thrown
// after the results have been printed. See inspect.cpp for the pattern.

#include <string>
#include <string_view>

#include <CLI/CLI.hpp>

#include "cli/console.h"

namespace bitgauge {

// A command with the options every command has (-q, -v) and a help page that ends with `examples`
// (one per line) and the exit statuses.
CLI::App* add_command(CLI::App& app, Console& console, const std::string& name,
                      const std::string& description, std::string_view examples);

void add_card(CLI::App& app, Console& console);
void add_diff(CLI::App& app, Console& console);
void add_imatrix(CLI::App& app, Console& console);
void add_inspect(CLI::App& app, Console& console);
void add_plan(CLI::App& app, Console& console);
void add_prior(CLI::App& app, Console& console);
void add_pull(CLI::App& app, Console& console);
void add_quantize(CLI::App& app, Console& console);
void add_recipe(CLI::App& app, Console& console);
void add_report(CLI::App& app, Console& console);
void add_template(CLI::App& app, Console& console);

// With BITGAUGE_ENGINE=OFF these say that this build has no engine (no_engine.cpp).
void add_baseline(CLI::App& app, Console& console);
void add_drift(CLI::App& app, Console& console);
void add_bench(CLI::App& app, Console& console);
void add_dynamic(CLI::App& app, Console& console);
void add_fit(CLI::App& app, Console& console);
void add_measure(CLI::App& app, Console& console);
void add_run(CLI::App& app, Console& console);
void add_sweep(CLI::App& app, Console& console);
void add_tasks(CLI::App& app, Console& console);
void add_worker(CLI::App& app, Console& console);

}  // namespace bitgauge
