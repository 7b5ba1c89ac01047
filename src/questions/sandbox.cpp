#include "questions/sandbox.h"

#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <random>
#include <unistd.h>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/json.h"
#include "base/limited_child.h"
#include "base/scripts.h"
#include "base/units.h"

#include "questions/answer_text.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

using Arguments = std::vector<std::string>;

constexpr uint64_t kFileBytes = uint64_t{16} << 20;
constexpr size_t kOutputBytes = size_t{16} << 20;
constexpr const char* kTmpBytes = "67108864";
constexpr int kNobody = 65534;
constexpr std::array<const char*, 2> kPythons = {"/usr/bin/python3", "/usr/local/bin/python3"};

void append(Arguments& to, const Arguments& more) {
    to.insert(to.end(), more.begin(), more.end());
}

// Whatever takes the place of memory that runs out, it shall not be the caller. The shell gives its
// process to bubblewrap.
const Arguments& first_to_die() {
    static const Arguments shell = {
        "/bin/sh", "-c", "echo 1000 2>/dev/null >/proc/self/oom_score_adj; exec \"$@\"", "sh"};
    return shell;
}

// Root keeps its namespace of users and, inside, becomes nobody, for limits on processes do not
// hold for the user root of the machine, by whatever number it is called. Others get a namespace.
Arguments user_arguments() {
    if (::geteuid() == 0) return {"--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"};
    return {"--unshare-user"};
}

Json user_to_become() {
    return ::geteuid() == 0 ? Json(kNobody) : Json();
}

// The system's programs and libraries, which stand in /usr or, on older systems, beside it.
Arguments system_arguments() {
    Arguments arguments = {"--ro-bind", "/usr", "/usr"};
    std::error_code failed;
    for (const char* folder : {"/bin", "/lib", "/lib32", "/lib64", "/sbin"}) {
        if (fs::is_symlink(folder, failed)) {
            append(arguments, {"--symlink", fs::read_symlink(folder, failed).string(), folder});
        } else {
            append(arguments, {"--ro-bind-try", folder, folder});
        }
    }
    append(arguments, {"--perms", "0755", "--dir", "/etc"});
    append(arguments, {"--ro-bind-try", "/etc/alternatives", "/etc/alternatives"});
    append(arguments, {"--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"});
    return arguments;
}

// No /proc: where the sandbox runs inside a container, a new one is often refused.
Arguments sandbox_arguments(const std::string& program) {
    Arguments arguments = first_to_die();
    append(arguments, {program, "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts",
                       "--unshare-cgroup-try", "--die-with-parent", "--new-session", "--clearenv"});
    append(arguments, user_arguments());
    append(arguments, system_arguments());
    append(arguments, {"--dev", "/dev", "--perms", "1777", "--size", kTmpBytes, "--tmpfs", "/tmp"});
    append(arguments, {"--ro-bind", script_path("run_answer.py").string(), "/run_answer.py"});
    append(arguments, {"--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp"});
    append(arguments, {"--setenv", "PATH", "/usr/bin:/bin", "--setenv", "HOME", "/tmp"});
    append(arguments, {"--setenv", "LC_ALL", "C.UTF-8", "--setenv", "PYTHONHASHSEED", "0"});
    append(arguments, {"--setenv", "OPENBLAS_NUM_THREADS", "1"});
    return arguments;
}

std::string sandbox_python() {
    std::error_code failed;
    for (const char* python : kPythons) {
        if (fs::exists(python, failed)) return python;
    }
    return {};
}

// What nobody can have written by chance.
std::string new_token() {
    std::random_device random;
    return fmt::format("passed-{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

std::string job_text(const PythonJob& job, const JudgeLimits& limits, const std::string& token) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(limits.code_time).count();
    const Json text = {{"prelude", job.prelude},
                       {"starter", job.starter},
                       {"answer", job.answer},
                       {"tests", job.tests},
                       {"token", token},
                       {"memory_bytes", limits.code_memory_bytes},
                       {"processes", limits.code_processes},
                       {"file_bytes", kFileBytes},
                       {"seconds", seconds},
                       {"user", user_to_become()}};
    return text.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string last_line(const std::string& text) {
    const std::string all = trimmed(text);
    return all.substr(all.rfind('\n') + 1);
}

constexpr int kSignalled = 128;  // what bubblewrap adds to the number of a signal

std::string note_of(const LimitedOutcome& outcome, const JudgeLimits& limits,
                    const ChildLimits& child) {
    if (outcome.timed_out) {
        return fmt::format("it ran longer than {} s",
                           static_cast<double>(limits.code_time.count()) / 1000.0);
    }
    if (outcome.said_too_much) {
        return fmt::format("it printed more than {}", format_bytes(child.output_bytes));
    }
    const int signal = outcome.signal != 0 ? outcome.signal : outcome.status - kSignalled;
    if (signal == SIGXCPU || signal == SIGKILL) return "it was killed: out of memory or time";
    if (signal > 0) return fmt::format("it ended by signal {}", signal);
    std::string words = last_line(outcome.errors);
    if (!words.empty()) return words;
    return fmt::format("it ended with status {} and no word", outcome.status);
}

LimitedOutcome run_job(const std::string& program, const PythonJob& job, const JudgeLimits& limits,
                       const std::string& token, const ChildLimits& child) {
    Arguments command = sandbox_arguments(program);
    append(command, {sandbox_python(), "-s", "-B", "-X", "utf8", "/run_answer.py"});
    return run_limited(command, job.input, job_text(job, limits, token), child);
}

[[noreturn]] void refuse(const std::string& reason) {
    throw Error(ErrorKind::kEnvironment,
                fmt::format("generated code is only run inside bubblewrap, and here that does not "
                            "work: {}",
                            reason),
                "install the package bubblewrap (0.7 or newer) and allow namespaces of users, or "
                "leave out questions "
                "whose answers are programs");
}

}  // namespace

std::string sandbox_problem(const std::string& program) {
    if (sandbox_python().empty()) return "there is no /usr/bin/python3";
    const std::string token = new_token();
    const JudgeLimits limits;
    const LimitedOutcome outcome =
        run_job(program, {"", "", "pass", "pass", ""}, limits, token, {limits.code_time});
    if (outcome.status == 0 && last_line(outcome.output) == token) return {};
    constexpr int kNoProgram = 127;
    if (outcome.status == kNoProgram) return fmt::format("'{}' is not installed", program);
    return note_of(outcome, limits, {limits.code_time});
}

SandboxState sandbox_available() {
    const std::string problem = sandbox_problem("bwrap");
    return {problem.empty(), problem};
}

Sandbox::Sandbox(const JudgeLimits& limits, std::string program)
    : limits_(limits), program_(std::move(program)) {
    const std::string problem = sandbox_problem(program_);
    if (!problem.empty()) refuse(problem);
}

PythonOutcome Sandbox::run(const PythonJob& job) const {
    const std::string token = new_token();
    const ChildLimits child{limits_.code_time, kOutputBytes};
    LimitedOutcome outcome = run_job(program_, job, limits_, token, child);
    const bool ended_well =
        !outcome.timed_out && !outcome.said_too_much && outcome.signal == 0 && outcome.status == 0;
    PythonOutcome result;
    result.passed = ended_well && (job.tests.empty() || last_line(outcome.output) == token);
    if (!result.passed) result.note = note_of(outcome, limits_, child);
    result.output = std::move(outcome.output);
    return result;
}

}  // namespace bitgauge
