// Every form of a sweep: whole, safe, and as in tests/golden/report/. To accept a change, run with
// BITGAUGE_UPDATE_GOLDEN=1 and review the diff.

#include <map>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "bitgauge/report.h"

#include "base/json.h"
#include "report/escape.h"
#include "report/example_sweep.h"
#include "report/plots.h"
#include "report/report_testing.h"

namespace bitgauge {
namespace {

SweepReport example() {
    return build_sweep_report(example_model_sweep());
}

const Json& data_of(const Plot& plot, const char* name) {
    return plot.spec["datasets"][name];
}

// Numbers with six digits: the last ones are the machine's.
Json rounded(Json point) {
    for (auto& [key, value] : point.items()) {
        if (value.is_number_float()) value = std::stod(fmt::format("{:.6g}", value.get<double>()));
    }
    return point;
}

TEST(GoldenSweep, TerminalTable) {
    expect_golden("sweep.txt", terminal_table(example()));
}
TEST(GoldenSweep, TerminalTableFitsAnOrdinaryWindow) {
    EXPECT_LE(longest_line(terminal_table(example())), 120u);
}
TEST(GoldenSweep, MarkdownTable) {
    expect_golden("sweep.md", markdown_table(example()));
}
TEST(GoldenSweep, Csv) {
    expect_golden("sweep.csv", csv(example()));
}
// What the page draws, without the plot library: a line per point.
TEST(GoldenSweep, PlotData) {
    std::string text;
    for (const Plot& plot : plots_of(example())) {
        text += plot.title + "\n";
        for (const auto& [name, points] : plot.spec["datasets"].items()) {
            for (const Json& point : points) text += name + " " + rounded(point).dump() + "\n";
        }
    }
    expect_golden("sweep-plots.txt", text);
}

TEST(SweepJson, HoldsWhatThePageSays) {
    const SweepReport report = example();
    const Json document = Json::parse(json(report));
    EXPECT_EQ(document["schema"], "bitgauge.sweep-report/1");
    EXPECT_EQ(document["sweep"]["key"], report.sweep.key);
    ASSERT_EQ(document["roles"].size(), report.roles.size());
    EXPECT_EQ(document["tensors"].size(), report.sweep.tensors.size());
    EXPECT_EQ(document["mixes"][2]["on_sweep_text"], false);
    const Json& cell = document["roles"][0]["types"][0];
    EXPECT_EQ(cell["predicted_nats"]["value"], report.roles[0].types[0].nats.value);
    EXPECT_EQ(cell["saved_bytes"], report.roles[0].types[0].saved_bytes);
}

TEST(SweepPlots, MeasuredAndDerivedPointsAreToldApart) {
    const auto plots = plots_of(example());
    ASSERT_EQ(plots.size(), 3u);
    size_t measured = 0;
    for (const Json& point : data_of(plots[2], "tensors")) {
        EXPECT_EQ(point["measured"].get<bool>(), point.contains("low")) << point;
        EXPECT_EQ(point["measured"].get<bool>(), point["how"] == "measured");
        measured += point["measured"].get<bool>() ? 1 : 0;
    }
    EXPECT_EQ(measured, 6u * 4u);
    EXPECT_EQ(data_of(plots[2], "tensors").size(), 6u * 12u);
}

TEST(SweepPlots, AModelWithoutLayersHasNoDepth) {
    SweepTable sweep = example_model_sweep();
    sweep.tensors.resize(2);
    EXPECT_EQ(plots_of(build_sweep_report(sweep)).size(), 2u);
}

TEST(SweepPage, IsWholeAndLoadsNothing) {
    const std::string page = html_page(example());
    EXPECT_TRUE(page.starts_with("<!DOCTYPE html>"));
    EXPECT_TRUE(page.ends_with("</html>\n"));
    const std::string own = own_part(page);
    EXPECT_EQ(own.find("{{"), std::string::npos) << "a marker was not filled";
    for (const char* loader : {" src=", "<link", "@import", "url(", "fetch(", "<img", "<iframe"}) {
        EXPECT_EQ(own.find(loader), std::string::npos) << loader;
    }
    for (const TensorCost& tensor : example_model_sweep().tensors) {
        EXPECT_NE(page.find(tensor.tensor), std::string::npos);
    }
}

TEST(SweepPage, NamesCannotBreakOut) {
    SweepTable sweep = example_model_sweep();
    const std::string attack =
        "\"><img src=x onerror=alert(1)></script><script>alert(2)</script>\x1b[2J";
    for (TensorCost& tensor : sweep.tensors) {
        tensor.tensor += attack;
        tensor.role += attack;
    }
    for (MeasuredMix& mix : sweep.mixes) {
        std::map<std::string, std::string> types;
        for (const auto& [tensor, type] : mix.types) types[tensor + attack] = type;
        mix.types = types;
        mix.name += attack;
    }
    sweep.key += attack;
    sweep.original.file = sweep.original.label = sweep.original.content_hash = attack;
    sweep.importance_file = sweep.importance_hash = attack;
    sweep.corpus.files[0].name = sweep.corpus.key = sweep.protocol.name = attack;
    sweep.build.backend = sweep.build.cpu = attack;
    const SweepReport hostile = build_sweep_report(sweep);
    const std::string clean = own_part(html_page(example()));
    const std::string page = own_part(html_page(hostile));
    EXPECT_EQ(page.find("<img"), std::string::npos);
    EXPECT_EQ(count_of(page, "<script"), count_of(clean, "<script"));
    EXPECT_EQ(count_of(page, "</script"), count_of(clean, "</script"));
    EXPECT_EQ(terminal_table(hostile).find('\x1b'), std::string::npos);
    EXPECT_EQ(csv(hostile).find('\x1b'), std::string::npos);
    EXPECT_TRUE(Json::accept(json(hostile)));
}

TEST(SweepPage, SaysWhatWasGuessed) {
    SweepTable sweep = example_model_sweep();
    EXPECT_EQ(html_page(build_sweep_report(sweep)).find("No tensor of these roles"),
              std::string::npos);
    for (TensorCost& tensor : sweep.tensors) {
        if (tensor.role == "ssm_alpha") tensor.probes.clear();
    }
    const std::string text = terminal_table(build_sweep_report(sweep));
    EXPECT_NE(text.find("No tensor of these roles"), std::string::npos) << text;
    EXPECT_NE(text.find("guessed"), std::string::npos);
}

}  // namespace
}  // namespace bitgauge
