// The hidden command a parent starts for work that libllama may end: progress on stdout, one line a
// step, the outcome in a file beside the job.

#include <cstdio>
#include <filesystem>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/tasks.h"

#include "base/child_process.h"
#include "base/json.h"
#include "cli/commands.h"

namespace bitgauge {
namespace {

class RelayedProgress : public Progress {
  public:
    explicit RelayedProgress(Console& console) : console_(console) {}

    void begin(const std::string& task, int64_t total, const std::string& unit) override {
        const Json begin = {{"task", task}, {"total", total}, {"unit", unit}};
        say("begin " + begin.dump());
    }
    void advance(int64_t steps) override { say(fmt::format("advance {}", steps)); }
    void warn(const std::string& message) override { say("warn " + message); }

  private:
    void say(const std::string& line) {
        console_.print(line + "\n");
        console_.flush();
    }

    Console& console_;
};

}  // namespace

void add_worker(CLI::App& app, Console& console) {
    auto job = std::make_shared<std::filesystem::path>();
    CLI::App* command = app.add_subcommand("worker", "Run one job for another bitgauge");
    command->group("");  // not in the help, nor suggested
    command->add_option("JOB", *job, "The job's file")->required()->type_name("");
    command->callback([job, &console] {
        end_with_parent();
        RelayedProgress progress(console);
        const int status = run_any_worker(*job, progress);
        if (status != 0) throw CLI::RuntimeError(status);
    });
}

}  // namespace bitgauge
