#include <cmath>

#include <gtest/gtest.h>

#include "bitgauge/error.h"
#include "bitgauge/report.h"

namespace bitgauge {
namespace {

const PublishedRow& row_named(const PublishedTable& table, const std::string& provider,
                              const std::string& label) {
    for (const PublishedRow& row : table.rows) {
        if (row.provider == provider && row.label == label) return row;
    }
    throw std::runtime_error("no row " + provider + " " + label);
}

TEST(Published, EveryTableIsCompleteAndHasItsSource) {
    ASSERT_FALSE(published_names().empty());
    for (const std::string& name : published_names()) {
        for (const PublishedTable& table : published_tables(name)) {
            SCOPED_TRACE(name + " " + table.id);
            EXPECT_TRUE(table.source.starts_with("https://"));
            EXPECT_FALSE(table.rows.empty());
            for (const std::string& text :
                 {table.title, table.author, table.date, table.protocol, table.original}) {
                EXPECT_FALSE(text.empty());
            }
            for (const PublishedRow& row : table.rows) {
                EXPECT_TRUE(row.source.starts_with("https://"));
                EXPECT_TRUE(std::isnan(row.size_gib) || (row.size_gib > 1 && row.size_gib < 100));
                EXPECT_TRUE(std::isnan(row.kld_mean_nats) || row.kld_mean_nats < 1);
            }
        }
    }
}

// The author printed 0.327 [cmhamiche 2026]. The digest his rows were recovered from rounds this
// file's KLD to 0.0240 +- 0.00005, which is +- 0.0012 of the score.
TEST(Published, ReproducesTheAuthorsEfficiencyScore) {
    const PublishedTable table = published_tables("qwen3.5-35b-a3b").front();
    EXPECT_NEAR(row_named(table, "AesSedai", "IQ4_XS").efficiency_score, 0.327, 0.0012);
    EXPECT_DOUBLE_EQ(row_named(table, "AesSedai", "Q4_K_M").efficiency_score, 1);
    EXPECT_GT(row_named(table, "unsloth", "UD-Q4_K_XL").efficiency_score, 1);
}

TEST(Published, RowsWithoutASizeHaveNoScore) {
    const PublishedTable table = published_tables("qwen3.5-35b-a3b").front();
    EXPECT_TRUE(std::isnan(row_named(table, "bartowski", "IQ4_XS").efficiency_score));
}

TEST(Published, HoldsTheWholeTableOfUnsloth) {
    const PublishedTable table = published_tables("qwen3.5-35b-a3b").at(1);
    EXPECT_EQ(table.id, "unsloth");
    EXPECT_EQ(table.rows.size(), 29u);
    const PublishedRow& row = row_named(table, "ubergarm", "Q4_0");
    EXPECT_EQ(row.size_gib, 19.79);
    EXPECT_EQ(row.ppl, 6.5784);
    EXPECT_EQ(row.kld_p999_nats, 0.4829);
    EXPECT_EQ(row.kld_mean_nats, 0.0142);
}

TEST(Published, AnUnknownNameIsAnInputErrorNamingTheKnownOnes) {
    try {
        published_tables("qwen9");
        FAIL() << "an unknown table was found";
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kInput);
        EXPECT_NE(error.hint().find("qwen3.5-35b-a3b"), std::string::npos);
    }
}

}  // namespace
}  // namespace bitgauge
