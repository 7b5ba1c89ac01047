#include "report/escape.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

namespace bitgauge {
namespace {

const std::string kReplacement = "\xEF\xBF\xBD";

TEST(Printable, KeepsTextAndReplacesTerminalCommands) {
    EXPECT_EQ(printable("Qwen3.5 Δp 模型"), "Qwen3.5 Δp 模型");
    EXPECT_EQ(printable("a\x1b[31mb"), "a" + kReplacement + "[31mb");
    EXPECT_EQ(printable("a\nb\tc\x7f"),
              "a" + kReplacement + "b" + kReplacement + "c" + kReplacement);
    EXPECT_EQ(printable("\xC2\x9B"), kReplacement) << "C1 control sequence introducer";
    EXPECT_EQ(printable("a\xE2\x80\xAEz"), "a" + kReplacement + "z") << "right-to-left override";
}

TEST(Printable, ReplacesWhatIsNoUtf8) {
    EXPECT_EQ(printable("\xff"), kReplacement);
    EXPECT_EQ(printable("\xE2\x82"), kReplacement + kReplacement) << "cut in the middle";
    EXPECT_EQ(printable("\xC0\xAF"), kReplacement + kReplacement) << "overlong '/'";
    const std::string three = kReplacement + kReplacement + kReplacement;
    EXPECT_EQ(printable("\xE0\x82\x9B"), three) << "overlong C1";
    EXPECT_EQ(printable("\xED\xA0\x80"), three) << "surrogate";
    EXPECT_EQ(printable("\xF0\x80\x80\x9B"), three + kReplacement) << "overlong ESC";
    EXPECT_EQ(printable("\xF4\x90\x80\x80"), three + kReplacement) << "beyond U+10FFFF";
}

TEST(TerminalText, KeepsLinesAndShowsCommands) {
    EXPECT_EQ(terminal_text("a\tΔ\n模型\n"), "a\tΔ\n模型\n");
    EXPECT_EQ(terminal_text("\x1b]0;title\a"), "␛]0;title␇");
    EXPECT_EQ(terminal_text("a\r\b\x7f"), "a␍␈␡");
    EXPECT_EQ(terminal_text(std::string_view("\0", 1)), "␀");
    EXPECT_EQ(terminal_text("\xC2\x9B"
                            "2J"),
              kReplacement + "2J")
        << "C1";
    EXPECT_EQ(terminal_text("\x9B"
                            "2J"),
              kReplacement + "2J")
        << "C1 of another coding";
}

TEST(TerminalText, HasNoCommandWhateverTheBytesAre) {
    for (unsigned first = 0; first < 256; ++first) {
        for (unsigned second = 0; second < 256; ++second) {
            const std::string bytes = {static_cast<char>(first), static_cast<char>(second)};
            const std::string shown = terminal_text(bytes);
            EXPECT_EQ(terminal_text(shown), shown);
            EXPECT_TRUE(std::all_of(shown.begin(), shown.end(),
                                    [](char c) {
                                        const auto byte = static_cast<unsigned char>(c);
                                        return byte == '\n' || byte == '\t' ||
                                               (byte >= 0x20 && byte != 0x7F);
                                    }))
                << first << " " << second;
            EXPECT_EQ(shown.find("\xC2\x9B"), std::string::npos);
        }
    }
}

TEST(Shortened, CountsCodePointsAndNeverCutsOne) {
    EXPECT_EQ(shortened("ΔΔΔ", 3), "ΔΔΔ");
    EXPECT_EQ(shortened("ΔΔΔΔ", 3), "ΔΔ…");
    EXPECT_EQ(shortened("ab", 1), "…");
    EXPECT_EQ(shortened("", 1), "");
}

TEST(Markdown, ACellCannotEndOrFormatItself) {
    EXPECT_EQ(markdown_escaped("a|b"), "a\\|b");
    EXPECT_EQ(markdown_escaped("Q4_K_M"), "Q4\\_K\\_M");
    EXPECT_EQ(markdown_escaped("<img src=x>"), "&lt;img src=x&gt;");
    EXPECT_EQ(markdown_escaped("[a](b)"), "\\[a\\](b)");
}

TEST(Html, MarkupAndQuotesAreText) {
    EXPECT_EQ(html_escaped("<b a=\"1\" c='2'>&"), "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;");
}

TEST(Script, NothingInsideCanEndTheElement) {
    EXPECT_EQ(script_escaped("{\"a\":\"</script><!--\"}"), "{\"a\":\"\\u003c/script>\\u003c!--\"}");
}

TEST(Csv, QuotesOnlyWhatNeedsIt) {
    EXPECT_EQ(csv_field("plain text"), "plain text");
    EXPECT_EQ(csv_field("a,b"), "\"a,b\"");
    EXPECT_EQ(csv_field("say \"hi\""), "\"say \"\"hi\"\"\"");
    EXPECT_EQ(csv_field("two\nlines"), "\"two\nlines\"");
}

}  // namespace
}  // namespace bitgauge
