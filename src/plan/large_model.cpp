#include "plan/large_model.h"

#include <cmath>
#include <numbers>
#include <random>

namespace bitgauge {
namespace {

struct Type {
    const char* name;
    uint32_t block_weights, block_bytes;
    double error;  // relative squared error on N(0, 1) weights
};

constexpr Type kTypes[] = {
    {"BF16", 1, 2, 1.3e-6},       {"Q8_0", 32, 34, 2.9e-5},     {"Q6_K", 256, 210, 3.0e-4},
    {"Q5_1", 32, 24, 1.15e-3},    {"Q5_K", 256, 176, 1.26e-3},  {"Q5_0", 32, 22, 1.65e-3},
    {"Q4_1", 32, 20, 4.9e-3},     {"Q4_K", 256, 144, 5.0e-3},   {"IQ4_NL", 32, 18, 5.6e-3},
    {"IQ4_XS", 256, 136, 5.7e-3}, {"Q4_0", 32, 18, 6.8e-3},     {"IQ3_S", 256, 110, 1.87e-2},
    {"Q3_K", 256, 110, 2.1e-2},   {"IQ3_XXS", 256, 98, 3.3e-2}, {"IQ2_S", 256, 82, 6.2e-2},
    {"Q2_K", 256, 84, 7.2e-2},    {"IQ2_XS", 256, 74, 9.0e-2},  {"IQ2_XXS", 256, 66, 0.118},
    {"IQ1_M", 256, 56, 0.205},    {"IQ1_S", 256, 50, 0.237},
};

struct Role {
    const char* name;
    uint64_t weights;
    uint32_t count;
    double kld;  // of one tensor at a relative squared error of 0.2; 0: stays F32
};

constexpr Role kRoles[] = {
    {"ffn_gate_exps", 2048ull * 512 * 256, 40, .00282},
    {"ffn_up_exps", 2048ull * 512 * 256, 40, .00293},
    {"ffn_down_exps", 512ull * 2048 * 256, 40, .00328},
    {"token_embd", 2048ull * 248320, 1, .0309},
    {"output", 2048ull * 248320, 1, .1349},
    {"attn_qkv", 2048ull * 8192, 30, .00372},
    {"attn_gate", 2048ull * 4096, 30, .00286},
    {"ssm_out", 4096ull * 2048, 30, .00377},
    {"ssm_alpha", 2048ull * 32, 30, .00105},
    {"ssm_beta", 2048ull * 32, 30, .00118},
    {"ssm_conv1d", 4ull * 8192, 30, 0},
    {"ssm_norm", 128, 30, 0},
    {"ssm_a", 32, 30, 0},
    {"ssm_dt", 32, 30, 0},
    {"attn_q", 2048ull * 8192, 10, .00344},
    {"attn_output", 4096ull * 2048, 10, .00459},
    {"attn_k", 2048ull * 512, 10, .00184},
    {"attn_v", 2048ull * 512, 10, .00276},
    {"attn_q_norm", 256, 10, 0},
    {"attn_k_norm", 256, 10, 0},
    {"ffn_gate_shexp", 2048ull * 512, 40, .00087},
    {"ffn_up_shexp", 2048ull * 512, 40, .00087},
    {"ffn_down_shexp", 512ull * 2048, 40, .00087},
    {"ffn_gate_inp", 2048ull * 256, 40, 0},
    {"ffn_gate_inp_shexp", 2048, 40, 0},
    {"attn_norm", 2048, 40, 0},
    {"post_attention_norm", 2048, 40, 0},
    {"output_norm", 2048, 1, 0},
};

// exp(sigma * N(0, 1)) [Box & Muller 1958], as the standard's distributions differ by library.
class Lognormal {
  public:
    explicit Lognormal(uint64_t seed) : engine_(seed) {}

    double operator()(double sigma) {
        const double radius = std::sqrt(-2 * std::log(uniform()));
        return std::exp(sigma * radius * std::cos(2 * std::numbers::pi * uniform()));
    }

  private:
    double uniform() { return (static_cast<double>(engine_() >> 11) + 0.5) * 0x1p-53; }

    std::mt19937_64 engine_;
};

PlanItem item_of(const Role& role, uint32_t index, const std::vector<double>& domain_factor,
                 Lognormal& random) {
    PlanItem item{.name = std::string(role.name) + "." + std::to_string(index)};
    if (role.kld == 0) {
        item.options.push_back({"F32", role.weights * 4, std::vector(domain_factor.size(), 0.0)});
        return item;
    }
    const double sensitivity = role.kld / 0.2 * random(0.5);
    for (const Type& type : kTypes) {
        const double cost = sensitivity * type.error * random(0.07);
        PlanOption option{type.name, role.weights / type.block_weights * type.block_bytes};
        for (const double factor : domain_factor) option.cost.push_back(cost * factor);
        item.options.push_back(std::move(option));
    }
    return item;
}

}  // namespace

std::vector<PlanItem> large_model(uint64_t seed, size_t domains) {
    Lognormal random(seed);
    std::vector<PlanItem> items;
    for (const Role& role : kRoles) {
        std::vector<double> factor(domains, 1.0);
        for (size_t d = 1; d < domains; ++d) factor[d] = random(0.7);
        for (uint32_t i = 0; i < role.count; ++i) items.push_back(item_of(role, i, factor, random));
    }
    return items;
}

std::vector<PlanItem> on_two_devices(const std::vector<PlanItem>& items) {
    constexpr double kGpuBytesPerSecond = 8e11, kCpuBytesPerSecond = 6e10;
    std::vector<PlanItem> placed;
    for (const PlanItem& item : items) {
        const double active = item.name.find("_exps") == std::string::npos ? 1.0 : 8.0 / 256;
        PlanItem both{.name = item.name};
        for (const PlanOption& option : item.options) {
            const auto bytes = static_cast<double>(option.bytes);
            PlanOption gpu = option, cpu = option;
            gpu.type += " gpu", cpu.type += " cpu";
            gpu.use = {bytes, 0, bytes * active / kGpuBytesPerSecond};
            cpu.use = {0, bytes, bytes * active / kCpuBytesPerSecond};
            both.options.push_back(std::move(gpu));
            both.options.push_back(std::move(cpu));
        }
        placed.push_back(std::move(both));
    }
    return placed;
}

}  // namespace bitgauge
