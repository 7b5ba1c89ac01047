// The text of priors: written and read back, and what is refused.

#include <rapidcheck.h>

#include <gtest/gtest.h>

#include "bitgauge/prior.h"

#include "base/json.h"

#include "cost/prior_testing.h"

namespace bitgauge {
namespace {

Prior example() {
    Prior prior =
        made_prior("Tiny", "llama", 12345,
                   {{"ffn_up", {.tensors = 3, .weights = 3000, .curve = {{0, .5, .25}, {1, 2, 0}}}},
                    {"output", {.tensors = 1, .weights = 500, .curve = {{0, 0, .125}}}}});
    prior.source = {.kind = "published",
                    .about = "sums \"by role\"",
                    .credit = "somebody",
                    .link = "https://example.org",
                    .date = "2026-11-22",
                    .corpus = "wiki",
                    .tokens = 8192,
                    .build = "b1"};
    prior.calibration = {.norm = 1.5, .scale = 2, .exponent = .75, .floor = .00125};
    return prior;
}

// The example's text with one member of its JSON set to something else.
std::string with(const std::string& pointer, const Json& value) {
    Json json = Json::parse(prior_text(example()));
    json[Json::json_pointer(pointer)] = value;
    return json.dump();
}

std::string said_of(const std::string& text) {
    return refusal([&] { parse_prior(text, "p.json"); });
}

TEST(PriorText, IsReadBackAsTheSameEntry) {
    const Prior read = parse_prior(prior_text(example()), "p.json");
    EXPECT_EQ(prior_text(read), prior_text(example()));
    EXPECT_EQ(read.name, "Tiny");
    EXPECT_EQ(read.source.about, "sums \"by role\"");
    EXPECT_EQ(read.source.tokens, 8192U);
    EXPECT_EQ(read.calibration.floor, .00125);
    EXPECT_EQ(read.roles.at("ffn_up").curve.at(0).switching, .25);
    EXPECT_EQ(read.origin, "p.json");
}

TEST(PriorText, KeepsSixDigitsOfAnyCurve) {
    EXPECT_TRUE(rc::check([](std::vector<uint32_t> numbers) {
        Prior prior = example();
        std::vector<PriorPoint>& curve = prior.roles["ffn_up"].curve;
        curve.clear();
        for (size_t i = 0; i <= numbers.size(); ++i) {
            const double depth = static_cast<double>(i) / static_cast<double>(numbers.size() + 1);
            const double smooth = i < numbers.size() ? 1e-7 * (1 + numbers[i]) : 1;
            curve.push_back({depth, smooth, smooth / 3});
        }
        const Prior read = parse_prior(prior_text(prior), "p.json");
        const auto& same = read.roles.at("ffn_up").curve;
        RC_ASSERT(same.size() == curve.size());
        for (size_t i = 0; i < curve.size(); ++i) {
            RC_ASSERT(std::abs(same[i].smooth / curve[i].smooth - 1) < 1e-5);
        }
    }));
}

TEST(PriorText, WhatIsNoEntryIsRefused) {
    expect_says(said_of("{"), {"prior 'p.json': is no JSON", "prior.md"});
    expect_says(said_of("[]"), {"is not an object"});
    expect_says(said_of("{}"), {"\"schema\" is missing"});
    expect_says(said_of(with("/schema", "bitgauge.prior/2")), {"bitgauge.prior/2", "reads"});
    expect_says(said_of(with("/roles", Json::object())), {"\"roles\"", "no object with members"});
    expect_says(said_of(with("/roles/ffn_up/curve", Json::array())), {"ffn_up.curve\"", "no list"});
    expect_says(said_of(with("/source/kind", "guess")), {"source.kind", "neither"});
    expect_says(said_of(with("/experts", 1)), {"experts", "neither true nor false"});
}

TEST(PriorText, NumbersThatCannotBeAreRefused) {
    expect_says(said_of(with("/roles/ffn_up/curve/0/1", -1)), {"curve[0][1]\" is -1"});
    expect_says(said_of(with("/roles/ffn_up/curve/0/1", nullptr)), {"is null"});  // NaN
    expect_says(said_of(with("/roles/ffn_up/curve/0/1", 1e300)), {"is 1e+300"});
    expect_says(said_of(with("/roles/ffn_up/curve/0/0", 1.5)), {"curve[0][0]", "1.5"});
    expect_says(said_of(with("/roles/ffn_up/curve/1/0", 0)), {"curve[1]", "no deeper"});
    expect_says(said_of(with("/roles/output/curve/0/2", 0)), {"costs nothing"});
    expect_says(said_of(with("/roles/ffn_up/curve/0", Json::array({0, 1}))), {"no list of 3"});
    expect_says(said_of(with("/parameters", -5)), {"parameters", "no whole number"});
    expect_says(said_of(with("/layers", 1e9)), {"layers"});
    expect_says(said_of(with("/calibration/norm", 0)), {"calibration.norm"});
    expect_says(said_of(with("/calibration/scale", 0)), {"calibration.scale"});
    expect_says(said_of(R"({"schema": 1e999})"), {"is no JSON"});
}

TEST(PriorText, NamesThatATerminalWouldObeyAreRefused) {
    expect_says(said_of(with("/name", "\x1b[2J")), {"\"name\"", "no name"});
    expect_says(said_of(with("/name", "")), {"no name"});
    expect_says(said_of(with("/architecture", std::string(1000, 'a'))), {"no name"});
    Json roles = {{"ffn\nup", Json::parse(prior_text(example()))["roles"]["ffn_up"]}};
    expect_says(said_of(with("/roles", roles)), {"no name"});
}

TEST(PriorText, EveryShippedEntryIsWrittenAsItIsRead) {
    EXPECT_GE(shipped_priors().size(), 2U);
    for (const Prior& prior : shipped_priors()) {
        EXPECT_EQ(prior_text(parse_prior(prior_text(prior), "again")), prior_text(prior));
        EXPECT_FALSE(prior.source.about.empty()) << prior.name;
    }
}

}  // namespace
}  // namespace bitgauge
