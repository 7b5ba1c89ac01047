#include "cli/dynamic_report.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "base/units.h"
#include "cli/plan_report.h"
#include "store/record_json.h"

namespace bitgauge {
namespace {

std::string interval_text(const Estimate& e) {
    if (!e.has_interval()) return fmt::format("{:.5f}", e.value);
    return fmt::format("{:.5f} ({:.5f} to {:.5f})", e.value, e.low, e.high);
}

std::string expected_text(const DynamicFile& file, bool guessed) {
    if (guessed) {
        return fmt::format("guessed   about {:.2g} nats, from another model: no promise",
                           file.promised.value);
    }
    return fmt::format("promised  {} nats{}", interval_text(file.promised),
                       file.kept_promise ? "" : "  NOT KEPT");
}

std::string file_text(const DynamicFile& file, bool guessed) {
    std::string text = fmt::format(
        "{}  {} bytes  {}\n"
        "  {}\n"
        "  measured  {} nats on held-out text\n",
        file.path.string(), format_count(file.record.model.size_bytes), file.recipe,
        expected_text(file, guessed), interval_text(file.record.kld_nats.mean));
    for (const PresetResult& preset : file.presets) {
        const Estimate& ratio = preset.plan_against_it.ratio;
        text += fmt::format("  {:<22} {:>14} bytes  {:.5f} nats  the plan has {}\n", preset.name,
                            format_count(preset.file_bytes), preset.record.kld_nats.mean.value,
                            ratio.has_interval() ? fmt::format("{:.2f} of it ({:.2f} to {:.2f})",
                                                               ratio.value, ratio.low, ratio.high)
                                                 : "n/a");
    }
    return text;
}

Json file_json(const DynamicFile& file, bool guessed) {
    Json json = {{"file", file.path.string()},
                 {"recipe", file.recipe},
                 {"file_bytes", file.record.model.size_bytes},
                 {"measured_kld_nats", to_json(file.record.kld_nats.mean)},
                 {"plans", file.plans},
                 {"bound_gap", file.plan.bound_gap},
                 {"presets", Json::array()}};
    if (guessed) {
        json["guessed_kld_nats"] = file.promised.value;
    } else {
        json["promised_kld_nats"] = to_json(file.promised);
        json["kept_promise"] = file.kept_promise;
    }
    for (const PresetResult& preset : file.presets) {
        json["presets"].push_back({{"name", preset.name},
                                   {"file_bytes", preset.file_bytes},
                                   {"kld_nats", to_json(preset.record.kld_nats.mean)},
                                   {"ratio_of_plan", to_json(preset.plan_against_it.ratio)}});
    }
    return json;
}

struct RoleSum {
    int tensors = 0;
    int measured = 0;
    uint64_t weights = 0;
    double nats = 0;  // of the measured ones, at their largest probe
    double error = 0;
};

std::map<std::string, RoleSum> by_role(const SweepTable& table) {
    std::map<std::string, RoleSum> roles;
    for (const TensorCost& tensor : table.tensors) {
        RoleSum& role = roles[tensor.role];
        ++role.tensors;
        role.weights += tensor.weights;
        if (tensor.probes.empty()) continue;
        ++role.measured;
        role.nats += tensor.probes.front().kld_nats.value;
        role.error += tensor.probes.front().error;
    }
    return roles;
}

}  // namespace

std::string dynamic_text(const DynamicOutcome& outcome) {
    std::string text = guess_text(outcome.guess);
    text += fmt::format(
        "held-out text: {:.2f} % of its runs of 13 words stand in what importance and sweep read\n",
        100 * outcome.overlap.share);
    for (const DynamicFile& file : outcome.files) text += file_text(file, !outcome.guess.empty());
    return text;
}

Json dynamic_json(const DynamicOutcome& outcome) {
    Json json = {{"schema", "bitgauge.dynamic/1"},
                 {"sweep", outcome.sweep.key},
                 {"overlap_share", outcome.overlap.share},
                 {"files", Json::array()}};
    if (!outcome.guess.empty()) json["guess"] = outcome.guess;
    for (const DynamicFile& file : outcome.files) {
        json["files"].push_back(file_json(file, !outcome.guess.empty()));
    }
    return json;
}

std::string sweep_text(const SweepOutcome& outcome) {
    const SweepTable& table = outcome.table;
    std::string text = fmt::format(
        "sweep      {} of {}\n"
        "text       {} scored positions in {} documents\n"
        "measured   {} tensors now, {} before\n\n"
        "role                  tensors measured        weights  nats per 1 % error and tensor\n",
        table.key.substr(0, 12), table.original.file, format_count(table.corpus.scored_tokens),
        format_count(table.corpus.documents), outcome.measured, outcome.reused);
    for (const auto& [name, role] : by_role(table)) {
        text += fmt::format("{:<20} {:>8} {:>8} {:>14}  {:.2g}\n", name, role.tensors,
                            role.measured, format_count(role.weights),
                            role.error > 0 ? 0.01 * role.nats / role.error : NAN);
    }
    if (!outcome.complete)
        text += "not complete: other shares of it are missing; merge and go on\n";
    return text;
}

Json sweep_json(const SweepOutcome& outcome) {
    Json json = to_json(outcome.table);
    json["complete"] = outcome.complete;
    json["tensors"] = Json::array();
    for (const TensorCost& tensor : outcome.table.tensors) {
        json["tensors"].push_back(to_json(tensor));
    }
    json["mixes"] = Json::array();
    for (const MeasuredMix& mix : outcome.table.mixes) json["mixes"].push_back(to_json(mix));
    return json;
}

}  // namespace bitgauge
