#include "questions/csv.h"

#include <gtest/gtest.h>

#include "questions/questions_testing.h"

namespace bitgauge {
namespace {

using Cells = std::vector<std::string>;

std::vector<CsvRow> parse(const std::string& text) {
    return parse_csv("table.csv", text);
}

std::string reason(const std::string& text) {
    return error_of([&] { parse(text); }).what();
}

TEST(Csv, SplitsAtCommasAndAtBothEndsOfLines) {
    const auto rows = parse("a,b\r\n1,\n");
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0].cells, (Cells{"a", "b"}));
    EXPECT_EQ(rows[1].cells, (Cells{"1", ""}));
}

TEST(Csv, KeepsCommasQuotesAndLinesInQuotedCells) {
    const auto rows = parse("\"a,b\",\"say \"\"x\"\"\",\"two\nlines\"\nnext,,\"\"");
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0].cells, (Cells{"a,b", "say \"x\"", "two\nlines"}));
    EXPECT_EQ(rows[1].line, 3U);
    EXPECT_EQ(rows[1].cells, (Cells{"next", "", ""}));
}

TEST(Csv, LeavesOutEmptyLines) {
    const auto rows = parse("h\n\nx\n");
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0].cells, Cells{"h"});
}

TEST(Csv, RefusesQuotesWhereTheyCannotBe) {
    EXPECT_TRUE(contains(reason("h\na\"b\n"), "line 2: a quote inside a cell"));
    EXPECT_TRUE(contains(reason("h\n\"a\nb"), "line 2: a quote that is not closed"));
    EXPECT_TRUE(contains(reason("\"a\"b\n"), "line 1: 'b' where a comma"));
}

}  // namespace
}  // namespace bitgauge
