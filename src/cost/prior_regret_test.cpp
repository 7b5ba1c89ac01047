// What a guess is worth: plans made with one model's prior, judged by another's own numbers. To
// accept a change of tests/golden/priors/regret.tsv, run with BITGAUGE_UPDATE_GOLDEN=1 and review
// the diff.

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "bitgauge/gguf.h"
#include "bitgauge/prior.h"

#include "base/files.h"

#include "cost/prior_testing.h"

namespace bitgauge {
namespace {

constexpr std::array kBits{3.0, 4.0, 5.0};
constexpr const char* kByRole = "its own mean by role";
constexpr const char* kUniform = "nothing: uniform bits";

// One value per role in place of its curve.
Prior by_role_only(Prior prior) {
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

// A model with the sensitivities of a prior; types err as on normal weights.
class Judged {
  public:
    Judged(ModelHeader model, const Prior& truth) : model_(std::move(model)) {
        table_.tensors = quantized_tensors(model_);
        for (TensorCost& tensor : table_.tensors) {
            const auto info = std::ranges::find(model_.tensors, tensor.tensor, &TensorInfo::name);
            tensor.errors = gaussian_errors(*info, true);
        }
        judge_ = std::make_unique<Mixer>(mixer(truth));
        for (const double bits : kBits) {
            least_.push_back(judge_->disturbance(judge_->for_bytes(bytes_at(bits)).mix));
        }
    }

    // D, as the truth has it, of plans made with a prior, over that of the best plans, less 1.
    std::vector<double> regrets(const Prior& prior) const {
        const Mixer guess = mixer(prior);
        std::vector<double> regrets;
        for (size_t i = 0; i < kBits.size(); ++i) {
            const Mix mix = guess.for_bytes(bytes_at(kBits[i])).mix;
            regrets.push_back(judge_->disturbance(mix) / least_[i] - 1);
        }
        return regrets;
    }

    // Every tensor costs what its weights do.
    Prior uniform_bits() const {
        Prior flat{.calibration = {.norm = 1}};
        for (const TensorCost& tensor : table_.tensors) {
            PriorRole& role = flat.roles[tensor.role];
            ++role.tensors;
            role.weights += tensor.weights;
            role.curve = {{0, static_cast<double>(tensor.weights), 0}};
        }
        return flat;
    }

  private:
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

    ModelHeader model_;
    SweepTable table_;
    std::unique_ptr<Mixer> judge_;
    std::vector<double> least_;  // D at kBits
};

using Regrets = std::map<std::string, std::vector<double>>;  // by what was guessed from

Regrets regrets_of(const std::string& target, ModelHeader model) {
    const Prior& truth = prior_named(shipped_priors(), target);
    const Judged judged(std::move(model), truth);
    Regrets regrets;
    for (const Prior& prior : shipped_priors()) regrets[prior.name] = judged.regrets(prior);
    regrets[kByRole] = judged.regrets(by_role_only(truth));
    regrets[kUniform] = judged.regrets(judged.uniform_bits());
    return regrets;
}

const std::map<std::string, Regrets>& all_regrets() {
    static const std::map<std::string, Regrets> all{
        {"Qwen3.5-35B-A3B", regrets_of("Qwen3.5-35B-A3B", real_model("qwen3.5-35b-a3b"))},
        {"Qwen3.5-27B", regrets_of("Qwen3.5-27B", real_model("qwen3.6-27b"))},
        {"TinyMoE", regrets_of("TinyMoE", model_header(GgufFile::open(BITGAUGE_TINYMOE)))}};
    return all;
}

// At each size below `most` and below `part` of that of uniform bits.
void expect_regret(const std::string& target, const std::string& from, double most, double part) {
    const Regrets& regrets = all_regrets().at(target);
    for (size_t i = 0; i < kBits.size(); ++i) {
        const double regret = regrets.at(from)[i];
        EXPECT_LT(regret, most) << target << " from " << from << " at " << kBits[i];
        EXPECT_LT(regret, part * regrets.at(kUniform)[i]) << target << " from " << from;
    }
}

TEST(PriorRegret, OfItsOwnPriorIsNone) {
    expect_regret("Qwen3.5-35B-A3B", "Qwen3.5-35B-A3B", 1e-9, 1);
    expect_regret("TinyMoE", "TinyMoE", 1e-9, 1);
}

TEST(PriorRegret, OfRolesAloneIsAFractionOfThatOfUniformBits) {
    expect_regret("Qwen3.5-35B-A3B", kByRole, 0.1, 0.1);
    expect_regret("Qwen3.5-27B", kByRole, 0.35, 0.55);
    expect_regret("TinyMoE", kByRole, 0.7, 0.2);
}

TEST(PriorRegret, OfAnotherArchitectureOfTheKindIsAFractionOfThatOfUniformBits) {
    expect_regret("Qwen3.5-35B-A3B", "GLM-4.5-Air", 0.2, 0.2);
    expect_regret("Qwen3.5-27B", "Qwen3-4B-Instruct-2507", 0.35, 0.7);
}

TEST(PriorRegret, BetweenATinyAndALargeModelIsBelowThatOfUniformBits) {
    expect_regret("Qwen3.5-35B-A3B", "TinyMoE", 0.7, 0.55);
    expect_regret("TinyMoE", "Qwen3.5-35B-A3B", 1.6, 0.45);
}

TEST(PriorRegret, OfAnotherKindMayBeWorseThanUniformBits) {
    const Regrets& dense = all_regrets().at("Qwen3.5-27B");
    for (size_t i = 0; i < kBits.size(); ++i) {
        EXPECT_GT(dense.at("Qwen3.5-35B-A3B")[i], dense.at(kUniform)[i]);
    }
}

TEST(PriorRegret, IsTheReviewedOne) {
    std::string text = "model\tguessed from\t3 bits %\t4 bits %\t5 bits %\n";
    for (const auto& [target, regrets] : all_regrets()) {
        for (const auto& [from, values] : regrets) {
            text += target + "\t" + from;
            for (const double value : values) text += fmt::format("\t{:.0f}", 100 * value);
            text += "\n";
        }
    }
    const std::filesystem::path path = std::filesystem::path(BITGAUGE_GOLDEN) / "regret.tsv";
    if (std::getenv("BITGAUGE_UPDATE_GOLDEN") != nullptr) write_file_atomically(path, text);
    EXPECT_EQ(text, read_text_file(path));
}

}  // namespace
}  // namespace bitgauge
