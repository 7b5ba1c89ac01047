// The whole text of each table against tests/golden/report/. To accept a change, run with
// BITGAUGE_UPDATE_GOLDEN=1 and review the diff.

#include <gtest/gtest.h>

#include "bitgauge/report.h"

#include "base/json.h"
#include "report/escape.h"
#include "report/example_records.h"
#include "report/report_testing.h"
#include "store/record_json.h"

namespace bitgauge {
namespace {

Report example() {
    return {build_leaderboards(example_records()), {}};
}

Report published() {
    return {{}, published_tables("qwen3.5-35b-a3b")};
}

TEST(Golden, TerminalTable) {
    expect_golden("table.txt", terminal_table(example()));
}
TEST(Golden, WideTerminalTable) {
    expect_golden("table-wide.txt", terminal_table(example(), {.wide = true}));
}
TEST(Golden, MarkdownTable) {
    expect_golden("table.md", markdown_table(example()));
}
TEST(Golden, Csv) {
    expect_golden("table.csv", csv({example().leaderboards, published().published}));
}
TEST(Golden, PublishedTable) {
    expect_golden("published.txt", terminal_table(published()));
}
TEST(Golden, PublishedMarkdown) {
    expect_golden("published.md", markdown_table(published()));
}

TEST(TerminalTable, FitsAnOrdinaryWindow) {
    EXPECT_LE(longest_line(terminal_table(example())), 120u);
    EXPECT_LE(longest_line(terminal_table(published())), 120u);
}

TEST(Json, HoldsEveryRecordAsStored) {
    const Json document = Json::parse(json(example()));
    EXPECT_EQ(document["schema"], "bitgauge.report/1");
    ASSERT_EQ(document["records"].size(), example_records().size());
    for (const Json& record : document["records"]) {
        EXPECT_EQ(to_json(record_from_json(record)), record);
    }
    EXPECT_EQ(document["leaderboards"][0]["rows"][0]["rank"], 1);
}

TEST(Json, NumbersNobodyHasAreNull) {
    const Json document = Json::parse(json(published()));
    EXPECT_TRUE(document["published"][0]["rows"][2]["size_gib"].is_null());
}

}  // namespace
}  // namespace bitgauge
