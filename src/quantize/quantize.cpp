#include "bitgauge/quantize.h"

#include <algorithm>
#include <functional>
#include <system_error>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"

#include "base/hash.h"
#include "base/interrupt.h"
#include "base/positioned_file.h"
#include "base/units.h"

#include "quantize/choice_check.h"
#include "quantize/importance_check.h"
#include "quantize/journal.h"
#include "quantize/original_scan.h"
#include "quantize/output_plan.h"
#include "quantize/rounded_source.h"
#include "quantize/row_pipeline.h"

namespace bitgauge {
namespace fs = std::filesystem;

namespace {

constexpr const char* kUnknownHash = "00000000000000000000000000000000";  // as long as a real one
constexpr const char* kGoOn = "run the same command again to go on";

// What headers and the importance file tell, found to fit each other.
struct CheckedJob {
    GgufFile original;
    std::optional<Importance> importance;
    TypeOfTensor types;
    RoundedSources rounded;

    const Importance* importance_or_none() const { return importance ? &*importance : nullptr; }
};

void require_another_file(const fs::path& input, const char* what, const fs::path& out) {
    std::error_code ignored;
    if (!fs::equivalent(input, out, ignored)) return;
    throw Error(ErrorKind::kInput, fmt::format("'{}' is {}; it would be lost", out.string(), what),
                "give another file with -o");
}

void require_new_file(const GgufFile& original, const QuantizeJob& job, const fs::path& out) {
    for (const fs::path& shard : original.shards()) {
        require_another_file(shard, "the original itself", out);
    }
    if (job.importance) require_another_file(*job.importance, "the importance file itself", out);
}

// Everything that will be written or removed.
void require_new_files(const GgufFile& original, const QuantizeJob& job,
                       const std::vector<fs::path>& outs) {
    require_new_file(original, job, fs::path(job.out).concat(".part.journal"));
    for (const fs::path& out : outs) {
        if (fs::is_directory(out)) {
            throw Error(ErrorKind::kEnvironment,
                        fmt::format("'{}' could not be created: Is a directory", out.string()),
                        "give another file with -o");
        }
        require_new_file(original, job, out);
        require_new_file(original, job, fs::path(out).concat(".part"));
    }
}

CheckedJob check(GgufFile original, const QuantizeJob& job, Progress& progress) {
    CheckedJob checked{.original = std::move(original)};
    checked.types = check_choices(checked.original, job);
    if (job.importance) checked.importance = Importance::read(*job.importance);
    checked.rounded = open_rounded(job.rounded, checked.original, checked.types);
    check_importance(checked.original, checked.types, job, checked.importance_or_none(),
                     checked.rounded, progress);
    return checked;
}

std::vector<OutputFile> plan_of(const CheckedJob& checked, const QuantizeJob& job,
                                const std::string& original_hash) {
    return plan_output(checked.original, checked.types, job, checked.importance_or_none(),
                       original_hash);
}

std::vector<fs::path> paths_of(const std::vector<OutputFile>& plan) {
    std::vector<fs::path> paths;
    paths.reserve(plan.size());
    for (const OutputFile& file : plan) paths.push_back(file.path);
    return paths;
}

std::vector<FileSize> sizes_of(const std::vector<OutputFile>& files) {
    std::vector<FileSize> sizes;
    sizes.reserve(files.size());
    for (const OutputFile& file : files) sizes.push_back({file.path, file.bytes});
    return sizes;
}

uint64_t total_of(const std::vector<FileSize>& files) {
    uint64_t bytes = 0;
    for (const FileSize& file : files) bytes += file.bytes;
    return bytes;
}

// --- values that nothing can be made of ---------------------------------------------------------

std::vector<float> limits_of(const CheckedJob& job) {
    std::vector<float> limits;
    for (const TensorInfo& tensor : job.original.tensors()) {
        const int type = job.types.at(tensor.name);
        limits.push_back(largest_encodable(type, type == tensor.type_id));
    }
    return limits;
}

OriginalScan scan(const CheckedJob& checked, const std::vector<float>& limits,
                  const std::string& state, uint32_t threads, Journal& journal,
                  Progress& progress) {
    if (auto known = journal.scan_of(state, limits.size())) return *known;
    OriginalScan scan = scan_original(checked.original, limits, threads, progress);
    journal.keep_scan(state, scan);
    return scan;
}

void require_unchanged(const GgufFile& original, const std::vector<float>& limits,
                       const std::string& state) {
    if (state_of(original, limits) == state) return;
    throw Error(
        ErrorKind::kInput,
        fmt::format("'{}' has changed while it was read", original.shards().front().string()),
        "run the command again when nothing writes to it");
}

struct BadTensor {
    std::string name;
    std::string values;
};

std::vector<BadTensor> bad_tensors(const GgufFile& original, const OriginalScan& scan,
                                   const std::vector<float>& limits) {
    std::vector<BadTensor> bad;
    for (size_t i = 0; i < scan.tensors.size(); ++i) {
        if (scan.tensors[i].good()) continue;
        bad.push_back({original.tensors()[i].name, describe(scan.tensors[i], limits[i])});
    }
    return bad;
}

[[noreturn]] void refuse_bad_values(const fs::path& original, const std::vector<BadTensor>& bad,
                                    Progress& progress) {
    const std::string more =
        bad.size() == 1 ? "" : " and in " + counted(bad.size() - 1, "more tensor");
    for (const BadTensor& tensor : std::span(bad).subspan(1)) {
        progress.warn(fmt::format("tensor '{}' holds {}", tensor.name, tensor.values));
    }
    throw Error(ErrorKind::kNotFinite,
                fmt::format("'{}' holds values that cannot be encoded: {} in tensor '{}'{}",
                            original.string(), bad.front().values, bad.front().name, more),
                "'--on-bad keep' leaves such tensors as they are in the original");
}

// The names of the tensors that stay as they are.
std::vector<std::string> apply_bad_values(const QuantizeJob& job, const OriginalScan& scan,
                                          const std::vector<float>& limits, CheckedJob& checked,
                                          Progress& progress) {
    const std::vector<BadTensor> bad = bad_tensors(checked.original, scan, limits);
    if (bad.empty()) return {};
    if (job.on_bad == BadValues::kAbort) refuse_bad_values(job.original, bad, progress);
    std::vector<std::string> kept;
    for (const BadTensor& tensor : bad) {
        const int own_type = checked.original.find_tensor(tensor.name)->type_id;
        checked.types[tensor.name] = own_type;
        kept.push_back(tensor.name);
        progress.warn(fmt::format("tensor '{}' holds {}; it stays {}", tensor.name, tensor.values,
                                  type_by_id(own_type)->name));
    }
    return kept;
}

// --- writing ------------------------------------------------------------------------------------

// All files of one job while they are parts. Gone with this object unless they were published or
// are to be gone on with.
class PartFiles {
  public:
    PartFiles() = default;
    ~PartFiles() {
        if (keep_) return;
        for (ResumableFile& file : files_) file.discard();
    }
    PartFiles(const PartFiles&) = delete;
    PartFiles& operator=(const PartFiles&) = delete;

