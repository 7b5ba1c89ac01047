#include "sweep/rivals.h"

#include <algorithm>
#include <optional>

#include "bitgauge/error.h"

namespace bitgauge {
namespace {

constexpr size_t kMostRivals = 3;

struct Rival {
    NamedMix mix;
    double predicted = 0;
};

// nullopt: the preset does not fit the model, or has types the sweep knows no error of.
std::optional<Rival> rival_of(const ModelHeader& model, const Recipe& preset, const Mixer& mixer) {
    try {
        NamedMix mix = mix_of(resolve(model, preset, true));
        mix.name = preset.name;
        const double predicted = mixer.predict(mix.mix).value;
        return Rival{std::move(mix), predicted};
    } catch (const Error&) {
        return std::nullopt;
    }
}

}  // namespace

NamedMix mix_of(const Resolution& resolution) {
    NamedMix mix{.file_bytes = resolution.file_bytes};
    for (const ResolvedTensor& tensor : resolution.tensors) {
        if (tensor.type != tensor.original) mix.mix[tensor.name] = tensor.type;
    }
    return mix;
}

std::vector<NamedMix> rivals(const ModelHeader& model, const Mixer& mixer, uint64_t bytes) {
    std::vector<Rival> fitting;
    for (const Recipe& preset : presets()) {
        auto rival = rival_of(model, preset, mixer);
        if (rival && rival->mix.file_bytes <= bytes) fitting.push_back(std::move(*rival));
    }
    std::ranges::sort(fitting, {}, &Rival::predicted);
    std::vector<NamedMix> chosen;
    for (size_t i = 0; i < std::min(kMostRivals - 1, fitting.size()); ++i) {
        chosen.push_back(fitting[i].mix);
    }
    const auto largest = std::ranges::max_element(
        fitting, {}, [](const Rival& rival) { return rival.mix.file_bytes; });
    const auto is_chosen = [&](const NamedMix& mix) { return mix.name == largest->mix.name; };
    if (largest != fitting.end() && std::ranges::none_of(chosen, is_chosen)) {
        chosen.push_back(largest->mix);
    }
    return chosen;
}

}  // namespace bitgauge
