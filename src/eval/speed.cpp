#include "bitgauge/speed.h"

#include <algorithm>
#include <cmath>
#include <unistd.h>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/gguf.h"
#include "bitgauge/hardware.h"

#include "base/files.h"
#include "base/units.h"
#include "eval/speed_job.h"
#include "eval/speed_spread.h"
#include "eval/work.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

// A folder for the words between parent and child.
fs::path job_folder() {
    return fs::temp_directory_path() / fmt::format("bitgauge-bench-{}", ::getpid());
}

// By depth, then sequences, prompt before generation: files that share a depth share its state.
std::vector<SpeedTest> tests_of(const SpeedOptions& options) {
    std::vector<SpeedTest> tests;
    for (const uint32_t depth : options.depths) {
        for (const uint32_t sequences : options.sequences) {
            const SpeedTest test{.depth = depth, .sequences = sequences};
            if (options.prompt > 0) {
                tests.push_back(test);
                tests.back().tokens = options.prompt;
            }
            if (options.generate > 0) {
                tests.push_back(test);
                tests.back().tokens = options.generate;
                tests.back().generates = true;
            }
        }
    }
    return tests;
}

SpeedShape shape_of(const SpeedTest& test, const SpeedOptions& options) {
    return {.prompt = test.generates ? 0 : test.tokens,
            .generate = test.generates ? test.tokens : 0,
            .depth = test.depth,
            .sequences = test.sequences,
            .batch_tokens = options.batch_tokens,
            .ubatch_tokens = options.ubatch_tokens};
}

void require_a_run(const std::vector<fs::path>& files, const SpeedOptions& options) {
    if (files.empty()) {
        throw Error(ErrorKind::kInput, "no file to time was given", "name one or more models");
    }
    if (options.prompt > 0 || options.generate > 0) return;
    throw Error(ErrorKind::kInput, "neither a prompt nor generated tokens are to be timed",
                "--prompt 512 or --generate 128");
}

uint64_t longest_context(const SpeedTest& test) {
    return (uint64_t{test.depth} + test.tokens) * test.sequences;
}

// --- what headers say ---------------------------------------------------------------------------

struct Header {
    GgufFile file;
    BenchedFile benched;
};

std::vector<Header> read_headers(const std::vector<fs::path>& files) {
    std::vector<Header> headers;
    for (const fs::path& path : files) {
        GgufFile file = GgufFile::open(path);
        uint64_t bytes = 0;
        for (const TensorInfo& tensor : file.tensors()) bytes += tensor.bytes;
        const uint64_t decoded = decoded_weight_bytes(file, {});
        headers.push_back({std::move(file), {path, bytes, decoded}});
    }
    return headers;
}

// Keys and values that the token in the middle of a generation looks at.
uint64_t keys_values_read(const GgufFile& file, const SpeedTest& test) {
    return evaluation_memory(file, test.depth + test.tokens / 2, 1, 1).keys_values;
}

void warn_of_length(const std::vector<Header>& headers, const SpeedTest& longest,
                    Progress& progress) {
    for (const auto& [file, benched] : headers) {
        const auto trained = file.integer(file.architecture() + ".context_length").value_or(0);
        const uint64_t tokens = uint64_t{longest.depth} + longest.tokens;
        if (trained <= 0 || tokens <= static_cast<uint64_t>(trained)) continue;
        progress.warn(
            fmt::format("'{}' was trained for {} tokens, and {} runs to {}: the time is "
                        "right, the text would not be",
                        benched.path.string(), trained, longest.name(), tokens));
    }
}

// Of the file and its context, an estimate that is too large where layers look at a window only.
uint64_t memory_of(const Header& header, const SpeedTest& largest) {
    const uint64_t tokens = uint64_t{largest.depth} + largest.tokens;
    return header.benched.file_bytes +
           evaluation_memory(header.file, tokens, largest.sequences, 1).context();
}

// Far beyond what is free libllama would take its time, or other programs' memory.
void check_room(const Header& header, const SpeedTest& largest, uint64_t room, Progress& progress) {
    constexpr uint64_t kMostOverestimate = 8;
    const uint64_t needed = memory_of(header, largest);
    if (needed <= room) return;
    const std::string values =
        fmt::format("{} for a context of {} tokens; {} are free", format_bytes(needed),
                    longest_context(largest), format_bytes(room));
    if (needed / kMostOverestimate > room) {
        throw Error(ErrorKind::kEnvironment,
                    fmt::format("'{}' needs {}", header.benched.path.string(), values),
                    "a smaller depth or fewer sequences need less memory");
    }
    progress.warn(fmt::format("'{}' may need {}", header.benched.path.string(), values));
}

// Whether all files may be loaded at once.
bool fit_together(const std::vector<Header>& headers, const SpeedTest& largest,
                  Progress& progress) {
    const uint64_t room = available_memory().bytes;
    uint64_t together = 0;
    for (const Header& header : headers) {
        check_room(header, largest, room, progress);
        together += memory_of(header, largest);
    }
    if (together <= room || headers.size() == 1) return true;
    progress.warn(
        fmt::format("{} files need {} together and {} are free: they are timed one after "
                    "the other, so a machine that slows down counts against the later",
                    headers.size(), format_bytes(together), format_bytes(room)));
    return false;
}

