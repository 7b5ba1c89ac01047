#include "bitgauge/placement.h"

#include <algorithm>
#include <cmath>

namespace bitgauge {
namespace {

constexpr uint64_t kStep = 256;  // tokens; libllama rounds contexts up to it
constexpr int kHalvings = 30;

// How many layers' worth of what is where.
struct Choice {
    uint32_t gpu_layers = 0;  // with the head
    uint32_t cpu_expert_layers = 0;
};

// A run of work that goes onto one card as a whole: a layer, or the head.
struct Unit {
    uint64_t weights = 0;
    uint64_t kept = 0;
    uint64_t read_per_token = 0;
};

class Placing {
  public:
    Placing(const ModelParts& parts, const ContextMemory& context, const Machine& machine)
        : parts_(parts), context_(context), machine_(machine) {
        for (const LayerParts& layer : parts.layers) {
            all_per_token_ += layer.kept_per_token;
            all_per_sequence_ += layer.kept_per_sequence;
        }
    }

    Placement first_that_fits() const {
        for (const Choice& choice : choices()) {
            if (auto fits = attempt(choice)) return *fits;
        }
        return {.missing_bytes = missing()};
    }

    // In unified memory everything lies in the same place, however it is asked for.
    Placement as(const Choice& asked) const {
        const Choice wanted{std::min(asked.gpu_layers, all_units()),
                            std::min(asked.cpu_expert_layers, layers())};
        Choice choice = wanted;
        if (machine_.cards.empty()) choice = {};
        if (machine_.unified) choice = {all_units(), 0};
        Placement placement =
            attempt(choice).value_or(Placement{.missing_bytes = missing_of(choice)});
        placement.gpu_layers = wanted.gpu_layers;
        placement.cpu_expert_layers = wanted.cpu_expert_layers;
        return placement;
    }

  private:
    uint32_t layers() const { return static_cast<uint32_t>(parts_.layers.size()); }
    // Of -ngl: with the head.
    uint32_t all_units() const { return layers() + parts_.skipped_layers + 1; }

    // From the fastest on.
    std::vector<Choice> choices() const {
        std::vector<Choice> list;
        const bool experts = parts_.has_experts();
        const bool beside = machine_.ram && !machine_.unified;
        if (!machine_.cards.empty()) list.push_back({all_units(), 0});
        if (!machine_.cards.empty() && beside) {
            for (uint32_t n = 1; experts && n <= layers(); ++n) list.push_back({all_units(), n});
            for (uint32_t n = all_units() - 1; n > parts_.skipped_layers; --n) {
                list.push_back({n, experts ? layers() : 0});
            }
        }
        if (beside) list.push_back({0, 0});
        return list;
    }

    bool on_cards(size_t layer, const Choice& choice) const {
        return layer + choice.gpu_layers >= all_units();
    }

    // What a layer keeps: its share of what libllama says all layers keep.
    uint64_t kept(const LayerParts& layer) const {
        const auto share = [&](uint64_t all, uint64_t part, uint64_t of) {
            const double even = 1.0 / static_cast<double>(parts_.layers.size());
            const double is = of > 0 ? static_cast<double>(part) / static_cast<double>(of) : even;
            return static_cast<uint64_t>(std::llround(static_cast<double>(all) * is));
        };
        return share(context_.keys_values, layer.kept_per_token, all_per_token_) +
               share(context_.recurrent, layer.kept_per_sequence, all_per_sequence_);
    }

    // Matrices in RAM are copied to a card where many tokens are read at once, two at a time; at
    // the logits they are gone.
    uint64_t card_compute(const Choice& choice) const {
        const bool some_in_ram = choice.cpu_expert_layers > 0 || choice.gpu_layers < all_units();
        if (!some_in_ram) return context_.compute;
        return std::max(context_.compute, context_.layers_compute + 2 * parts_.largest_matrix);
    }

    std::vector<Unit> units_on_cards(const Choice& choice) const {
        std::vector<Unit> units;
        for (size_t i = 0; i < parts_.layers.size(); ++i) {
            const LayerParts& layer = parts_.layers[i];
            if (!on_cards(i, choice)) continue;
            PartBytes here = layer.shared;
            if (i >= choice.cpu_expert_layers) here += layer.experts;
            units.push_back({here.weights, kept(layer), here.read_per_token});
        }
        const uint32_t after = choice.gpu_layers > 0 ? choice.gpu_layers - 1 : 0;
        units.resize(units.size() + std::min(parts_.skipped_layers, after));
        if (choice.gpu_layers > 0) {
            units.push_back({parts_.output.weights, 0, parts_.output.read_per_token});
        }
        return units;
    }

