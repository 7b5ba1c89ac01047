#include "bitgauge/template.h"

#include <algorithm>
#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include "bitgauge/error.h"

#include "base/files.h"

namespace bitgauge {
namespace {

std::string shipped_template(const std::string& name) {
    return read_text_file(BITGAUGE_TEST_DATA "/templates/" + name);
}

TemplateLint lint_of(const std::string& source, bool correct = false) {
    return lint_template({source, "<s>", "</s>"}, correct);
}

const TemplateFinding* finding_named(const TemplateLint& lint, const std::string& id) {
    const auto at = std::ranges::find(lint.findings, id, &TemplateFinding::id);
    return at == lint.findings.end() ? nullptr : &*at;
}

std::string only_id(const TemplateLint& lint) {
    return lint.findings.size() == 1 ? lint.findings[0].id : "not one finding";
}

class LintTemplate : public ::testing::Test {
  protected:
    void SetUp() override {
        try {
            lint_of("x");
        } catch (const Error& error) {
            GTEST_SKIP() << "no Python with Jinja2 here: " << error.what();
        }
    }
};

TEST_F(LintTemplate, Qwen35FailsOnArgumentsAsTextAndTheFirstFixLosesThem) {
    const TemplateLint shipped = lint_of(shipped_template("Qwen3.5-4B.jinja"));
    const TemplateFinding* fails = finding_named(shipped, "fails-on-text-arguments");
    ASSERT_NE(fails, nullptr);
    EXPECT_EQ(fails->severity, Severity::kError);
    EXPECT_EQ(shipped.findings[0].severity, Severity::kError);
    const TemplateLint first_fix = lint_of(shipped_template("Qwen3.5-4B.first-fix.jinja"));
    ASSERT_NE(finding_named(first_fix, "loses-text-arguments"), nullptr);
    EXPECT_EQ(finding_named(first_fix, "fails-on-text-arguments"), nullptr);
}

TEST_F(LintTemplate, ACorrectionKeepsEverythingElseAndLeavesNoError) {
    for (const char* name : {"Qwen3.5-4B.jinja", "Qwen3.5-4B.first-fix.jinja"}) {
        const TemplateLint lint = lint_of(shipped_template(name), /*correct=*/true);
        ASSERT_TRUE(lint.corrected.has_value()) << name;
        EXPECT_EQ(lint.count(Severity::kError), 0U) << name;
        EXPECT_NE(finding_named(lint, "refuses-text-arguments"), nullptr) << name;
        EXPECT_EQ(lint.changes.size(), 1U) << name;
    }
}

TEST_F(LintTemplate, WhatIsNotKnownIsNotCorrected) {
    const TemplateLint lint = lint_of("{{ messages[0].content }}", /*correct=*/true);
    EXPECT_FALSE(lint.corrected.has_value());
    EXPECT_GT(lint.count(Severity::kError), 0U);
}

TEST_F(LintTemplate, WhatDoesHarmIsContainedAndNamed) {
    EXPECT_EQ(only_id(lint_of("{{ 'x' * 10**9 }}")), "takes-too-much-memory");
    EXPECT_EQ(only_id(lint_of("{{ ''.__class__ }}")), "leaves-the-sandbox");
    EXPECT_EQ(only_id(lint_of("{% for i in range(10**9) %}{% endfor %}")), "range-too-large");
    EXPECT_EQ(only_id(lint_of("{% if %}")), "does-not-parse");
    EXPECT_EQ(lint_of("{% if %}").unusable, lint_of("{% if %}").findings[0].sentence);
}

TEST_F(LintTemplate, AComputationThatNoAlarmInterruptsIsEndedFromOutside) {
    const TemplateLint lint = lint_of("{{ 7 ** (10 ** 9) }}");
    EXPECT_EQ(only_id(lint), "runs-too-long");
    EXPECT_FALSE(lint.unusable.empty());
}

TEST(LintTemplateWithoutPython, SaysThatPythonCannotBeStarted) {
    const char* old = std::getenv("BITGAUGE_PYTHON");
    const std::string kept = old == nullptr ? "" : old;
    ::setenv("BITGAUGE_PYTHON", BITGAUGE_TEST_DATA "/no-python-here", 1);
    try {
        lint_of("x");
        ADD_FAILURE() << "no error";
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kEnvironment);
        EXPECT_NE(std::string(error.what()).find("cannot be started"), std::string::npos);
    }
    old == nullptr ? ::unsetenv("BITGAUGE_PYTHON") : ::setenv("BITGAUGE_PYTHON", kept.c_str(), 1);
}

TEST(LintTemplateWithoutPython, RefusesASourceThatIsNoText) {
    EXPECT_THROW(lint_of("\xff"), Error);
}

}  // namespace
}  // namespace bitgauge
