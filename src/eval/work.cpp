#include "eval/work.h"

#include <csignal>
#include <string_view>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/child_process.h"
#include "base/files.h"
#include "base/interrupt.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

// The words between parent and child: the child prints them, one a line.
constexpr std::string_view kAdvance = "advance ";
constexpr std::string_view kBegin = "begin ";
constexpr std::string_view kWarn = "warn ";

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

// libllama's last words: the line with the assertion, else the last line.
std::string last_words(const std::string& errors) {
    const size_t assertion = errors.rfind("GGML_ASSERT");
    size_t begin = assertion;
    if (assertion == std::string::npos) {
        const size_t end = errors.find_last_not_of('\n');
        if (end == std::string::npos) return "it said nothing";
        const size_t line = errors.rfind('\n', end);
        begin = line == std::string::npos ? 0 : line + 1;
    }
    return errors.substr(begin, errors.find('\n', begin) - begin);
}

// What a child of this program wrote before it failed, as the error it was.
[[noreturn]] void rethrow_printed(const ChildOutcome& child) {
    constexpr std::string_view kMessage = "bitgauge: error: ";
    constexpr std::string_view kHint = "  hint: ";
    const auto line_after = [&](std::string_view mark) {
        const size_t at = child.last_errors.find(mark);
        if (at == std::string::npos) return std::string();
        const size_t begin = at + mark.size();
        return child.last_errors.substr(begin, child.last_errors.find('\n', begin) - begin);
    };
    throw Error(static_cast<ErrorKind>(child.status), line_after(kMessage), line_after(kHint));
}

[[noreturn]] void throw_for(const ChildOutcome& child, const fs::path& model) {
    throw_if_interrupted();
    if (child.signal == SIGKILL) {
        throw Error(ErrorKind::kEnvironment,
                    fmt::format("reading '{}' was killed (out of memory?)", model.string()),
                    "run the same command again; what is done is kept");
    }
    throw Error(ErrorKind::kInput,
                fmt::format("libllama ended while reading '{}' ({}): {}", model.string(),
                            child.signal != 0 ? fmt::format("signal {}", child.signal)
                                              : fmt::format("status {}", child.status),
                            last_words(child.last_errors)),
                "the file is damaged or needs a newer libllama; bitgauge inspect shows its header");
}

CaptureReport run_in_child(const CaptureJob& job, const fs::path& program, Progress& progress) {
    const fs::path job_file = job.out / "job.json";
    const fs::path outcome_file = outcome_path(job_file);
    fs::remove(outcome_file);
    write_file_atomically(job_file, to_json(job).dump());
    const ChildOutcome child = run_child(program, {"worker", job_file.string()},
                                         [&](const std::string& line) { relay(line, progress); });
    progress.end();
    if (!fs::exists(outcome_file)) throw_for(child, job.model);
    const Json outcome = Json::parse(read_text_file(outcome_file));
    if (outcome.contains("error")) {
        throw Error(static_cast<ErrorKind>(outcome.at("kind").get<int>()), outcome.at("error"),
                    outcome.at("hint"));
    }
    return capture_report_from_json(outcome);
}

}  // namespace

CaptureReport run_capture(const CaptureJob& job, const Isolation& isolation, Progress& progress) {
    make_folder(job.out);
    return isolation.program ? run_in_child(job, *isolation.program, progress)
                             : capture(job, progress);
}

void quantize_in_child(const fs::path& original, const fs::path& out, const std::string& file_type,
                       const QuantizeOptions& options, const Isolation& isolation) {
    if (!isolation.program) return quantize_with_libllama(original, out, file_type, options);
    std::vector<std::string> arguments = {"quantize",
                                          original.string(),
                                          "-r",
                                          file_type,
                                          "-o",
                                          out.string(),
                                          "--direct",
                                          "--threads",
                                          std::to_string(options.threads)};
    if (options.pure) arguments.emplace_back("--pure");
    const ChildOutcome child = run_child(*isolation.program, arguments, [](const std::string&) {});
    if (child.signal == 0 && child.status == 0) return;
    if (child.last_errors.find("bitgauge: error: ") != std::string::npos) rethrow_printed(child);
    throw_for(child, original);
}

int run_worker(const fs::path& job_file, Progress& progress) {
    const CaptureJob job = capture_job_from_json(Json::parse(read_text_file(job_file)));
    Json outcome;
    int status = 0;
    try {
        outcome = to_json(capture(job, progress));
    } catch (const Error& error) {
        outcome = error_to_json(error);
        status = static_cast<int>(error.kind());
    }
    write_file_atomically(outcome_path(job_file), outcome.dump());
    return status;
}

}  // namespace bitgauge
