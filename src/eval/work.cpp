#include "eval/work.h"

#include <csignal>
#include <new>
#include <string_view>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/child_process.h"
#include "base/files.h"
#include "base/interrupt.h"
#include "engine/llama_log.h"
#include "eval/gain_pass.h"
#include "eval/importance_pass.h"
#include "eval/rounding_pass.h"
#include "eval/speed_job.h"
#include "eval/stage_way.h"
#include "eval/variant_pass.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

// The words between parent and child: the child prints them, one a line.
constexpr std::string_view kAdvance = "advance ";
constexpr std::string_view kBegin = "begin ";
constexpr std::string_view kWarn = "warn ";

// What every failing program of this project prints.
constexpr const char* kMessage = "bitgauge: error: ";
constexpr const char* kHint = "  hint: ";
constexpr const char* kGaveUp = "libllama gave up: ";

fs::path outcome_path(const fs::path& job_file) {
    return fs::path(job_file).concat(".outcome");
}

Json error_to_json(const Error& error) {
    return {
        {"error", error.what()}, {"kind", static_cast<int>(error.kind())}, {"hint", error.hint()}};
}

void relay(const std::string& line, Progress& progress) {
    const std::string_view text(line);
    if (text.starts_with(kAdvance)) {
        progress.advance(std::stoll(line.substr(kAdvance.size())));
    } else if (text.starts_with(kBegin)) {
        const Json begin = Json::parse(text.substr(kBegin.size()));
        progress.begin(begin.at("task"), begin.at("total"), begin.at("unit"));
    } else if (text.starts_with(kWarn)) {
        progress.warn(line.substr(kWarn.size()));
    }
}

std::string line_after(const std::string& text, std::string_view mark) {
    const size_t at = text.rfind(mark);
    if (at == std::string::npos) return "";
    const size_t begin = at + mark.size();
    return text.substr(begin, text.find('\n', begin) - begin);
}

// Why libllama ended the child, else the child's last line.
std::string last_words(const std::string& errors) {
    std::string reason = line_after(errors, kGaveUp);
    if (!reason.empty()) return reason;
    const size_t end = errors.find_last_not_of('\n');
    if (end == std::string::npos) return "it said nothing";
    const size_t before = errors.rfind('\n', end);
    return errors.substr(before == std::string::npos ? 0 : before + 1, end - before);
}

bool printed_its_error(const ChildOutcome& child) {
    const auto& errors = child.last_errors;
    return errors.find(kMessage) != std::string::npos && errors.find(kGaveUp) == std::string::npos;
}

// What a child of this program wrote before it failed, as the error it was.
[[noreturn]] void rethrow_printed(const ChildOutcome& child) {
    throw Error(static_cast<ErrorKind>(child.status), line_after(child.last_errors, kMessage),
                line_after(child.last_errors, kHint));
}

Error out_of_memory(const fs::path& model, const std::string& reason) {
    return {ErrorKind::kEnvironment,
            fmt::format("not enough memory to read '{}'{}{}", model.string(),
                        reason.empty() ? "" : ": ", reason),
            "close other programs or use fewer tokens per call (--ubatch)"};
}

[[noreturn]] void throw_for(const ChildOutcome& child, const fs::path& model) {
    throw_if_interrupted();
    if (child.signal == 0 && printed_its_error(child)) rethrow_printed(child);
    if (child.signal == SIGKILL) {
        throw Error(ErrorKind::kEnvironment,
                    fmt::format("reading '{}' was killed (out of memory?)", model.string()),
                    "run the same command again; what is done is kept");
    }
    const std::string reason = last_words(child.last_errors);
    if (is_about_memory(reason)) throw out_of_memory(model, reason);
    throw Error(ErrorKind::kInput,
                fmt::format("libllama ended while reading '{}' ({}): {}", model.string(),
                            child.signal != 0 ? fmt::format("signal {}", child.signal)
                                              : fmt::format("status {}", child.status),
                            reason),
                "the file is damaged or needs a newer libllama; bitgauge inspect shows its header");
}

// The folder goes as well where nothing was done in it.
void remove_job(const fs::path& job_file) {
    std::error_code ignored;
    fs::remove(outcome_path(job_file), ignored);
    fs::remove(job_file, ignored);
    fs::remove(job_file.parent_path(), ignored);
}

Json run_in_child(const Json& job, const fs::path& folder, const fs::path& program,
                  Progress& progress) {
    const fs::path job_file = folder / "job.json";
    const fs::path outcome_file = outcome_path(job_file);
    fs::remove(outcome_file);
    write_file_atomically(job_file, job.dump());
    const ChildOutcome child = run_child(program, {"worker", job_file.string()},
                                         [&](const std::string& line) { relay(line, progress); });
    progress.end();
    const std::string said = fs::exists(outcome_file) ? read_text_file(outcome_file) : "";
    remove_job(job_file);
    if (said.empty()) throw_for(child, job.at("model").get<std::string>());
    Json outcome = Json::parse(said);
    if (outcome.contains("error")) {
        throw Error(static_cast<ErrorKind>(outcome.at("kind").get<int>()), outcome.at("error"),
                    outcome.at("hint"));
    }
    return outcome;
}

Json do_job(const Json& job, Progress& progress) {
    if (job.at("job") == kCutCheckJob) return do_cut_check(job);
    if (job.at("job") == kVariantsJob) {
        capture_variants(variants_job_from_json(job), progress);
        return Json::object();
    }
    if (job.at("job") == kImportanceJob) {
        measure_sums(importance_job_from_json(job), progress);
        return Json::object();
    }
    if (job.at("job") == kGainJob) return find_gains(gain_job_from_json(job), progress);
    if (job.at("job") == kSpeedJob) {
        return {{"seconds", time_in_turns(speed_job_from_json(job), progress)}};
    }
    if (job.at("job") == kRoundingJob) {
        return {{"tensors", round_in_order(rounding_job_from_json(job), progress)}};
    }
    return to_json(capture(capture_job_from_json(job), progress));
}

}  // namespace

Json run_job(const Json& job, const fs::path& folder, const Isolation& isolation,
             Progress& progress) {
    make_folder(folder);
    return isolation.program ? run_in_child(job, folder, *isolation.program, progress)
                             : do_job(job, progress);
}

CaptureReport run_capture(CaptureJob job, const Isolation& isolation, Progress& progress) {
    make_folder(job.out);
    job.way = choose_way(job.model, job.shape, job.engine, isolation, job.out, progress);
    CaptureReport report =
        capture_report_from_json(run_job(to_json(job), job.out, isolation, progress));
    report.evaluation = job.way.text;
    return report;
}

int run_worker(const fs::path& job_file, Progress& progress) {
    const Json job = Json::parse(read_text_file(job_file));
    Json outcome;
    int status = 0;
    try {
        outcome = do_job(job, progress);
    } catch (const Error& error) {
        outcome = error_to_json(error);
        status = static_cast<int>(error.kind());
    } catch (const std::bad_alloc&) {
        outcome = error_to_json(out_of_memory(job.at("model").get<std::string>(), ""));
        status = static_cast<int>(ErrorKind::kEnvironment);
    }
    write_file_atomically(outcome_path(job_file), outcome.dump());
    return status;
}

}  // namespace bitgauge
