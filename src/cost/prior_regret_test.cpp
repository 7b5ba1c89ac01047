// What a guess is worth: plans made with one model's prior, judged by another's own numbers. To
// accept a change of tests/golden/priors/regret.tsv, run with BITGAUGE_UPDATE_GOLDEN=1 and review
// the diff.

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "bitgauge/gguf.h"
#include "bitgauge/prior.h"

#include "base/files.h"

#include "cost/prior_testing.h"

namespace bitgauge {
namespace {

// A model with the sensitivities of a prior; types cost what they do on normal weights.
class PriorRegret : public testing::Test {
  protected:
    void begin(ModelHeader model, const std::string& truth) {
        model_ = std::move(model);
        table_.tensors = quantized_tensors(model_);
        for (TensorCost& tensor : table_.tensors) {
            const auto info = std::ranges::find(model_.tensors, tensor.tensor, &TensorInfo::name);
            tensor.errors = gaussian_errors(*info, true);
        }
        judge_ = std::make_unique<Mixer>(mixer(prior_named(shipped_priors(), truth)));
    }

    Mixer mixer(const Prior& prior) const {
        return {model_,
                table_,
                guess_sensitivities(prior, table_.tensors).sensitivities,
                {},
                prior.calibration};
    }

    uint64_t bytes_at(double bits) const {
        double weights = 0;
        for (const TensorInfo& tensor : model_.tensors) {
            weights += static_cast<double>(tensor.elements());
        }
        return static_cast<uint64_t>(weights * bits / 8);
    }

    // D, as the truth has it, of a plan over that of the best plan.
    double regret(const Prior& prior, double bits) const {
        const Mix guessed = mixer(prior).for_bytes(bytes_at(bits)).mix;
        const Mix best = judge_->for_bytes(bytes_at(bits)).mix;
        return judge_->disturbance(guessed) / judge_->disturbance(best) - 1;
    }

    // The same for all tensors costing what their weights do.
    double regret_of_uniform_bits(double bits) const {
        Prior flat{.calibration = {.norm = 1}};
        for (const TensorCost& tensor : table_.tensors) {
            PriorRole& role = flat.roles[tensor.role];
            ++role.tensors;
            role.weights += tensor.weights;
            role.curve = {{0, static_cast<double>(tensor.weights), 0}};
        }
        return regret(flat, bits);
    }

    // One value per role in place of its curve.
    static Prior by_role_only(Prior prior) {
        for (auto& [name, role] : prior.roles) {
            PriorPoint mean;
            const auto n = static_cast<double>(role.curve.size());
            for (const PriorPoint& point : role.curve) {
                mean.smooth += point.smooth / n;
                mean.switching += point.switching / n;
            }
            role.curve = {mean};
        }
        return prior;
    }

    ModelHeader model_;
    SweepTable table_;
    std::unique_ptr<Mixer> judge_;
};

// All priors for two large models and a tiny one.
constexpr std::array<std::pair<const char*, const char*>, 3> kTargets{
    {{"Qwen3.5-35B-A3B", "qwen3.5-35b-a3b"}, {"Qwen3.5-27B", "qwen3.6-27b"}, {"TinyMoE", ""}}};
constexpr std::array kBits{3.0, 4.0, 5.0};

TEST_F(PriorRegret, IsTheReviewedOne) {
    std::string text = "model\tguessed from\t3 bits %\t4 bits %\t5 bits %\n";
    const auto add = [&](const std::string& target, const std::string& from,
                         const auto& regret_at) {
        text += target + "\t" + from;
        for (const double bits : kBits) text += fmt::format("\t{:.0f}", 100 * regret_at(bits));
        text += "\n";
    };
    for (const auto& [target, header] : kTargets) {
        begin(*header == '\0' ? model_header(GgufFile::open(BITGAUGE_TINYMOE)) : real_model(header),
              target);
        for (const Prior& prior : shipped_priors()) {
            if (prior.name == target) continue;
            add(target, prior.name, [&](double bits) { return regret(prior, bits); });
        }
        const Prior roles = by_role_only(prior_named(shipped_priors(), target));
        add(target, "its own mean by role", [&](double bits) { return regret(roles, bits); });
        add(target, "nothing: uniform bits",
            [&](double bits) { return regret_of_uniform_bits(bits); });
    }
    const std::filesystem::path path = std::filesystem::path(BITGAUGE_GOLDEN) / "regret.tsv";
    if (std::getenv("BITGAUGE_UPDATE_GOLDEN") != nullptr) write_file_atomically(path, text);
    EXPECT_EQ(text, read_text_file(path));
}

TEST_F(PriorRegret, OfItsOwnPriorIsNone) {
    begin(real_model("qwen3.5-35b-a3b"), "Qwen3.5-35B-A3B");
    EXPECT_NEAR(regret(prior_named(shipped_priors(), "Qwen3.5-35B-A3B"), 4), 0, 1e-12);
}

TEST_F(PriorRegret, OfRolesAloneIsAFractionOfThatOfUniformBits) {
    begin(real_model("qwen3.5-35b-a3b"), "Qwen3.5-35B-A3B");
    const Prior roles = by_role_only(prior_named(shipped_priors(), "Qwen3.5-35B-A3B"));
    for (const double bits : kBits) {
        EXPECT_LT(regret(roles, bits), 0.2) << bits;
        EXPECT_GT(regret_of_uniform_bits(bits), 4 * regret(roles, bits)) << bits;
    }
}

TEST_F(PriorRegret, OfAnotherArchitectureOfTheKindIsAFractionOfThatOfUniformBits) {
    begin(real_model("qwen3.5-35b-a3b"), "Qwen3.5-35B-A3B");
    const Prior& other = prior_named(shipped_priors(), "GLM-4.5-Air");
    for (const double bits : kBits) {
        EXPECT_LT(regret(other, bits), 0.2) << bits;
        EXPECT_GT(regret_of_uniform_bits(bits), 5 * regret(other, bits)) << bits;
    }
}

TEST_F(PriorRegret, OfADenseModelsPriorForAnotherIsBelowThatOfUniformBits) {
    begin(real_model("qwen3.6-27b"), "Qwen3.5-27B");
    const Prior& other = prior_named(shipped_priors(), "Qwen3-4B-Instruct-2507");
    for (const double bits : kBits) {
        EXPECT_LT(regret(other, bits), regret_of_uniform_bits(bits)) << bits;
    }
}

TEST_F(PriorRegret, OfATinyModelsPriorForALargeOneIsBelowThatOfUniformBits) {
    begin(real_model("qwen3.5-35b-a3b"), "Qwen3.5-35B-A3B");
    const Prior& tiny = prior_named(shipped_priors(), "TinyMoE");
    for (const double bits : kBits) {
        EXPECT_LT(regret(tiny, bits), regret_of_uniform_bits(bits)) << bits;
    }
}

TEST_F(PriorRegret, OfALargeModelsPriorForATinyOneIsBelowThatOfUniformBits) {
    begin(model_header(GgufFile::open(BITGAUGE_TINYMOE)), "TinyMoE");
    const Prior& large = prior_named(shipped_priors(), "Qwen3.5-35B-A3B");
    for (const double bits : kBits) {
        EXPECT_LT(regret(large, bits), regret_of_uniform_bits(bits)) << bits;
    }
}

}  // namespace
}  // namespace bitgauge
