// llama.cpp's own snapshots of per-tensor types: 12 real models, every file type.

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "recipe/recipe_testing.h"

namespace bitgauge {
namespace {

// One "[Q4_K_M] q4_K" and the lines below it.
struct Section {
    std::string file_type;
    std::string default_type;
    std::map<std::string, std::string> others;  // tensor -> type
};

std::vector<Section> read_snapshot(const std::string& model) {
    std::ifstream file(std::filesystem::path(BITGAUGE_TEST_DATA) / "recipes" / "snapshots" /
                       (model + ".schema"));
    std::vector<Section> sections;
    for (std::string line; std::getline(file, line);) {
        if (line.empty() || line[0] == '#') continue;
        const size_t space = line.rfind(' ');
        if (line[0] == '[') {
            sections.push_back({line.substr(1, line.find(']') - 1), line.substr(space + 1), {}});
        } else {
            sections.back().others[line.substr(0, space)] = line.substr(space + 1);
        }
    }
    return sections;
}

class Snapshot : public testing::TestWithParam<const char*> {};

TEST_P(Snapshot, IsReproducedTensorForTensor) {
    const ModelHeader model = real_model(GetParam());
    const std::vector<Section> sections = read_snapshot(GetParam());
    ASSERT_EQ(sections.size(), 33U);
    for (const Section& section : sections) {
        const Recipe* recipe = find_preset(section.file_type);
        ASSERT_NE(recipe, nullptr) << section.file_type;
        size_t found = 0;
        for (const ResolvedTensor& tensor : resolve(model, *recipe, false).tensors) {
            const auto other = section.others.find(tensor.name);
            if (other != section.others.end()) ++found;
            if (tensor.kept) {
                EXPECT_EQ(other, section.others.end()) << tensor.name;
                continue;
            }
            const std::string expected =
                other == section.others.end() ? section.default_type : other->second;
            EXPECT_EQ(tensor.type, expected)
                << section.file_type << " " << tensor.name << " by " << tensor.rule;
        }
        EXPECT_EQ(found, section.others.size()) << section.file_type;
    }
}

INSTANTIATE_TEST_SUITE_P(LlamaCpp, Snapshot,
                         testing::Values("deepseek-v3.1", "gemma-3-4b-it", "glm-4.6v",
                                         "gpt-oss-120b", "meta-llama-3.1-70b-instruct",
                                         "nvidia-nemotron-3-nano-30b-a3b", "qwen3-0.6b",
                                         "qwen3-14b", "qwen3-coder-next", "qwen3.5-397b-a17b",
                                         "qwen3.6-27b", "step-3.5-flash"));

}  // namespace
}  // namespace bitgauge
