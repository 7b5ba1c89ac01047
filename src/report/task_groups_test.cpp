// Which tables a store's answers make, and what leaderboards and pages take from them.

#include <cmath>

#include <gtest/gtest.h>

#include "bitgauge/report.h"

#include "base/json.h"
#include "base/units.h"
#include "report/example_records.h"
#include "report/example_tasks.h"
#include "report/report_testing.h"

namespace bitgauge {
namespace {

// Four questions, `right` of them answered rightly.
TaskRecord answered(const std::string& name, double gib, uint32_t right = 2) {
    TaskRecord record;
    record.key = name;
    record.created_utc = "2026-01-01T00:00:00Z";
    record.model.file = "m-" + name + ".gguf";
    record.model.label = name;
    record.model.content_hash = "hash of " + name;
    record.model.architecture = "llama";
    record.model.parameters = 1000;
    record.model.size_bytes = static_cast<uint64_t>(gib * kGiB);
    record.mix = "mine";
    record.questions_key = "questions";
    record.sets = {"a"};
    record.clusters = 4;
    record.answers = {{"0", "1", "2", "3"}, {0, 0, 0, 0}, {0, 1, 2, 3}, {}};
    for (uint32_t i = 0; i < 4; ++i) record.answers.right.push_back(i < right ? 1 : 0);
    return record;
}

TaskRecord at(TaskRecord record, const std::string& created_utc) {
    record.created_utc = created_utc;
    return record;
}

std::string original_of(const std::vector<TaskRecord>& records,
                        const std::vector<std::string>& hashes = {}) {
    const auto reports = build_task_reports(records, hashes);
    EXPECT_EQ(reports.size(), 1U);
    return reports[0].has_original ? reports[0].rows[0].record.model.label : "none";
}

Report example(bool with_tasks = true) {
    Report report{build_leaderboards(example_records()), {}};
    if (with_tasks) report.tasks = build_task_reports(example_tasks());
    add_answers(report.leaderboards, report.tasks);
    return report;
}

const LeaderboardRow& row_of(const Leaderboard& board, const std::string& label) {
    return *std::ranges::find_if(
        board.rows, [&](const LeaderboardRow& row) { return row.record.model.label == label; });
}

// --- which table --------------------------------------------------------------------------------

TEST(TaskGroups, QuestionsAndSettingsHaveTablesOfTheirOwn) {
    std::vector records = {answered("A", 2), answered("B", 1), answered("C", 1), answered("D", 1)};
    records[1].questions_key = "others";
    records[2].settings.thinking = true;
    const auto reports = build_task_reports(records);
    ASSERT_EQ(reports.size(), 3U);
    EXPECT_EQ(reports[0].rows.size(), 2U);  // A and D
    EXPECT_EQ(reports[1].rows[0].record.model.label, "B");
    EXPECT_EQ(reports[2].rows[0].record.model.label, "C");
    EXPECT_TRUE(build_task_reports({}).empty());
}

TEST(TaskGroups, ModelsHaveTablesOfTheirOwn) {
    std::vector records = {answered("BF16", 2), answered("B", 1), answered("C", 1),
                           answered("D", 1)};
    records[1].model.architecture = "qwen3";
    records[2].model.parameters = 666;  // of 1,000: another size
    records[3].model.parameters = 667;  // without a tensor that others tie
    const auto reports = build_task_reports(records);
    ASSERT_EQ(reports.size(), 3U);
    EXPECT_EQ(reports[0].rows.size(), 2U);
    EXPECT_EQ(reports[0].rows[1].record.model.label, "D");
}

TEST(TaskGroups, TheOriginalIsOneThatIsKnownElseTheLargestUnquantizedElseNone) {
    const std::vector records = {answered("Q8_0", 9), answered("F16", 2), answered("BF16", 3),
                                 answered("F32", 1)};
    EXPECT_EQ(original_of(records, {"hash of another", "hash of F16"}), "F16");
    EXPECT_EQ(original_of(records, {"hash of another"}), "BF16");
    EXPECT_EQ(original_of(records), "BF16");
    EXPECT_EQ(original_of({answered("Q8_0", 9), answered("Q4_K", 1)}), "none");
    EXPECT_EQ(original_of({answered("Q8_0", 9), answered("Q4_K", 1)}, {"hash of Q8_0"}), "Q8_0");
}

TEST(TaskGroups, OfTwoRecordsOfTheOriginalTheNewerIsComparedWith) {
    const auto reports = build_task_reports(
        std::vector{at(answered("BF16", 3, 4), "2026-01-01T00:00:00Z"),
                    at(answered("BF16", 3, 3), "2026-01-02T00:00:00Z"), answered("Q4_K", 1, 1)});
    ASSERT_EQ(reports.size(), 1U);
    EXPECT_EQ(reports[0].rows[2].against->answers.original_right(), 3U);
}

// --- leaderboards -------------------------------------------------------------------------------

TEST(AnsweredRightly, IsOfTheFileWithTheSameContent) {
    const Leaderboard board = example().leaderboards[0];
    // 180 of 300 less 9 and 6 more.
    const Estimate right = row_of(board, "Q4_K_M").right;
    const Estimate wilson = wilson_interval(177, 300);
    EXPECT_EQ(right.value, wilson.value);
    EXPECT_EQ(right.low, wilson.low);
    EXPECT_EQ(right.high, wilson.high);
    EXPECT_TRUE(std::isnan(row_of(board, "Q6_K").right.value));  // was not asked
    EXPECT_EQ(board.answers_of, "300 questions of 'example-300'");
}

TEST(AnsweredRightly, IsOfTheNewestTableThatHasAnyOfTheFiles) {
    auto older = example_tasks(), newer = example_tasks(), foreign = example_tasks();
    for (TaskRecord& record : newer) {
        record.questions_key = "newer";
        record.created_utc = "2027-01-01T00:00:00Z";
        record.answers.right.assign(record.answers.right.size(), 1);
    }
    for (TaskRecord& record : foreign) {
        record.questions_key = "foreign";
        record.created_utc = "2028-01-01T00:00:00Z";
        record.model.content_hash = "another " + record.model.label;
    }
    std::vector<TaskRecord> all = std::move(newer);
    all.insert(all.end(), older.begin(), older.end());
    all.insert(all.end(), foreign.begin(), foreign.end());
    auto boards = build_leaderboards(example_records());
    add_answers(boards, build_task_reports(all));
    EXPECT_EQ(row_of(boards[0], "Q4_K_M").right.value, 1.0);
}

TEST(AnsweredRightly, HasAColumnWhereAnyFileHasAnswered) {
    const Report with = example(), without = example(false);
    EXPECT_NE(terminal_table(with, {.wide = true}).find("59.0±5.5"), std::string::npos);
    EXPECT_NE(terminal_table(with, {.wide = true}).find("\nright is the share of 300 questions"),
              std::string::npos);
    EXPECT_EQ(terminal_table({with.leaderboards, {}}), terminal_table(without));
    EXPECT_EQ(terminal_table(without, {.wide = true}).find("right is"), std::string::npos);
    EXPECT_NE(csv(with).find(",right_share,right_share_low,right_share_high,"), std::string::npos);
    EXPECT_EQ(csv(without).find("right_share"), std::string::npos);
    EXPECT_NE(markdown_table(with, {.wide = true}).find("| right (%) |"), std::string::npos);
}

// --- tables and pages ---------------------------------------------------------------------------

TEST(ReportOfAnswers, StandsBetweenLeaderboardsAndPublishedTables) {
    Report report = example();
    report.published = published_tables("qwen3.5-35b-a3b");
    for (const std::string& text : {terminal_table(report), markdown_table(report)}) {
        const size_t board = text.find("KL divergence of 12 files");
        const size_t tasks = text.find("Answers to 300 questions of 'example-300'");
        const size_t published = text.find("Published:");
        EXPECT_LT(board, tasks);
        EXPECT_LT(tasks, published);
        EXPECT_NE(published, std::string::npos);
    }
    EXPECT_EQ(terminal_table(Report{{}, {}, report.tasks}), terminal_table(report.tasks[0]));
}

TEST(ReportOfAnswers, JsonHasEachTableAndTheShareInItsRow) {
    const Json document = Json::parse(json(example()));
    ASSERT_EQ(document["tasks"].size(), 1U);
    EXPECT_EQ(document["tasks"][0], Json::parse(json(example().tasks[0])));
    const Json& board = document["leaderboards"][0];
    EXPECT_EQ(board["answers_of"], "300 questions of 'example-300'");
    for (const Json& row : board["rows"]) {
        if (row["name"] == "northwind Q4_K_M") {
            EXPECT_EQ(row["right_share"]["value"], 0.59);
        }
        if (row["name"] == "atelier Q6_K") {
            EXPECT_TRUE(row["right_share"].is_null());
        }
    }
    EXPECT_EQ(Json::parse(json(example(false)))["tasks"], Json::array());
}

TEST(ReportOfAnswers, IsASectionOfThePage) {
    const std::string with = html_page(example()), without = html_page(example(false));
    EXPECT_EQ(count_of(with, "<section "), count_of(without, "<section ") + 1);
    EXPECT_NE(with.find("<h2>Answers to 300 questions of &#39;example-300&#39;</h2>"),
              std::string::npos);
    EXPECT_NE(with.find("about 3,923 questions"),
              std::string::npos);  // how many questions Q4_K_M needs
    EXPECT_NE(with.find("59.0±5.5"), std::string::npos);
}

TEST(ReportOfAnswers, AloneMakesAPageOfItsOwn) {
    const std::string page = html_page({{}, {}, build_task_reports(example_tasks())});
    EXPECT_NE(page.find("How often does each file answer right?"), std::string::npos);
    EXPECT_EQ(page.find("No measurements"), std::string::npos);
}

TEST(ReportOfAnswers, NamesCannotBreakOutOfThePage) {
    const std::string attack = "\"><img src=x onerror=alert(1)></script><script>alert(2)</script>";
    auto records = example_tasks();
    for (TaskRecord& record : records) {
        record.model.file += attack;
        record.model.publisher = attack;
        record.model.label = attack;
        record.mix = attack;
        record.sets = {attack, attack + "2"};
        record.build.cpu = attack;
        record.build.llama = attack;
    }
    const std::string clean = own_part(html_page({{}, {}, build_task_reports(example_tasks())}));
    const std::string page = own_part(html_page({{}, {}, build_task_reports(records)}));
    EXPECT_EQ(page.find("<img"), std::string::npos);
    EXPECT_EQ(count_of(page, "<script"), count_of(clean, "<script"));
}

}  // namespace
}  // namespace bitgauge
