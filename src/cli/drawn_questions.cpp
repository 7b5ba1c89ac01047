#include "cli/drawn_questions.h"

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/units.h"

namespace bitgauge {
namespace {

void say_skipped(const QuestionSet& set, Progress& progress) {
    if (set.skipped.empty()) return;
    const SkippedQuestion& first = set.skipped.front();
    progress.warn(fmt::format("{} of '{}' left out, the first '{}': {}",
                              counted(set.skipped.size(), "question"), set.name, first.id,
                              first.reason));
    for (const SkippedQuestion& question : set.skipped) {
        progress.detail(fmt::format("left out: '{}': {}", question.id, question.reason));
    }
}

QuestionMix mix_of_files(const DrawArguments& a, const std::vector<QuestionSet>& sets) {
    QuestionMix mix = {.name = name_of(a), .seed = a.seed};
    for (const QuestionSet& set : sets) mix.parts.push_back({.set = set.name, .count = a.count});
    return mix;
}

std::vector<QuestionSet> read_files(const std::vector<std::filesystem::path>& files) {
    std::vector<QuestionSet> sets;
    sets.reserve(files.size());
    for (const auto& file : files) sets.push_back(read_questions(file));
    return sets;
}

void require_some(const DrawArguments& a) {
    if (!a.questions.empty() && !a.mix.empty()) {
        throw Error(ErrorKind::kInput, "both a mix and files of questions were named",
                    "give --mix with --sets, or --questions");
    }
    if (!a.questions.empty()) return;
    if (!a.mix.empty() && !a.folder.empty()) return;
    throw Error(
        ErrorKind::kInput,
        a.mix.empty() ? "no questions were named" : "no folder with the mix's sets was named",
        fmt::format("--questions FILE, or --mix {} --sets DIR",
                    a.mix.empty() ? "published-750" : a.mix));
}

}  // namespace

std::string name_of(const DrawArguments& a) {
    if (!a.mix.empty()) return read_mix(a.mix).name;
    std::vector<std::string> names;
    for (const auto& file : a.questions) names.push_back(file.filename().string());
    return fmt::format("{}", fmt::join(names, ", "));
}

DrawnQuestions draw(const DrawArguments& a, Progress& progress) {
    require_some(a);
    QuestionMix mix;
    std::vector<QuestionSet> sets;
    if (a.mix.empty()) {
        sets = read_files(a.questions);
        mix = mix_of_files(a, sets);
    } else {
        mix = read_mix(a.mix);
        sets = read_mix_sets(a.folder, mix);
    }
    mix.shots = a.shots;
    for (const QuestionSet& set : sets) say_skipped(set, progress);
    DrawnQuestions drawn = draw_questions(sets, mix);
    for (const std::string& shortfall : drawn.shortfalls) progress.warn(shortfall);
    return drawn;
}

void add_draw_options(CLI::App& command, DrawArguments& a) {
    const auto presets = mix_presets();
    command
        .add_option("--mix", a.mix,
                    fmt::format("How many questions of which sets: {}, or a JSON file",
                                fmt::join(presets, ", ")))
        ->type_name("NAME")
        ->group("Questions");
    command.add_option("--sets", a.folder, "Folder with the files of the mix's sets")
        ->type_name("DIR")
        ->group("Questions");
    command
        .add_option("--questions", a.questions,
                    "A file of questions (docs/formats/questions.md); may be repeated")
        ->type_name("FILE")
        ->group("Questions");
    command.add_option("--count", a.count, "With --questions: so many of each file (0: all)")
        ->type_name("N")
        ->capture_default_str()
        ->group("Questions");
    command.add_option("--draw-seed", a.seed, "With --count: which ones")
        ->type_name("N")
        ->capture_default_str()
        ->group("Questions");
    command
        .add_option("--shots", a.shots,
                    "So many answered examples of its category before each question, but for code")
        ->type_name("N")
        ->check(CLI::Range(0, 100))
        ->capture_default_str()
        ->group("Questions");
}

}  // namespace bitgauge
