// The commands of a model card: how the files are run, and how its figures are had again.

#include <algorithm>
#include <cctype>
#include <set>

#include <fmt/format.h>

#include "report/card_parts.h"
#include "report/escape.h"

namespace bitgauge {
namespace {

// Every line is indented or begins with a program's name, so nothing in it can end the block.
std::string block(const std::vector<std::string>& lines) {
    return fmt::format("```sh\n{}\n```\n", fmt::join(lines, "\n"));
}

std::string arguments(const std::vector<std::string>& words, const char* option = "") {
    std::string text;
    for (const std::string& word : words)
        text += fmt::format(" {}{}", option, shell_argument(word));
    return text;
}

std::string base_name(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}

std::string without_extension(const std::string& file) {
    return file.substr(0, file.ends_with(".gguf") ? file.size() - 5 : file.size());
}

// --- running ------------------------------------------------------------------------------------

// What a reader most likely wants: the smallest of those that none is ahead of.
const CardFile& example_of(const CardView& view) {
    const CardFile* best = nullptr;
    for (const CardFile& file : view.files) {
        const LeaderboardRow* row = view.row_of(file);
        if (row == nullptr || row->rank != 1) continue;
        if (best == nullptr || file.model.size_bytes < best->model.size_bytes) best = &file;
    }
    return best == nullptr ? view.files.front() : *best;
}

// A tag names a file by the label in its name; "" where another file has the same.
std::string tag_of(const CardView& view, const CardFile& file) {
    const std::string& label = file.model.label;
    const auto with_label = std::ranges::count_if(
        view.files, [&](const CardFile& other) { return other.model.label == label; });
    const bool named = !label.empty() && base_name(file.path).find(label) != std::string::npos;
    return named && with_label == 1 ? label : "";
}

// How llama.cpp's programs are told which file.
std::string llama_model(const CardView& view, const CardFile& file) {
    const std::string& repository = view.options.repository;
    if (repository.empty()) return "-m " + shell_argument(file.path);
    const std::string tag = tag_of(view, file);
    if (!tag.empty()) return "-hf " + shell_argument(repository + ":" + tag);
    return fmt::format("-hf {} -hff {}", shell_argument(repository), shell_argument(file.path));
}

std::string own_model(const CardView& view, const CardFile& file) {
    const std::string tag = tag_of(view, file);
    if (view.options.repository.empty() || tag.empty()) return shell_argument(file.path);
    return shell_argument(view.options.repository + ":" + tag);
}

// --- repeating ----------------------------------------------------------------------------------

std::string baseline_name(const MeasureRecord& record) {
    return without_extension(record.baseline.original.file) + ".base";
}

std::string baseline_command(const MeasureRecord& record) {
    const std::string original = shell_argument(record.baseline.original.file);
    const std::string out = shell_argument(baseline_name(record));
    if (record.baseline.kind == "imported") {  // llama-perplexity's base file names no text
        return fmt::format("bitgauge baseline {} --import LOGITS.kld -o {}", original, out);
    }
    std::vector<std::string> texts;
    for (const auto& file : record.corpus.files) texts.push_back(file.name);
    const ProtocolIdentity& p = record.protocol;
    const std::string warmup =
        p.name == "documents" ? fmt::format(" --warmup {}", p.warmup_tokens) : "";
    const std::string precision = record.baseline.kind == "states"
                                      ? " --precision " + shell_argument(record.baseline.precision)
                                      : "";
    return fmt::format(
        "bitgauge baseline {}{} --protocol {} --window {}{} --max-windows {}{} --ubatch {} -o {}",
        original, arguments(texts, "-t "), shell_argument(p.name), p.window_tokens, warmup,
        record.corpus.windows, precision, p.tokens_per_ubatch, out);
}

std::vector<std::string> measured_paths(const CardView& view, const Leaderboard& board) {
    std::vector<std::string> paths;
    for (const CardFile& file : view.files) {
        const bool is_there = std::ranges::any_of(board.rows, [&](const LeaderboardRow& row) {
            return row.record.model.content_hash == file.model.content_hash;
        });
        if (is_there && !file.model.content_hash.empty()) paths.push_back(file.path);
    }
    return paths;
}

std::string measure_command(const CardView& view, const std::vector<std::string>& paths,
                            const std::string& baseline) {
    return fmt::format("bitgauge measure{} -b {} --store {}", arguments(paths),
                       shell_argument(baseline), shell_argument(view.options.store));
}

std::string settings_text(const TaskSettings& s) {
    std::string text =
        fmt::format(" --choices {} --answer-tokens {} --temperature {}",
                    s.by_likelihood ? "likelihood" : "written", s.answer_tokens, s.temperature);
    if (s.thinking) text += " --thinking";
    if (s.shots > 0) text += fmt::format(" --shots {}", s.shots);
    if (s.temperature <= 0) return text;
    return text + fmt::format(" --top-k {} --top-p {} --min-p {} --seed {}", s.top_k, s.top_p,
                              s.min_p, s.seed);
}

// A mix is named by a word, other questions by their files: "a.jsonl, b.jsonl".
std::string questions_of(const std::string& mix) {
    if (mix.find('.') == std::string::npos) return " --mix" + arguments({mix});
    std::string text;
    for (size_t begin = 0; begin < mix.size();) {
        const size_t end = std::min(mix.find(", ", begin), mix.size());
        text += " --questions" + arguments({mix.substr(begin, end - begin)});
        begin = end + 2;
    }
    return text;
}

std::string tasks_command(const CardView& view, const TaskReport& tasks) {
    std::vector<std::string> files;
    std::string original;
    for (const TaskRow& row : tasks.rows) {
        const bool is_first = tasks.has_original && &row == tasks.rows.data();
        (is_first ? original : files.emplace_back()) = row.record.model.file;
    }
    if (files.empty()) files.push_back(original), original.clear();
    const TaskRecord& first = tasks.rows.front().record;
    return fmt::format("bitgauge tasks{}{}{}{} --store {}", arguments(files),
                       original.empty() ? "" : " --against " + shell_argument(original),
                       questions_of(first.mix), settings_text(first.settings),
                       shell_argument(view.options.store));
}

bool are_alike(const DriftRecord& a, const DriftRecord& b) {
    return a.baseline_key == b.baseline_key && a.beginnings_key == b.beginnings_key &&
           a.tokens == b.tokens && a.parallel == b.parallel;
}

// Of `record` and all that were written from the same beginnings.
std::string drift_command(const CardView& view, const DriftRecord& record) {
    std::set<std::string> files;
    for (const DriftRecord& other : view.drifted) {
        if (are_alike(record, other)) files.insert(other.model.file);
    }
    return fmt::format(
        "bitgauge drift{} -b {} --original {} --prompts {} --prompt-tokens {} --tokens {} "
        "--parallel {} --store {}",
        arguments({files.begin(), files.end()}),
        shell_argument(without_extension(record.original.file) + ".base"),
        shell_argument(record.original.file), record.beginnings.same_tokens.size(),
        record.prompt_tokens, record.tokens, record.parallel, shell_argument(view.options.store));
}

// Of a file that says what it was made from: its own types once more.
std::string quantize_command(const CardFile& file) {
    const std::string importance = file.importance_file.empty()
                                       ? ""
                                       : " -i " + shell_argument(base_name(file.importance_file));
    return fmt::format("bitgauge quantize {} -r {}{} -o {}", shell_argument(file.original_file),
                       shell_argument(file.path), importance,
                       shell_argument("again-" + base_name(file.path)));
}

std::vector<std::string> commands_of(const CardView& view) {
    std::vector<std::string> lines;
    for (const Leaderboard& board : view.boards) {
        const MeasureRecord& record = board.rows.front().record;
        lines.push_back(baseline_command(record));
        lines.push_back(measure_command(view, measured_paths(view, board), baseline_name(record)));
    }
    for (const TaskReport& tasks : view.tasks) lines.push_back(tasks_command(view, tasks));
    for (auto drift = view.drifted.begin(); drift != view.drifted.end(); ++drift) {
        const auto is_alike = [&](const DriftRecord& other) { return are_alike(*drift, other); };
        if (std::none_of(view.drifted.begin(), drift, is_alike)) {
            lines.push_back(drift_command(view, *drift));
        }
    }
    return lines;
}

std::string missing_text(const CardView& view) {
    std::vector<std::string> paths;
    for (const CardFile* file : view.not_measured()) paths.push_back(file->path);
    if (paths.empty()) return "";
    const bool known = !view.boards.empty();
    const MeasureRecord* record = known ? &view.boards.front().rows.front().record : nullptr;
    std::vector<std::string> lines;
    if (!known) lines.emplace_back("bitgauge baseline ORIGINAL.gguf -t TEXT -o original.base");
    lines.push_back(measure_command(view, paths, known ? baseline_name(*record) : "original.base"));
    return "\nWhat is not measured yet would be by\n\n" + block(lines);
}

std::string making_text(const CardView& view) {
    std::vector<std::string> lines;
    for (const CardFile& file : view.files) {
        if (!file.original_file.empty()) lines.push_back(quantize_command(file));
    }
    if (lines.empty()) return "";
    return "\nFiles with the same types as these, by what their headers say they were made "
           "from:\n\n" +
           block(lines);
}

}  // namespace

std::string card_running(const CardView& view) {
    const CardFile& file = example_of(view);
    std::vector<std::string> lines{"llama-server " + llama_model(view, file),
                                   "llama-cli " + llama_model(view, file)};
    if (view.options.can_run) lines.push_back("bitgauge run " + own_model(view, file));
    return "## How to run\n\nWith llama.cpp" +
           std::string(view.options.can_run ? " or bitgauge" : "") + ":\n\n" + block(lines);
}

std::string card_repeating(const CardView& view) {
    std::string text = "## How to repeat\n";
    const std::vector<std::string> lines = commands_of(view);
    if (!lines.empty()) {
        text +=
            "\nEvery figure above, with the texts whose hashes stand above, in this folder:\n\n" +
            block(lines);
    }
    return text + missing_text(view) + making_text(view);
}

}  // namespace bitgauge
