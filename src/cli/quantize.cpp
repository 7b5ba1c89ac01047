#include "bitgauge/quantize.h"

#include <charconv>
#include <filesystem>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/units.h"
#include "cli/choice.h"
#include "cli/commands.h"
#include "cli/quantize_feedback.h"
#include "cli/quantize_report.h"
#include "cli/type_choices.h"

namespace bitgauge {
namespace {

namespace fs = std::filesystem;

struct QuantizeArguments {
    QuantizeJob job;
    std::string recipe;
    std::string importance;
    std::string split_max_size;
    std::string on_bad = "abort";
    std::string on_missing = "plain";
    std::string on_unseen = "plain";
    FeedbackArguments feedback;
    bool pure = false;
    bool dry_run = false;
    bool json = false;
};

constexpr uint64_t kMostGigabytes = 1'000'000'000;

// "4G", "500M": decimal, as llama-gguf-split reads them.
uint64_t parse_split_size(const std::string& text) {
    uint64_t number = 0;
    const char* end = text.data() + text.size();
    const auto [rest, failed] = std::from_chars(text.data(), end, number);
    const bool whole = failed == std::errc() && number > 0 && rest + 1 == end;
    if (whole && number <= kMostGigabytes && *rest == 'M') return number * 1000 * 1000;
    if (whole && number <= kMostGigabytes && *rest == 'G') return number * 1000 * 1000 * 1000;
    throw Error(ErrorKind::kInput, fmt::format("'{}' is no size of shards", text),
                "give megabytes or gigabytes: 500M, 4G");
}

BadValues parse_on_bad(const std::string& text) {
    return text == "keep" ? BadValues::kKeep : BadValues::kAbort;
}

MissingImportance parse_on_missing(const std::string& text) {
    return text == "abort" ? MissingImportance::kAbort : MissingImportance::kPlain;
}

UnseenExperts parse_on_unseen(const std::string& text) {
    if (text == "abort") return UnseenExperts::kAbort;
    return text == "mean" ? UnseenExperts::kMean : UnseenExperts::kPlain;
}

QuantizeJob job_of(const QuantizeArguments& a, Progress& progress) {
    QuantizeJob job = a.job;
    if (!a.importance.empty()) job.importance = a.importance;
    if (!a.split_max_size.empty()) job.split_max_bytes = parse_split_size(a.split_max_size);
    job.on_bad = parse_on_bad(a.on_bad);
    job.on_missing = parse_on_missing(a.on_missing);
    job.on_unseen = parse_on_unseen(a.on_unseen);
    job.choices = choose_types(GgufFile::open(job.original),
                               {.recipe = a.recipe,
                                .pure = a.pure,
                                .with_importance = job.importance.has_value(),
                                .keep_split = job.keep_split},
                               progress);
    return job;
}

void print_record(const Json& record, Console& console) {
    // names in a model file may be no UTF-8
    console.print(record.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

void tell_sizes(QuantizeJob job, const QuantizeArguments& a, Console& console) {
    if (job.out.empty()) job.out = "out.gguf";
    const QuantizePreview preview = preview_quantization(job, console.progress());
    if (a.json) return print_record(preview_json(preview, a.recipe), console);
    console.print(preview_text(preview, a.recipe));
}

void write_file(const QuantizeJob& job, const QuantizeArguments& a, Console& console) {
    const QuantizeOutcome outcome = quantize_model(job, console.progress());
    if (a.json) return print_record(outcome_json(outcome, a.recipe), console);
    console.print(outcome_text(outcome, a.recipe));
}

void write_rounded_file(QuantizeJob job, QuantizeArguments& a, Console& console) {
    const FeedbackOutcome rounded = round_for(job, a.feedback, console);
    const QuantizeOutcome outcome = quantize_model(job, console.progress());
    remove_rounded(job);
    if (!a.json) {
        return console.print(feedback_text(rounded) + outcome_text(outcome, a.recipe));
    }
    Json record = outcome_json(outcome, a.recipe);
    record["rounding"] = feedback_json(rounded);
    print_record(record, console);
}

void run_quantize(QuantizeArguments& a, Console& console) {
    if (!a.dry_run && a.job.out.empty()) {
        throw Error(ErrorKind::kInput, "no file to write was given",
                    "name it with -o, or ask for --dry-run");
    }
    const QuantizeJob job = job_of(a, console.progress());
    if (a.dry_run) return tell_sizes(job, a, console);
    if (a.feedback.wanted()) return write_rounded_file(job, a, console);
    write_file(job, a, console);
}

void add_policies(CLI::App& command, QuantizeArguments& a) {
    command
        .add_option("--on-bad", a.on_bad,
                    "A tensor with NaN, infinity or values its type cannot hold: abort, keep it "
                    "as it is")
        ->check(one_of({"abort", "keep"}))
        ->type_name("WHAT")
        ->capture_default_str()
        ->group("Policies");
    command
        .add_option("--on-missing", a.on_missing,
                    "A tensor the importance file lacks: encode it without (plain), abort")
        ->check(one_of({"plain", "abort"}))
        ->type_name("WHAT")
        ->capture_default_str()
        ->group("Policies");
    command
        .add_option("--on-unseen", a.on_unseen,
                    "An expert no token reached: without importance (plain), the other experts' "
                    "mean, abort")
        ->check(one_of({"plain", "mean", "abort"}))
        ->type_name("WHAT")
        ->capture_default_str()
        ->group("Policies");
    command
        .add_flag("--allow-requantize", a.job.allow_requantize,
                  "Also from an original that is quantized already")
        ->group("Policies");
}

void add_output_options(CLI::App& command, QuantizeArguments& a) {
    command.add_option("-o,--out", a.job.out, "The file to write")->type_name("FILE");
    auto* keep =
        command.add_flag("--keep-split", a.job.keep_split, "As many shards as the original has");
    command
        .add_option("--split-max-size", a.split_max_size,
                    "Shards of at most so many bytes of tensors: 500M, 4G")
        ->type_name("SIZE")
        ->excludes(keep);
    command.add_flag("--dry-run", a.dry_run, "Say how large the file will be, and write nothing");
    command.add_flag("--json", a.json, "Print one JSON record");
}

}  // namespace

void add_quantize(CLI::App& app, Console& console) {
    auto a = std::make_shared<QuantizeArguments>();
    CLI::App* command =
        add_command(app, console, "quantize", "Make a quantized file",
                    "  bitgauge quantize model-BF16.gguf -r Q4_K_M -i imatrix.gguf -o out.gguf\n"
                    "  bitgauge quantize model-BF16.gguf -r other-Q4_K_M.gguf --dry-run");
    command->add_option("ORIGINAL", a->job.original, "The unquantized model")
        ->required()
        ->type_name("");
    command
        ->add_option("-r,--recipe", a->recipe,
                     "A preset (Q4_K_M), a .recipe file, or a GGUF file whose types are taken")
        ->required()
        ->type_name("NAME");
    command
        ->add_option("-i,--imatrix", a->importance,
                     "Importance, as llama-imatrix writes it (GGUF or .dat)")
        ->type_name("FILE");
    add_output_options(*command, *a);
    command->add_flag("--pure", a->pure, "Every matrix in the same type");
    command->add_option("--threads", a->job.threads, "Threads (0: one per core)")
        ->type_name("N")
        ->capture_default_str();
    add_feedback_options(*command, a->feedback);
    add_policies(*command, *a);
    command->callback([a, &console] { run_quantize(*a, console); });
}

}  // namespace bitgauge