    ResumableFile& operator[](size_t index) { return files_[index]; }
    void keep() { keep_ = true; }

    void open(const std::vector<OutputFile>& plan, Earlier earlier) {
        for (const OutputFile& file : plan) files_.emplace_back(file.path, earlier);
    }
    void reserve(const std::vector<OutputFile>& plan) {
        for (size_t i = 0; i < plan.size(); ++i) files_[i].reserve(plan[i].bytes);
    }
    void write_headers(const std::vector<OutputFile>& plan) {
        for (size_t i = 0; i < plan.size(); ++i) files_[i].write(0, plan[i].header);
    }
    // The first shard, by which a model is opened, appears last; one that is there from another run
    // must not open the new others.
    void publish() {
        for (ResumableFile& file : files_) file.sync();
        std::error_code ignored;
        if (files_.size() > 1) fs::remove(files_.front().path(), ignored);
        for (auto file = files_.rbegin(); file != files_.rend(); ++file) file->publish();
    }

  private:
    std::vector<ResumableFile> files_;
    bool keep_ = false;
};

// Everything that decides the bytes is in the headers.
std::string key_of(const std::vector<OutputFile>& plan) {
    ContentHash hash;
    for (const OutputFile& file : plan) hash.add(file.header);
    return hash.hex();
}

std::vector<TensorTask> tasks_of(const std::vector<OutputFile>& plan, const CheckedJob& job,
                                 PartFiles& parts) {
    std::vector<TensorTask> tasks;
    for (size_t i = 0; i < plan.size(); ++i) {
        for (const OutputTensor& tensor : plan[i].tensors) {
            const auto rounded = job.rounded.find(tensor.source->name);
            tasks.push_back({&tensor, &parts[i],
                             entry_for(job.importance_or_none(), *tensor.source),
                             rounded == job.rounded.end() ? nullptr : &rounded->second});
        }
    }
    return tasks;
}

// Drops the tasks whose bytes are there already; how many those were.
uint64_t drop_finished(const std::map<std::string, std::string>& finished,
                       std::vector<TensorTask>& tasks, Progress& progress) {
    progress.begin("checking what is there", static_cast<int64_t>(finished.size()), "tensors");
    const uint64_t dropped = std::erase_if(tasks, [&](const TensorTask& task) {
        throw_if_interrupted();
        const auto known = finished.find(task.tensor->source->name);
        if (known == finished.end()) return false;
        progress.advance(1);
        return hash_in_file(task) == known->second;
    });
    progress.end();
    return dropped;
}

// The files appear, or the parts and the journal stay for the next run.
uint64_t write_files(const std::vector<OutputFile>& plan, const CheckedJob& checked,
                     const QuantizeJob& job, Journal& journal,
                     const std::function<void()>& require_unchanged, Progress& progress) {
    const auto finished = journal.begin(key_of(plan), paths_of(plan));
    PartFiles parts;
    parts.open(plan, finished ? Earlier::kKeep : Earlier::kErase);
    parts.reserve(plan);
    std::vector<TensorTask> tasks = tasks_of(plan, checked, parts);
    uint64_t resumed = 0;
    const auto note = [&](const TensorTask& task, const std::string& hash) {
        journal.add(task.tensor->source->name, hash);
    };
    try {
        if (finished) resumed = drop_finished(*finished, tasks, progress);
        run_pipeline(tasks,
                     {&checked.original, checked.importance_or_none(), job.on_unseen, job.threads},
                     note, progress);
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::kInterrupted) parts.keep();
        throw;
    }
    parts.write_headers(plan);
    require_unchanged();
    parts.publish();
    return resumed;
}

QuantizeOutcome quantize_with_journal(const QuantizeJob& job, CheckedJob& checked, Journal& journal,
                                      Progress& progress) {
    const std::vector<float> limits = limits_of(checked);
    const std::string state = state_of(checked.original, limits);
    const OriginalScan found = scan(checked, limits, state, job.threads, journal, progress);
    QuantizeOutcome outcome;
    outcome.kept = apply_bad_values(job, found, limits, checked, progress);
    const auto plan = plan_of(checked, job, found.content_hash);
    require_new_files(checked.original, job, paths_of(plan));
    const auto unchanged = [&] { require_unchanged(checked.original, limits, state); };
    outcome.resumed = write_files(plan, checked, job, journal, unchanged, progress);
    outcome.files = sizes_of(plan);
    outcome.bytes = total_of(outcome.files);
    outcome.tensors = checked.original.tensors().size();
    return outcome;
}

void add_to_role(const OutputTensor& tensor, RoleSize& role) {
    ++role.tensors;
    role.weights += tensor.source->elements();
    role.original_bytes += tensor.source->bytes;
    role.bytes += tensor.bytes;
    ++role.type_tensors[type_by_id(tensor.type_id)->name];
}

}  // namespace

