#include "cli/plan_report.h"

#include <map>

#include <fmt/format.h>

#include "base/units.h"

namespace bitgauge {
namespace {

std::string nats_text(const Estimate& nats) {
    if (!nats.has_interval()) return fmt::format("{:.5f} nats", nats.value);
    return fmt::format("{:.5f} nats ({:.5f} to {:.5f})", nats.value, nats.low, nats.high);
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

std::string plan_text(const MixPlan& plan, const Resolution& resolution) {
    return fmt::format(
        "size        {} ({} bytes, {:.3f} bits per weight)\n"
        "predicted   {}\n"
        "certificate no mix of this size is predicted better by more than {:.3f} %\n"
        "types\n{}{}{}",
        format_bytes(plan.file_bytes), format_count(plan.file_bytes),
        bits_per_weight(resolution.tensor_bytes, resolution.weights).value(),
        nats_text(plan.predicted_nats), 100 * plan.bound_gap, roles_text(resolution),
        dearest_text(plan), next_text(plan));
}

Json plan_json(const MixPlan& plan, const Resolution& resolution) {
    Json json = {
        {"schema", "bitgauge.plan/1"},
        {"file_bytes", plan.file_bytes},
        {"bits_per_weight", bits_per_weight(resolution.tensor_bytes, resolution.weights).value()},
        {"predicted_kld_nats",
         {{"value", plan.predicted_nats.value},
          {"low", plan.predicted_nats.low},
          {"high", plan.predicted_nats.high}}},
        {"disturbance_nats", plan.disturbance},
        {"bound_gap", plan.bound_gap},
        {"types", plan.mix}};
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
