#include <algorithm>

#include <gtest/gtest.h>

#include "cli/console.h"
#include "cli/help.h"
#include "cli/program.h"
#include "cli/suggest.h"

namespace bitgauge {
namespace {

TEST(EditDistance, CountsSingleCharacterEdits) {
    EXPECT_EQ(edit_distance("", "abc"), 3U);
    EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);  // the textbook example
    EXPECT_EQ(edit_distance("measure", "measure"), 0U);
}

TEST(EditDistance, ASwapOfNeighboursIsOneEdit) {
    EXPECT_EQ(edit_distance("josn", "json"), 1U);
}

TEST(Suggest, NamesTheNearestAndNothingWhenNoneIsNear) {
    const std::vector<std::string> names = {"inspect", "measure", "report"};
    EXPECT_EQ(suggest("inspct", names), "inspect");
    EXPECT_EQ(suggest("mesaure", names), "measure");
    EXPECT_EQ(suggest("xyzzy", names), "");
}

TEST(Wrapped, BreaksBetweenWordsAndKeepsBreaks) {
    EXPECT_EQ(wrapped("one two three", 7), "one two\nthree");
    EXPECT_EQ(wrapped("one\ntwo three", 80), "one\ntwo three");
    EXPECT_EQ(wrapped("unbreakable", 4), "unbreakable");
    EXPECT_EQ(wrapped("", 4), "");
}

TEST(ProgressLine, TellsRateAndTimeLeft) {
    EXPECT_EQ(progress_line("reading", 0, 40, "windows", 1.0), "reading  0/40 windows");
    EXPECT_EQ(progress_line("reading", 10, 40, "windows", 5.0),
              "reading  10/40 windows  2/s  15 s left");
    EXPECT_EQ(progress_line("reading", 1, 3, "files", 200.0),
              "reading  1/3 files  200 s each  6 min 40 s left");
}

TEST(TerminalProgress, WarnsOfTheSameOnce) {
    TerminalProgress progress;
    testing::internal::CaptureStderr();
    for (const char* message : {"no importance", "a promise", "no importance"}) {
        progress.warn(message);
    }
    EXPECT_EQ(testing::internal::GetCapturedStderr(),
              "bitgauge: warning: no importance\nbitgauge: warning: a promise\n");
}

TEST(Program, EveryOptionHasAHelpTextAndEveryValueAName) {
    Console console;
    const auto app = make_program(console);
    for (const CLI::App* command : app->get_subcommands({})) {
        if (is_hidden(*command)) continue;
        EXPECT_FALSE(command->get_description().empty()) << command->get_name();
        EXPECT_NE(command->get_footer().find("Examples:"), std::string::npos)
            << command->get_name();
        for (const CLI::Option* option : command->get_options()) {
            const std::string where = command->get_name() + " " + option->get_name();
            EXPECT_FALSE(option->get_description().empty()) << where;
            const bool value = option->get_items_expected_max() > 0 && !option->get_positional();
            EXPECT_TRUE(!value || option->get_type_name() != "TEXT") << where;
        }
    }
}

TEST(Program, TheHiddenCommandIsNeitherInTheHelpNorSuggested) {
    Console console;
    const auto app = make_program(console);
    EXPECT_EQ(app->help().find("worker"), std::string::npos);
    const auto names = known_names(*app);
    EXPECT_EQ(std::count(names.begin(), names.end(), "worker"), 0);
    EXPECT_EQ(std::count(names.begin(), names.end(), "inspect"), 1);
}

TEST(Program, HelpNamesAValueItsChoicesAndItsDefault) {
    Console console;
    const std::string page = make_program(console)->get_subcommand("report")->help();
    EXPECT_NE(
        page.find(
            "  --format FORM               Form of the result (no tables of answers in csv):\n"
            "                              table, markdown, csv, json or html [table]\n"),
        std::string::npos)
        << page;
}

int status_of(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "bitgauge");
    return run_program(static_cast<int>(arguments.size()), arguments.data());
}

TEST(Program, AMistypedCommandOrOptionGetsASuggestionAndStatus2) {
    testing::internal::CaptureStderr();
    EXPECT_EQ(status_of({"inspct", "x.gguf"}), 2);
    EXPECT_EQ(status_of({"inspect", "--josn", "x.gguf"}), 2);
    const std::string said = testing::internal::GetCapturedStderr();
    EXPECT_NE(said.find("unknown command 'inspct'"), std::string::npos) << said;
    EXPECT_NE(said.find("did you mean 'inspect'?"), std::string::npos) << said;
    EXPECT_NE(said.find("did you mean '--json'?"), std::string::npos) << said;
}

TEST(Program, HelpAndVersionAreResults) {
    testing::internal::CaptureStdout();
    EXPECT_EQ(status_of({"--version"}), 0);
    EXPECT_EQ(status_of({"inspect", "--help"}), 0);
    const std::string said = testing::internal::GetCapturedStdout();
    EXPECT_NE(said.find("bitgauge 0."), std::string::npos);
    EXPECT_NE(said.find("Exit status:"), std::string::npos);
}

TEST(Program, NoCommandIsAUsageError) {
    testing::internal::CaptureStderr();
    EXPECT_EQ(status_of({}), 2);
    EXPECT_NE(testing::internal::GetCapturedStderr().find("bitgauge --help"), std::string::npos);
}

}  // namespace
}  // namespace bitgauge
