#include "cli/plan_report.h"

#include <map>
#include <vector>

#include <fmt/format.h>

#include "base/units.h"

namespace bitgauge {
namespace {

std::string nats_text(const Estimate& nats) {
    if (!nats.has_interval()) return fmt::format("{:.5f} nats", nats.value);
    return fmt::format("{:.5f} nats ({:.5f} to {:.5f})", nats.value, nats.low, nats.high);
}

// Two digits: more would claim what nobody has measured.
std::string guessed_nats_text(const Estimate& nats) {
    return fmt::format("about {:.2g} nats, from another model: no promise", nats.value);
}

Json nats_json(const Estimate& nats) {
    return {{"value", nats.value}, {"low", nats.low}, {"high", nats.high}};
}

std::string dearest_text(const MixPlan& plan) {
    std::string text = "dearest tensors (share of the predicted divergence)\n";
    for (const MixPlan::Share& share : plan.dearest) {
        text += fmt::format("  {:<36} {:<8} {:5.1f} %\n", share.tensor, share.type,
                            100 * share.nats / plan.disturbance);
    }
    return text;
}

std::string next_text(const MixPlan& plan) {
    if (plan.next.empty()) return "";
    std::string text = "the next bytes would buy\n";
    for (const MixPlan::Upgrade& u : plan.next) {
        text += fmt::format("  {:<36} {} -> {}: {} for {:.2g} nats\n", u.tensor, u.from, u.to,
                            format_bytes(u.bytes), u.nats);
    }
    return text;
}

}  // namespace

std::string roles_text(const Resolution& resolution) {
    std::map<std::string, std::map<std::string, int>> roles;
    for (const ResolvedTensor& tensor : resolution.tensors) {
        if (!tensor.kept || tensor.forced) ++roles[tensor.role][tensor.type];
    }
    std::string text;
    for (const auto& [role, types] : roles) {
        text += fmt::format("  {:<20}", role);
        const char* before = " ";
        for (const auto& [type, count] : types) {
            text += fmt::format("{}{} x{}", before, type, count);
            before = ", ";
        }
        text += "\n";
    }
    return text;
}

std::string guess_text(const std::vector<std::string>& guess) {
    std::string text;
    for (const std::string& line : guess) {
        text += fmt::format("{:<12}{}\n", text.empty() ? "a guess:" : "", line);
    }
    return text;
}

std::string plan_text(const PlanReport& report) {
    const auto& [plan, resolution, rival, guess, prior, fit, decode, speed] = report;
    const auto nats = [is_guess = !guess.empty()](const Estimate& estimate) {
        return is_guess ? guessed_nats_text(estimate) : nats_text(estimate);
    };
    std::string text = guess_text(guess);
    text += fmt::format("size        {} ({} bytes, {:.3f} bits per weight)\n",
                        format_bytes(plan.file_bytes), format_count(plan.file_bytes),
                        bits_per_weight(resolution.tensor_bytes, resolution.weights).value());
    if (fit) text += memory_text(*fit, plan.file_bytes);
    text += fmt::format("predicted   {}\n", nats(plan.predicted_nats));
    if (rival) {
        text += fmt::format("against     {}, {}: {}\n", rival->name,
                            format_bytes(rival->file_bytes), nats(rival->predicted_nats));
    }
    text +=
        fmt::format("certificate no mix of this size is predicted better by more than {:.3f} %\n",
                    100 * plan.bound_gap);
    text += decode_text(decode);
    if (speed) text += speed_text(*speed);
    return text + "types\n" + roles_text(resolution) + dearest_text(plan) + next_text(plan);
}

Json plan_json(const PlanReport& report) {
    const auto& [plan, resolution, rival, guess, prior, fit, decode, speed] = report;
    Json json = {
        {"schema", "bitgauge.plan/1"},
        {"file_bytes", plan.file_bytes},
        {"bits_per_weight", bits_per_weight(resolution.tensor_bytes, resolution.weights).value()},
        {"predicted_kld_nats", nats_json(plan.predicted_nats)},
        {"disturbance_nats", plan.disturbance},
        {"bound_gap", plan.bound_gap},
        {"decode", decode_json(decode)},
        {"types", plan.mix}};
    if (fit) json["memory"] = memory_json(*fit);
    if (speed) json["speed"] = speed_json(*speed);
    if (!prior.empty()) json["guessed_from"] = prior;
    if (rival) {
        json["against"] = {{"recipe", rival->name},
                           {"file_bytes", rival->file_bytes},
                           {"predicted_kld_nats", nats_json(rival->predicted_nats)},
                           {"types", rival->mix}};
    }
    for (const MixPlan::Upgrade& u : plan.next) {
        json["next"].push_back({{"tensor", u.tensor},
                                {"from", u.from},
                                {"to", u.to},
                                {"bytes", u.bytes},
                                {"nats", u.nats}});
    }
    return json;
}

std::string curve_text(const std::vector<Mixer::Point>& curve) {
    std::string text = "size         predicted KLD\n";
    for (const Mixer::Point& point : curve) {
        text += fmt::format("{:<12} {:.6f}\n", format_bytes(point.file_bytes), point.nats);
    }
    return text;
}

Json curve_json(const std::vector<Mixer::Point>& curve) {
    Json json = Json::array();
    for (const Mixer::Point& point : curve) {
        json.push_back({{"file_bytes", point.file_bytes}, {"predicted_kld_nats", point.nats}});
    }
    return json;
}

}  // namespace bitgauge
