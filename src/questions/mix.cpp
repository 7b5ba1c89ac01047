#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/questions.h"

#include "base/files.h"
#include "base/json.h"
#include "base/nearest_name.h"
#include "base/units.h"

#include "questions/embedded_mixes.h"
#include "questions/row.h"
#include "questions/set_builder.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

void require_known_keys(const Json& object, std::initializer_list<std::string_view> known) {
    for (const auto& item : object.items()) {
        if (std::find(known.begin(), known.end(), item.key()) != known.end()) continue;
        throw BadQuestion{fmt::format("unknown key \"{}\"", item.key())};
    }
}

uint64_t count_of(const Json& object, const char* key) {
    if (!object.contains(key)) return 0;
    if (!object[key].is_number_unsigned()) {
        throw BadQuestion{
            fmt::format("\"{}\" is {}, not a whole number from 0", key, object[key].dump())};
    }
    return object[key].get<uint64_t>();
}

MixPart part_of(const Json& object) {
    if (!object.is_object()) throw BadQuestion{"an entry of \"sets\" is no object"};
    require_known_keys(object, {"set", "count", "optional"});
    MixPart part{text_of(object, "set"), count_of(object, "count"), false};
    if (object.contains("optional")) {
        if (!object["optional"].is_boolean()) throw BadQuestion{"\"optional\" is no true or false"};
        part.optional = object["optional"].get<bool>();
    }
    return part;
}

void require_new(const QuestionMix& mix, const std::string& set) {
    for (const MixPart& part : mix.parts) {
        if (part.set == set) throw BadQuestion{fmt::format("the set '{}' is there twice", set)};
    }
}

QuestionMix mix_of(const Json& object) {
    if (!object.is_object()) throw BadQuestion{"it is no object"};
    require_known_keys(object, {"name", "seed", "sets"});
    QuestionMix mix{text_of(object, "name"), count_of(object, "seed"), {}};
    for (const Json& each : field_of(object, "sets")) {
        MixPart part = part_of(each);
        require_new(mix, part.set);
        mix.parts.push_back(std::move(part));
    }
    if (mix.parts.empty()) throw BadQuestion{"\"sets\" is empty"};
    return mix;
}

QuestionMix parse_mix(std::string_view text, const std::string& origin) {
    std::string why;
    try {
        return mix_of(parsed_json(text));
    } catch (const BadQuestion& bad) {
        why = bad.reason;
    }
    throw Error(ErrorKind::kInput, fmt::format("'{}' is no mix of questions: {}", origin, why),
                "docs/formats/questions.md has an example");
}

[[noreturn]] void fail_unknown(const std::string& name) {
    const std::vector<std::string> known = mix_presets();
    const std::string nearest = suggest(name, known);
    throw Error(
        ErrorKind::kInput,
        fmt::format("'{}' is neither a mix of questions ({}) nor a file", name, some_of(known)),
        nearest.empty() ? "" : fmt::format("did you mean '{}'?", nearest));
}

}  // namespace

std::vector<std::string> mix_presets() {
    std::vector<std::string> names;
    for (const EmbeddedMix& mix : embedded_mixes()) names.emplace_back(mix.name);
    return names;
}

QuestionMix read_mix(const std::string& preset_or_file) {
    for (const EmbeddedMix& mix : embedded_mixes()) {
        if (mix.name == preset_or_file) return parse_mix(mix.content, preset_or_file);
    }
    std::error_code unknown;
    if (!fs::exists(preset_or_file, unknown)) fail_unknown(preset_or_file);
    return parse_mix(read_text_file(preset_or_file), preset_or_file);
}

std::vector<QuestionSet> read_mix_sets(const fs::path& folder, const QuestionMix& mix) {
    std::vector<QuestionSet> sets;
    for (const MixPart& part : mix.parts) {
        const std::optional<fs::path> file = find_questions(folder, part.set);
        if (file) sets.push_back(read_questions(*file, part.set));
    }
    return sets;
}

}  // namespace bitgauge