// --- timing -------------------------------------------------------------------------------------

SpeedSeconds run_speed_job(const SpeedJob& job, const Isolation& isolation, Progress& progress) {
    const Json outcome = run_job(to_json(job), job_folder(), isolation, progress);
    return outcome.at("seconds").get<SpeedSeconds>();
}

// Each file by itself, briefly: what libllama ends is then told by its name.
void try_each(const SpeedJob& job, const Isolation& isolation, Progress& progress) {
    for (const fs::path& file : job.files) {
        SpeedJob one = job;
        one.files = {file};
        one.shapes = {{.prompt = 1, .batch_tokens = 32, .ubatch_tokens = 32}};
        one.repetitions = 0;
        run_speed_job(one, isolation, progress);
    }
}

SpeedSeconds time_one_by_one(const SpeedJob& job, const Isolation& isolation, Progress& progress) {
    SpeedSeconds all(job.shapes.size());
    for (const fs::path& file : job.files) {
        SpeedJob one = job;
        one.files = {file};
        const SpeedSeconds seconds = run_speed_job(one, isolation, progress);
        for (size_t i = 0; i < all.size(); ++i) all[i].push_back(seconds[i].front());
    }
    return all;
}

SpeedSeconds time_files(const SpeedJob& job, const SpeedReport& report, const Isolation& isolation,
                        Progress& progress) {
    if (!report.took_turns) return time_one_by_one(job, isolation, progress);
    if (job.files.size() > 1 && isolation.program) try_each(job, isolation, progress);
    return run_speed_job(job, isolation, progress);
}

// --- results ------------------------------------------------------------------------------------

FileSpeed file_speed(const SpeedTest& test, const Header& header, std::vector<double> seconds,
                     const std::vector<double>& first_seconds) {
    FileSpeed speed;
    std::vector<double> rates;
    const double tokens = static_cast<double>(test.tokens) * test.sequences;
    for (const double s : seconds) rates.push_back(tokens / s);
    speed.tokens_per_second = spread_of(rates);
    speed.ratio_to_first = paired_ratio(first_seconds, seconds);
    speed.seconds = std::move(seconds);
    if (!test.generates || test.sequences != 1) return speed;
    speed.bytes_per_token = static_cast<double>(header.benched.decoded_weight_bytes +
                                                keys_values_read(header.file, test));
    speed.bytes_per_second = speed.bytes_per_token * speed.tokens_per_second.median;
    return speed;
}

void fill_tests(SpeedReport& report, const std::vector<Header>& headers, SpeedSeconds seconds) {
    for (size_t i = 0; i < report.tests.size(); ++i) {
        const std::vector<double> first = seconds[i].front();
        for (size_t file = 0; file < headers.size(); ++file) {
            report.tests[i].files.push_back(
                file_speed(report.tests[i], headers[file], std::move(seconds[i][file]), first));
        }
    }
}

bool reads_main_memory(const SpeedOptions& options, const SpeedReport& report) {
    return options.generate > 0 &&
           (report.engine.backend == "CPU" || options.engine.gpu_layers == 0);
}

double peak(bool wanted, uint32_t threads) {
    return wanted ? read_bandwidth(threads).bytes_per_second : 0;
}

}  // namespace

std::string SpeedTest::name() const {
    std::string name = fmt::format("{}{}", generates ? "tg" : "pp", tokens);
    if (sequences > 1) name += fmt::format(" x {}", sequences);
    if (depth > 0) name += fmt::format(" @ d{}", depth);
    return name;
}

SpeedReport measure_speed(const std::vector<fs::path>& files, const SpeedOptions& options,
                          Progress& progress) {
    require_a_run(files, options);
    SpeedReport report{.tests = tests_of(options),
                       .threads = resolve_threads(options.engine.threads),
                       .engine = describe_engine()};
    const std::vector<Header> headers = read_headers(files);
    for (const Header& header : headers) report.files.push_back(header.benched);
    const auto by_context = [](const SpeedTest& a, const SpeedTest& b) {
        return longest_context(a) < longest_context(b);
    };
    const SpeedTest& largest =
        *std::max_element(report.tests.begin(), report.tests.end(), by_context);
    warn_of_length(headers, largest, progress);
    report.took_turns = fit_together(headers, largest, progress);

    SpeedJob job{.files = files, .repetitions = options.repetitions, .engine = options.engine};
    for (const SpeedTest& test : report.tests) job.shapes.push_back(shape_of(test, options));
    const bool on_processor = reads_main_memory(options, report);
    const double before = peak(on_processor, report.threads);
    fill_tests(report, headers, time_files(job, report, options.isolation, progress));
    report.peak_bytes_per_second = std::max(before, peak(on_processor, report.threads));
    return report;
}

}  // namespace bitgauge
