#include "cli/chat_placement.h"

#include <algorithm>
#include <limits>
#include <set>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/load_memory.h"

#include "base/bisection.h"
#include "base/files.h"
#include "base/units.h"
#include "cli/placement_words.h"

namespace bitgauge {
namespace {

constexpr uint64_t kLeastOnCards = 4096;  // llama.cpp's --fit-ctx

uint64_t bytes_on_cards(const Placement& placement) {
    uint64_t sum = 0;
    for (const MemoryUse& use : placement.cards) sum += use.total();
    return sum;
}

// Of all cards.
uint64_t room_on_cards(const Machine& machine) {
    uint64_t sum = 0;
    for (const Memory& card : machine.cards) sum += card.usable_bytes();
    return sum;
}

std::string cards_text(const Machine& machine) {
    return machine.cards.size() == 1 ? machine.cards.front().name
                                     : counted(machine.cards.size(), "card");
}

Machine with_endless_ram(Machine machine) {
    constexpr uint64_t kEndless = uint64_t{1} << 60;
    if (!machine.unified) machine.ram = Memory{.name = "main memory", .bytes = kEndless};
    return machine;
}

class ChatPlacing {
  public:
    ChatPlacing(const ModelParts& parts, const ContextCurve& curve, uint64_t trained,
                const Machine& machine, const ChatWish& wish)
        : parts_(parts), curve_(curve), trained_(trained), machine_(machine), wish_(wish) {}

    ChatPlacement choose() const {
        if (wish_.tokens) return asked();
        const uint64_t wanted = usual_context(trained_);
        const Fit fit = at(wanted).fit;
        if (fit == Fit::kOnCards) return chosen(wanted, training_text(trained_));
        if (const auto n = most(Fit::kOnCards, wanted); n >= std::min(wanted, kLeastOnCards)) {
            return chosen(n, fewer_text("with more not all would be " + cards_word(machine_)));
        }
        if (fit != Fit::kNowhere) return chosen(wanted, training_text(trained_));
        const uint64_t n = std::max(most(Fit::kInRam, wanted), std::min(wanted, kLeastChatTokens));
        return chosen(n, fewer_text("memory holds no more"));
    }

  private:
    Placement at(uint64_t tokens) const { return on(machine_, tokens); }

    Placement on(const Machine& machine, uint64_t tokens) const {
        const ContextMemory context = curve_.at(tokens);
        if (!wish_.gpu_layers && !wish_.cpu_expert_layers) return place(parts_, context, machine);
        constexpr uint32_t kAll = std::numeric_limits<uint32_t>::max();
        return place_as(parts_, context, machine, wish_.gpu_layers.value_or(kAll),
                        wish_.cpu_expert_layers.value_or(0));
    }

    // A multiple of the step, or `wanted`; 0 where nothing fits so well.
    uint64_t most(Fit worst, uint64_t wanted) const {
        if (at(wanted).fit <= worst) return wanted;
        const auto fits = [&](uint64_t n) { return at(n * kContextStep).fit <= worst; };
        return (first_beyond(1, wanted / kContextStep + 1, fits) - 1) * kContextStep;
    }

    std::string fewer_text(const std::string& reason) const {
        return fmt::format("{}, {}", training_text(trained_), reason);
    }

    ChatPlacement asked() const {
        ChatContext context = asked_context(wish_, trained_);
        const MemoryRoom room = all_room();
        const uint64_t kept = curve_.at(context.tokens).kept();
        if (kept > room.bytes) refuse_context(context.tokens, kept, room);
        return placed(std::move(context));
    }

    ChatPlacement chosen(uint64_t tokens, std::string why) const {
        return placed({static_cast<uint32_t>(tokens), std::move(why), ""});
    }

    ChatPlacement placed(ChatContext context) const {
        Placement placement = at(context.tokens);
        if (placement.fit == Fit::kNowhere) {
            if (context.warning.empty()) context.warning = shortage(placement, context.tokens);
            placement = on(with_endless_ram(machine_), context.tokens);
        }
        std::string where = where_text(placement);
        return {std::move(context), std::move(placement), std::move(where)};
    }

    std::string shortage(const Placement& placement, uint64_t tokens) const {
        return fmt::format(
            "{} more memory is needed with a context of {} tokens than there is: "
            "loading may fail, reading will be slow",
            format_bytes(placement.missing_bytes), format_count(tokens));
    }

    std::string where_text(const Placement& placement) const {
        if (placement.fit == Fit::kNowhere) return "as asked for";
        std::string words = placement_words(machine_, parts_, placement);
        if (placement.fit == Fit::kInRam) return words;
        return fmt::format("{}: {} of {} on {} are taken", words,
                           format_bytes(bytes_on_cards(placement)),
                           format_bytes(room_on_cards(machine_)), cards_text(machine_));
    }

    MemoryRoom all_room() const {
        const uint64_t ram = machine_.ram ? machine_.ram->usable_bytes() : 0;
        return {room_on_cards(machine_) + ram, "the machine"};
    }

    const ModelParts& parts_;
    const ContextCurve& curve_;
    uint64_t trained_;
    const Machine& machine_;
    const ChatWish& wish_;
};

// Contexts that may be chosen, and some between them.
std::vector<uint32_t> contexts_to_look_at(uint64_t trained, const ChatWish& wish) {
    const uint64_t largest =
        wish.tokens ? asked_context(wish, trained).tokens : usual_context(trained);
    std::set<uint32_t> contexts;
    for (const uint64_t tokens : {kLeastChatTokens, kLeastOnCards, largest}) {
        contexts.insert(static_cast<uint32_t>(std::min(tokens, largest)));
    }
    return {contexts.begin(), contexts.end()};
}

}  // namespace

ChatPlacement place_chat(const ModelParts& parts, const ContextCurve& curve, uint64_t trained,
                         const Machine& machine, const ChatWish& wish) {
    return ChatPlacing(parts, curve, trained, machine, wish).choose();
}

ChatPlacement place_chat(const std::filesystem::path& path, const GgufFile& model,
                         const Machine& machine, const ChatWish& wish, const Isolation& isolation,
                         Progress& progress) {
    const TemporaryFolder folder;
    const uint64_t trained = trained_tokens(model);
    const LoadShape shape{.contexts = contexts_to_look_at(trained, wish),
                          .key_type = wish.key_type,
                          .value_type = wish.value_type,
                          .whole_windows = true};
    const ContextCurve curve(
        simulate_loading(path, shape, isolation, folder.path() / "job", progress));
    return place_chat(model_parts(model), curve, trained, machine, wish);
}

}  // namespace bitgauge
