#include "engine/cut_check.h"

#include <algorithm>
#include <cctype>

#include <gtest/gtest.h>

#include "engine/engine_testing.h"
#include "engine/tiny_models_testing.h"

#include <ggml.h>

namespace bitgauge {
namespace {

std::filesystem::path written(const std::string& name, int type) {
    static const auto folder = fresh_folder("cut_check");
    const auto path = folder / (name + "-" + std::to_string(type) + ".gguf");
    write_tiny_model(tiny_model(name), type, 1, path);
    return path;
}

class CutCheckOf : public testing::TestWithParam<std::string> {};

void expect_same(const std::string& name, int type) {
    const auto path = written(name, type);
    const CutCheck smallest = check_cut(path, one_thread(), {}, /*whole_fits=*/true);
    EXPECT_TRUE(smallest.same) << name << " in type " << type << ": " << smallest.how;
    std::filesystem::remove(path);
}

TEST_P(CutCheckOf, SinglePrecision) {
    expect_same(GetParam(), GGML_TYPE_F32);
}

TEST_P(CutCheckOf, HalfPrecision) {
    expect_same(GetParam(), GGML_TYPE_F16);
}

TEST_P(CutCheckOf, FourBits) {
    expect_same(GetParam(), GGML_TYPE_Q4_0);
}

std::vector<std::string> names() {
    std::vector<std::string> all;
    for (const TinyModel& model : tiny_models()) all.push_back(model.name);
    return all;
}

INSTANTIATE_TEST_SUITE_P(All, CutCheckOf, testing::ValuesIn(names()), [](const auto& model) {
    std::string name = model.param;
    std::replace_if(
        name.begin(), name.end(), [](char c) { return !std::isalnum(c); }, '_');
    return name;
});

}  // namespace
}  // namespace bitgauge