QuantizePreview preview_quantization(const QuantizeJob& job, Progress& progress) {
    const CheckedJob checked = check(GgufFile::open(job.original), job, progress);
    const auto plan = plan_of(checked, job, kUnknownHash);
    QuantizePreview preview;
    preview.files = sizes_of(plan);
    preview.bytes = total_of(preview.files);
    for (const OutputFile& file : plan) {
        for (const OutputTensor& tensor : file.tensors) {
            add_to_role(tensor, preview.roles[tensor_role(tensor.source->name)]);
            preview.tensor_bytes += tensor.bytes;
            preview.weights += tensor.source->elements();
        }
    }
    return preview;
}

QuantizeOutcome quantize_model(const QuantizeJob& job, Progress& progress) {
    CheckedJob checked = check(GgufFile::open(job.original), job, progress);
    // Told before the original is read, which may take an hour.
    require_new_files(checked.original, job, paths_of(plan_of(checked, job, kUnknownHash)));
    Journal journal(job.out);
    try {
        QuantizeOutcome outcome = quantize_with_journal(job, checked, journal, progress);
        journal.remove();
        return outcome;
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::kInterrupted) {
            throw Error(ErrorKind::kInterrupted, error.what(), kGoOn);
        }
        journal.give_up();
        throw;
    } catch (...) {
        journal.give_up();
        throw;
    }
}

}  // namespace bitgauge
