// What a table of answers says of hand-made answer sheets: '1' is a right answer.

#include "bitgauge/task_report.h"

#include <cmath>

#include <gtest/gtest.h>

#include "bitgauge/error.h"

#include "base/json.h"
#include "report/example_tasks.h"
#include "report/report_testing.h"
#include "store/record_json.h"

namespace bitgauge {
namespace {

// A file of `mib` MiB that gave these answers; each question is a category of its own.
TaskRecord sheet(const std::string& name, uint64_t mib, const std::string& answers) {
    TaskRecord record;
    record.key = name;
    record.model.file = "m-" + name + ".gguf";
    record.model.content_hash = "hash of " + name;
    record.model.size_bytes = mib << 20;
    record.mix = "mine";
    record.questions_key = "questions";
    record.sets = {"a", "b"};
    record.clusters = static_cast<uint32_t>(answers.size());
    for (uint32_t i = 0; i < answers.size(); ++i) {
        record.answers.question.push_back(std::to_string(i));
        record.answers.set.push_back(i % 2);
        record.answers.cluster.push_back(i);
        record.answers.right.push_back(answers[i] == '1' ? 1 : 0);
    }
    return record;
}

TaskReport pair(const std::string& original, const std::string& candidate) {
    return build_task_report(
        std::vector{sheet("candidate", 1, candidate), sheet("original", 9, original)},
        "hash of original");
}

std::vector<std::string> names_of(const TaskReport& report) {
    std::vector<std::string> names;
    for (const TaskRow& row : report.rows) names.push_back(row.name);
    return names;
}

std::string refusal(const TaskRecord& a, const TaskRecord& b) {
    try {
        build_task_report(std::vector{a, b});
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kInput);
        return error.what();
    }
    return "no error";
}

using Names = std::vector<std::string>;

// --- rows ---------------------------------------------------------------------------------------

TEST(TaskReport, TheOriginalIsFirstThenTheLargest) {
    const std::vector records = {sheet("small", 1, "10"), sheet("large", 3, "10"),
                                 sheet("original", 2, "10"), sheet("middle", 2, "10")};
    EXPECT_EQ(names_of(build_task_report(records, "hash of original")),
              (Names{"original", "large", "middle", "small"}));
    EXPECT_EQ(names_of(build_task_report(records)),
              (Names{"large", "original", "middle", "small"}));
}

TEST(TaskReport, WithoutAnOriginalNothingIsCompared) {
    for (const char* hash : {"", "hash of another"}) {
        std::vector records = {sheet("a", 2, "1100"), sheet("b", 1, "1010")};
        records[1].model.content_hash = "";
        const TaskReport report = build_task_report(records, hash);
        EXPECT_FALSE(report.has_original);
        EXPECT_FALSE(report.detectable.has_value());
        for (const TaskRow& row : report.rows) EXPECT_FALSE(row.against.has_value());
    }
}

TEST(TaskReport, AccuracyIsASharePerSetAndInAllWithWilsonsInterval) {
    const TaskReport report = pair("1111110000", "1111001000");
    const TaskRow& original = report.rows[0];
    // n = 10, 6 right, z = 1.95996: (6 + z²/2 ± z √(6·4/10 + z²/4)) / (10 + z²)
    EXPECT_DOUBLE_EQ(original.accuracy.value, 0.6);
    EXPECT_NEAR(original.accuracy.low, 0.31267, 1e-5);
    EXPECT_NEAR(original.accuracy.high, 0.83182, 1e-5);
    EXPECT_DOUBLE_EQ(report.rows[1].accuracy.value, 0.5);
    // Even questions: 1 1 0 0 1; odd ones: 1 1 0 0 0.
    ASSERT_EQ(report.rows[1].by_set.size(), 2U);
    EXPECT_DOUBLE_EQ(report.rows[1].by_set[0].value, 0.6);
    EXPECT_DOUBLE_EQ(report.rows[1].by_set[1].value, 0.4);
    EXPECT_EQ(report.questions, 10U);
    EXPECT_EQ(report.sets, (Names{"a", "b"}));
}

TEST(TaskReport, PairsAreCountedOnTheSameQuestions) {
    const TaskReport report = pair("1111110000", "1111001000");
    EXPECT_TRUE(report.has_original);
    EXPECT_FALSE(report.rows[0].against.has_value());
    const AccuracyComparison& found = report.rows[1].against.value();
    EXPECT_EQ(found.answers.both, 4U);
    EXPECT_EQ(found.answers.only_original, 2U);
    EXPECT_EQ(found.answers.only_candidate, 1U);
    EXPECT_EQ(found.answers.neither, 3U);
    EXPECT_NEAR(found.difference.value, -0.1, 1e-12);
    // 3 changed, 1 or fewer gained: exact 2 (1 + 3)/8 = 1; mid-p takes off P(1) = 3/8.
    EXPECT_NEAR(found.p_exact, 1.0, 1e-12);
    EXPECT_NEAR(found.p_mid, 1.0 - 3.0 / 8, 1e-12);
    EXPECT_FALSE(found.decided);
}

// --- how many questions -------------------------------------------------------------------------

TEST(TaskReport, QuestionsNeededAreThoseOfADifferenceThatIsNotDecided) {
    // 0.4 against 0.6 with 0.2 changed: (1.95996 √0.2 + 0.84162 √(0.2 - 0.04))² / 0.04 = 36.8
    const TaskReport report = pair("1111110000", "1111000000");
    EXPECT_FALSE(report.rows[1].against->decided);
    EXPECT_EQ(report.rows[1].questions_needed, 37U);
    EXPECT_FALSE(report.rows[0].questions_needed.has_value());
}

TEST(TaskReport, NoNumberOfQuestionsSeparatesEqualAccuracies) {
    const TaskReport report = pair("1111110000", "1111001100");
    EXPECT_EQ(report.rows[1].against->answers.discordant(), 4U);
    EXPECT_FALSE(report.rows[1].against->decided);
    EXPECT_FALSE(report.rows[1].questions_needed.has_value());
}

TEST(TaskReport, ADecidedDifferenceNeedsNoFurtherQuestions) {
    // Ten lost, none gained: mid-p 2⁻¹⁰.
    const TaskReport report =
        pair(std::string(20, '1'), std::string(10, '1') + std::string(10, '0'));
    EXPECT_NEAR(report.rows[1].against->p_mid, std::ldexp(1.0, -10), 1e-12);
    EXPECT_TRUE(report.rows[1].against->decided);
    EXPECT_FALSE(report.rows[1].questions_needed.has_value());
}

TEST(TaskReport, TheLevelDecides) {
    const std::vector records = {sheet("candidate", 1, "0000001111"),
                                 sheet("original", 9, "1111111111")};
    // Six lost: mid-p 2⁻⁶ = 0.0156.
    EXPECT_TRUE(build_task_report(records, "hash of original", 0.05).rows[1].against->decided);
    EXPECT_FALSE(build_task_report(records, "hash of original", 0.01).rows[1].against->decided);
}

// --- what is refused ----------------------------------------------------------------------------

TEST(TaskReport, OtherQuestionsOrSettingsAreRefused) {
    const TaskRecord a = sheet("a", 2, "1100");
    TaskRecord b = sheet("b", 1, "1010");
    EXPECT_EQ(refusal(a, b), "no error");
    b.questions_key = "others";
    EXPECT_NE(refusal(a, b).find("not asked the same questions in the same way"),
              std::string::npos);
    b = sheet("b", 1, "1010");
    b.settings.seed = 1;
    EXPECT_NE(refusal(a, b).find("not asked the same questions in the same way"),
              std::string::npos);
    EXPECT_NE(refusal(a, sheet("b", 1, "101")).find("not asked the same"), std::string::npos);
}

TEST(TaskReport, DamagedAnswersAreRefused) {
    const auto damaged = [](auto&& damage) {
        TaskRecord record = sheet("a", 1, "1100");
        damage(record);
        return refusal(record, record).find("are damaged") != std::string::npos;
    };
    EXPECT_FALSE(damaged([](TaskRecord&) {}));
    EXPECT_TRUE(damaged([](TaskRecord& r) { r.answers.set[0] = 2; }));
    EXPECT_TRUE(damaged([](TaskRecord& r) { r.answers.cluster[0] = 4; }));
    EXPECT_TRUE(damaged([](TaskRecord& r) { r.answers.right[0] = 2; }));
    EXPECT_TRUE(damaged([](TaskRecord& r) { r.answers.right.pop_back(); }));
    EXPECT_TRUE(damaged([](TaskRecord& r) { r.sets.clear(); }));
}

// --- text ---------------------------------------------------------------------------------------

TaskReport example() {
    return build_task_report(example_tasks(), "5eedBF16");
}

TEST(TaskGolden, TerminalTable) {
    expect_golden("tasks.txt", terminal_table(example()));
}
TEST(TaskGolden, WideTerminalTable) {
    expect_golden("tasks-wide.txt", terminal_table(example(), {.wide = true}));
}
TEST(TaskGolden, MarkdownTable) {
    expect_golden("tasks.md", markdown_table(example()));
}

TEST(TaskTable, FitsAnOrdinaryWindow) {
    EXPECT_LE(longest_line(terminal_table(example())), 120U);
}

TEST(TaskTable, HostileNamesStayText) {
    std::vector records = {sheet("a\x1b[2J", 2, "11"), sheet("b|c", 1, "10")};
    for (TaskRecord& record : records) {
        record.sets = {"s\n", "t"};
        record.mix = "mix\x1b";
        record.build.llama = "\x1b[1m";
    }
    const TaskReport report = build_task_report(records);
    EXPECT_EQ(terminal_table(report, {.wide = true}).find('\x1b'), std::string::npos);
    EXPECT_EQ(markdown_table(report).find("b|c"), std::string::npos);
}

TEST(TaskTable, AnOriginalWithoutErrorsHasNoRatioOfErrors) {
    const std::string table = terminal_table(pair("1111", "1110"), {.wide = true});
    EXPECT_EQ(table.find("nan"), std::string::npos) << table;
    EXPECT_NE(table.find("n/a"), std::string::npos) << table;
}

TEST(TaskJsonDocument, HasTheKeysOfItsSchema) {
    const Json document = Json::parse(json(pair("1111110000", "1111000000")));
    EXPECT_EQ(document["schema"], "bitgauge.task-report/1");
    EXPECT_EQ(document["questions"], 10);
    EXPECT_EQ(document["clusters"], 10);
    EXPECT_EQ(document["alpha"], 0.05);
    EXPECT_EQ(document["has_original"], true);
    EXPECT_TRUE(document["detectable_difference"].is_null());  // 0.2 changed: ten are too few
    ASSERT_EQ(document["rows"].size(), 2U);
    EXPECT_TRUE(document["rows"][0]["against_original"].is_null());
    const Json& row = document["rows"][1];
    EXPECT_EQ(row["name"], "candidate");
    EXPECT_EQ(row["record"], "candidate");
    EXPECT_EQ(row["accuracy"]["value"], 0.4);
    EXPECT_TRUE(row["clustered_accuracy"].contains("low"));
    EXPECT_EQ(row["by_set"]["a"]["value"], 0.4);
    const Json& against = row["against_original"];
    EXPECT_EQ(against["both_right"], 4);
    EXPECT_EQ(against["only_original"], 2);
    EXPECT_EQ(against["only_candidate"], 0);
    EXPECT_EQ(against["neither"], 4);
    EXPECT_EQ(against["decided"], false);
    EXPECT_EQ(against["questions_needed"], 37);
    for (const char* key : {"difference", "clustered_difference", "error_increase"}) {
        EXPECT_TRUE(against[key].contains("value")) << key;
    }
    EXPECT_NEAR(against["p_mid"].get<double>(), 0.25, 1e-12);
    EXPECT_NEAR(against["p_exact"].get<double>(), 0.5, 1e-12);
}

TEST(TaskJsonDocument, HoldsEveryRecordAsStored) {
    const Json document = Json::parse(json(example()));
    ASSERT_EQ(document["records"].size(), example_tasks().size());
    for (const Json& record : document["records"]) {
        EXPECT_EQ(to_json(task_record_from_json(record)), record);
    }
}

}  // namespace
}  // namespace bitgauge
