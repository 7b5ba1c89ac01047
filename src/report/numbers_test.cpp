#include "report/numbers.h"

#include <cmath>

#include <gtest/gtest.h>

namespace bitgauge {
namespace {

Estimate within(double value, double half) {
    return {value, value - half, value + half};
}

TEST(FormatEstimate, TheHalfWidthHasTwoDigitsAndTheValueNoMore) {
    EXPECT_EQ(format_estimate(within(0.0102134, 0.000312)), "0.01021±0.00031");
    EXPECT_EQ(format_estimate(within(6.5172, 0.21)), "6.52±0.21");
    EXPECT_EQ(format_estimate(within(12.2, 1.8)), "12.2±1.8");
    EXPECT_EQ(format_estimate(within(1234.6, 23.4)), "1235±23");
    EXPECT_EQ(format_estimate(within(-0.00125, 0.00021)), "-0.00125±0.00021");
}

TEST(FormatEstimate, ScalesBoth) {
    EXPECT_EQ(format_estimate(within(0.95741, 0.0012), 100), "95.74±0.12");
}

TEST(FormatEstimate, TinyNumbersAreScientific) {
    EXPECT_EQ(format_estimate(within(1.234e-5, 4e-7)), "1.23e-05±4.0e-07");
}

TEST(FormatEstimate, SaysWhatIsMissing) {
    EXPECT_EQ(format_estimate({6.5}), "6.5±n/a");
    EXPECT_EQ(format_estimate({}), "n/a");
    EXPECT_EQ(format_estimate(within(1, 0)), "1.000000±0.000000");
}

TEST(FormatNumber, FourDigits) {
    EXPECT_EQ(format_number(0.0102134), "0.01021");
    EXPECT_EQ(format_number(3.1e-8), "3.1e-08");
    EXPECT_EQ(format_number(0), "0");
    EXPECT_EQ(format_number(NAN), "n/a");
    EXPECT_EQ(format_fixed(NAN, 2), "n/a");
}

}  // namespace
}  // namespace bitgauge