    MemoryUse in_ram(const Choice& choice) const {
        MemoryUse ram{.weights = parts_.embedding.weights,
                      .compute = context_.output,
                      .read_per_token = parts_.embedding.read_per_token};
        bool computes = choice.gpu_layers == 0;
        const auto add = [&ram](const PartBytes& part) {
            ram.weights += part.weights;
            ram.read_per_token += part.read_per_token;
        };
        for (size_t i = 0; i < parts_.layers.size(); ++i) {
            const LayerParts& layer = parts_.layers[i];
            const bool whole = !on_cards(i, choice);
            if (whole) add(layer.shared);
            if (whole) ram.kept += kept(layer);
            if (whole || i < choice.cpu_expert_layers) add(layer.experts);
            computes = computes || whole || i < choice.cpu_expert_layers;
        }
        if (choice.gpu_layers == 0) {
            add(parts_.output);
            ram.weights -= parts_.tied_bytes;
        }
        if (computes) ram.compute += context_.compute;
        return ram;
    }

    // Units in order onto the cards, each filled up to `share` of what it may have; nothing where
    // they do not all go.
    std::optional<std::vector<uint32_t>> distribute(const std::vector<Unit>& units,
                                                    uint64_t compute, double share) const {
        std::vector<uint32_t> counts(machine_.cards.size(), 0);
        size_t next = 0;
        for (size_t card = 0; card < counts.size() && next < units.size(); ++card) {
            const double room = share * static_cast<double>(room_of_card(card));
            auto used = static_cast<double>(compute);
            while (next < units.size()) {
                used += static_cast<double>(units[next].weights + units[next].kept);
                if (used > room) break;
                ++counts[card];
                ++next;
            }
        }
        if (next < units.size()) return std::nullopt;
        return counts;
    }

    // In unified memory the embedding and the logits lie there as well.
    uint64_t room_of_card(size_t card) const {
        const uint64_t usable = machine_.cards[card].usable_bytes();
        if (!machine_.unified) return usable;
        const uint64_t beside = parts_.embedding.weights + context_.output;
        return usable - std::min(usable, beside);
    }

    // Several cards are filled to the same share.
    std::optional<std::vector<uint32_t>> balanced(const std::vector<Unit>& units,
                                                  uint64_t compute) const {
        auto best = distribute(units, compute, 1);
        if (!best || machine_.cards.size() == 1) return best;
        double low = 0, high = 1;
        for (int i = 0; i < kHalvings; ++i) {
            const double middle = (low + high) / 2;
            auto counts = distribute(units, compute, middle);
            (counts ? high : low) = middle;
            if (counts) best = std::move(counts);
        }
        return best;
    }

    std::optional<Placement> attempt(const Choice& choice) const {
        const MemoryUse ram = in_ram(choice);
        if (machine_.ram && ram.total() > machine_.ram->usable_bytes()) return std::nullopt;
        const std::vector<Unit> units = units_on_cards(choice);
        const uint64_t compute = card_compute(choice);
        const auto counts = balanced(units, compute);
        if (!counts) return std::nullopt;
        Placement placement{.fit = fit_of(choice),
                            .gpu_layers = choice.gpu_layers,
                            .cpu_expert_layers = choice.cpu_expert_layers,
                            .ram = ram};
        if (counts->size() > 1) placement.split = *counts;
        auto next = units.begin();
        for (const uint32_t count : *counts) {
            placement.cards.push_back(use_of(next, next + count, compute));
            next += count;
        }
        add_speed(placement);
        return placement;
    }

    static MemoryUse use_of(std::vector<Unit>::const_iterator first,
                            std::vector<Unit>::const_iterator last, uint64_t compute) {
        MemoryUse use;
        for (auto unit = first; unit != last; ++unit) {
            use.weights += unit->weights;
            use.kept += unit->kept;
            use.read_per_token += unit->read_per_token;
        }
        if (first != last) use.compute = compute;
        return use;
    }

    Fit fit_of(const Choice& choice) const {
        if (choice.gpu_layers == 0) return Fit::kInRam;
        if (choice.gpu_layers < all_units()) return Fit::kLayersInRam;
        return choice.cpu_expert_layers > 0 ? Fit::kExpertsInRam : Fit::kOnCards;
    }

