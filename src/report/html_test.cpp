// What can be said of the page without a browser; tests/html_page_test.py opens it in one.

#include <gtest/gtest.h>

#include "bitgauge/report.h"

#include "report/example_records.h"
#include "report/report_testing.h"

namespace bitgauge {
namespace {

Report example() {
    return {build_leaderboards(example_records()), published_tables("qwen3.5-35b-a3b")};
}

TEST(Page, IsWholeAndHoldsEveryFile) {
    const std::string page = html_page(example());
    EXPECT_TRUE(page.starts_with("<!DOCTYPE html>"));
    EXPECT_TRUE(page.ends_with("</html>\n"));
    EXPECT_EQ(page.find("{{"), page.find("{{", page.find("<script>(function")))
        << "a marker was not filled";
    for (const MeasureRecord& record : example_records()) {
        EXPECT_NE(page.find(record.model.file), std::string::npos);
    }
}

TEST(Page, LoadsNothing) {
    const std::string page = own_part(html_page(example()));
    for (const char* loader : {" src=", "<link", "@import", "url(", "fetch(", "<img", "<iframe"}) {
        EXPECT_EQ(page.find(loader), std::string::npos) << loader;
    }
    EXPECT_NE(page.find("default-src 'none'"), std::string::npos);
}

TEST(Page, NamesCannotBreakOut) {
    auto records = example_records();
    const std::string attack = "\"><img src=x onerror=alert(1)></script><script>alert(2)</script>";
    for (MeasureRecord& record : records) {
        record.model.file += attack;
        record.model.publisher = attack;
        record.model.label = attack;
        record.baseline.original.file = attack;
        record.baseline.kind = attack;
        record.protocol.name = attack;
        record.corpus.files[0].name = attack;
        record.strata[0].name = attack;
        record.build.backend = attack;
        record.build.cpu = attack;
    }
    const std::string clean = own_part(html_page({build_leaderboards(example_records()), {}}));
    const std::string page = own_part(html_page({build_leaderboards(records), {}}));
    EXPECT_EQ(page.find("<img"), std::string::npos);
    EXPECT_EQ(count_of(page, "<script"), count_of(clean, "<script"));
    EXPECT_EQ(count_of(page, "</script"), count_of(clean, "</script"));
}

TEST(Page, AnEmptyReportSaysSo) {
    EXPECT_NE(html_page({}).find("No measurements"), std::string::npos);
}

}  // namespace
}  // namespace bitgauge
