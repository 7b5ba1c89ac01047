#include "cli/placement_words.h"

#include <fmt/format.h>

namespace bitgauge {
namespace {

// Without the head.
uint32_t layers_on_cards(const ModelParts& parts, const Placement& placement) {
    return placement.gpu_layers - 1 - parts.skipped_layers;
}

}  // namespace

std::string cards_word(const Machine& machine) {
    if (machine.unified) return "in unified memory";
    return machine.cards.size() > 1 ? "on the cards" : "on the card";
}

std::string placement_words(const Machine& machine, const ModelParts& parts,
                            const Placement& placement) {
    const size_t layers = parts.layers.size();
    switch (placement.fit) {
        case Fit::kOnCards:
            return "all " + cards_word(machine);
        case Fit::kExpertsInRam:
            return fmt::format("experts of {} of {} layers in RAM", placement.cpu_expert_layers,
                               layers);
        case Fit::kLayersInRam:
            return fmt::format("{} of {} layers {}{}", layers_on_cards(parts, placement), layers,
                               cards_word(machine),
                               placement.cpu_expert_layers > 0 ? ", all experts in RAM" : "");
        case Fit::kInRam:
            return "all in RAM";
        case Fit::kNowhere:
            break;
    }
    return "no";
}

std::string placement_options(const ModelParts& parts, const Placement& placement) {
    const bool all = placement.gpu_layers > parts.layers.size() + parts.skipped_layers;
    std::string options = all ? " -ngl 999" : fmt::format(" -ngl {}", placement.gpu_layers);
    if (placement.cpu_expert_layers > 0) {
        options += fmt::format(" --n-cpu-moe {}", placement.cpu_expert_layers);
    }
    if (placement.gpu_layers > 0 && placement.split.size() > 1) {
        options += fmt::format(" -ts {}", fmt::join(placement.split, ","));
    }
    return options;
}

}  // namespace bitgauge