    const Memory* memory_of_ram() const {
        if (machine_.ram) return &*machine_.ram;
        return machine_.unified ? &machine_.cards.front() : nullptr;
    }

    // Seconds for one token.
    std::optional<double> seconds(const Placement& placement, bool at_end) const {
        double sum = 0;
        const auto add = [&sum, at_end](const MemoryUse& use, const Memory& memory) {
            const uint64_t bytes = use.read_per_token + (at_end ? use.kept : 0);
            if (bytes > 0 && memory.bytes_per_second <= 0) return false;
            if (bytes > 0) sum += static_cast<double>(bytes) / memory.bytes_per_second;
            return true;
        };
        for (size_t i = 0; i < placement.cards.size(); ++i) {
            if (!add(placement.cards[i], machine_.cards[i])) return std::nullopt;
        }
        // one row of the embedding does not count where nothing else is there
        const Memory* ram = memory_of_ram();
        const bool used = placement.fit != Fit::kOnCards;
        if (used && (ram == nullptr || !add(placement.ram, *ram))) return std::nullopt;
        return sum > 0 ? std::optional(sum) : std::nullopt;
    }

    void add_speed(Placement& placement) const {
        if (const auto time = seconds(placement, false)) {
            placement.most_tokens_per_second = 1 / *time;
        }
        if (const auto time = seconds(placement, true)) {
            placement.most_tokens_per_second_at_end = 1 / *time;
        }
    }

    // What a choice needs beyond the memories it needs it in.
    uint64_t missing_of(const Choice& choice) const {
        uint64_t room = 0, missing = 0;
        for (size_t i = 0; i < machine_.cards.size(); ++i) room += room_of_card(i);
        uint64_t needed = card_compute(choice);
        for (const Unit& unit : units_on_cards(choice)) needed += unit.weights + unit.kept;
        if (choice.gpu_layers > 0 && needed > room) missing += needed - room;
        const uint64_t ram = in_ram(choice).total();
        const uint64_t usable = machine_.ram ? machine_.ram->usable_bytes() : ram;
        missing += ram - std::min(ram, usable);
        return std::max<uint64_t>(missing, 1);
    }

    // What the whole needs beyond the memories there are, taken together.
    uint64_t missing() const {
        uint64_t there = 0;
        for (size_t i = 0; i < machine_.cards.size(); ++i) there += room_of_card(i);
        const bool ram = machine_.ram && !machine_.unified;
        if (ram) there += machine_.ram->usable_bytes();
        const uint64_t embedding = ram ? parts_.embedding.weights : 0;
        uint64_t needed = parts_.weights() - parts_.embedding.weights + embedding +
                          context_.kept() + context_.compute;
        if (!machine_.cards.empty()) needed += parts_.tied_bytes;
        return needed > there ? needed - there : 1;
    }

    const ModelParts& parts_;
    const ContextMemory& context_;
    const Machine& machine_;
    uint64_t all_per_token_ = 0;
    uint64_t all_per_sequence_ = 0;
};

}  // namespace

uint64_t Memory::usable_bytes() const {
    constexpr uint64_t kMostKept = uint64_t{1} << 30;
    constexpr uint64_t kShare = 20;
    const uint64_t free = bytes - std::min(bytes, never_free_bytes);
    return free - std::min(free / kShare, kMostKept);
}

uint64_t never_free_on_a_card(uint64_t bytes) {
    return static_cast<uint64_t>(static_cast<double>(bytes) * kNeverFreeOnACard);
}

Placement place(const ModelParts& parts, const ContextMemory& context, const Machine& machine) {
    return Placing(parts, context, machine).first_that_fits();
}

Placement place_as(const ModelParts& parts, const ContextMemory& context, const Machine& machine,
                   uint32_t gpu_layers, uint32_t cpu_expert_layers) {
    return Placing(parts, context, machine).as({gpu_layers, cpu_expert_layers});
}

uint64_t largest_context(const ModelParts& parts, const ContextCurve& curve, const Machine& machine,
                         Fit worst, uint64_t most) {
    const auto fits = [&](uint64_t steps) {
        const uint64_t tokens = std::min(steps * kStep, most);
        return place(parts, curve.at(tokens), machine).fit <= worst;
    };
    uint64_t low = 0, high = (most + kStep - 1) / kStep;
    while (low < high) {
        const uint64_t middle = (low + high + 1) / 2;
        if (fits(middle)) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return std::min(low * kStep, most);
}

}  // namespace bitgauge
