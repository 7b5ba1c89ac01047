#include "bitgauge/dynamic.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/files.h"
#include "base/units.h"

#include "quantize/types_job.h"
#include "sweep/mix_measure.h"
#include "sweep/rivals.h"
#include "sweep/shared_texts.h"
#include "sweep/text_baseline.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

constexpr int kMostPlans = 3;  // the first, and twice again

// "12.0GiB", "7.65MiB": as sizes stand in file names.
std::string size_name(uint64_t bytes) {
    std::string name = format_bytes(bytes);
    std::erase(name, ' ');
    return name;
}

class Chain {
  public:
    Chain(const fs::path& original, const DynamicOptions& options, Store& store, Progress& progress)
        : original_(original),
          options_(options),
          store_(store),
          progress_(progress),
          file_(GgufFile::open(original)),
          model_(model_header(file_)),
          work_(options.out / "work"),
          importance_(options.importance) {}

    DynamicOutcome run() {
        make_folder(options_.out);
        require_possible_sizes();
        texts_ = share_texts(options_.texts, options_.held_out, options_.importance.empty(),
                             work_ / "texts", progress_);
        outcome_.overlap = texts_.overlap;
        find_importance();
        options_.guess ? guess() : sweep();
        for (const uint64_t size : options_.sizes) mixer_->for_bytes(size);  // can they be had
        make_held_out_baseline();
        for (const uint64_t size : options_.sizes) outcome_.files.push_back(file_of(size));
        return std::move(outcome_);
    }

  private:
    // --- before anything is read ----------------------------------------------------------------

    void require_possible_sizes() const {
        for (const uint64_t size : options_.sizes) {
            if (size < file_.file_bytes()) continue;
            throw Error(ErrorKind::kInput,
                        fmt::format("a file of {} is not smaller than the original, which has {}",
                                    format_bytes(size), format_bytes(file_.file_bytes())),
                        "ask for less");
        }
    }

    // --- what plans are made from ---------------------------------------------------------------

    void find_importance() {
        if (!importance_.empty()) return;
        importance_ = work_ / "importance.gguf";
        ImportanceOptions measuring{
            .texts = texts_.importance, .engine = options_.engine, .isolation = options_.isolation};
        measure_importance(original_, importance_, measuring, progress_);
    }

    void sweep() {
        SweepOptions sweeping = options_.sweep;
        sweeping.texts = texts_.sweep;
        sweeping.importance = importance_;
        sweeping.sizes = options_.sizes;
        sweeping.work = work_ / "sweep";
        sweeping.engine = options_.engine;
        sweeping.isolation = options_.isolation;
        outcome_.sweep = sweep_model(original_, sweeping, store_, progress_).table;
        make_mixer();
    }

    void guess() {
        PlanGuess found = options_.guess(importance_);
        outcome_.sweep = std::move(found.table);
        outcome_.calibration = found.calibration;
        outcome_.guess = std::move(found.about);
        prior_ = found.prior;
        mixer_.emplace(model_, outcome_.sweep, found.sensitivities, options_.mix,
                       outcome_.calibration);
    }

    void make_mixer() {
        const auto found = sensitivities(outcome_.sweep);
        outcome_.calibration =
            through_mixes(calibrate(outcome_.sweep, found), outcome_.sweep, found);
        mixer_.emplace(model_, outcome_.sweep, found, options_.mix, outcome_.calibration);
    }

    void make_held_out_baseline() {
        const TextSlice text{.texts = texts_.held_out,
                             .protocol = options_.sweep.protocol,
                             .tokens = options_.verify_tokens};
        held_out_key_ = make_text_baseline(original_, held_out(), text, options_.engine,
                                           options_.isolation, progress_)
                            .identity.corpus.key;
    }

    fs::path held_out() const { return work_ / fmt::format("held-out-{}", options_.verify_tokens); }

    // --- one file --------------------------------------------------------------------------------

    DynamicFile file_of(uint64_t size) {
        DynamicFile file{.path = options_.out / fmt::format("{}-{}.gguf", original_.stem().string(),
                                                            size_name(size)),
                         .recipe = "plan"};
        for (file.plans = 1;; ++file.plans) {
            file.plan =
                mixer_->for_bytes(size, [&](const Mix& mix) { return exact_bytes(file, mix); });
            file.promised = file.plan.predicted_nats;
            compare(file, size);
            file.kept_promise = is_kept(file);
            if (file.kept_promise || file.plans == kMostPlans) break;
            learn_from(file);
        }
        write(file, size);
        return file;
    }

    uint64_t exact_bytes(const DynamicFile& file, const Mix& mix) const {
        return preview_quantization(job_of(file, mix), silent_progress()).bytes;
    }

    QuantizeJob job_of(const DynamicFile& file, const Mix& mix) const {
        QuantizeJob job = types_job(original_, model_, mix, importance_, file.path.stem().string());
        job.out = file.path;
        add_provenance(job, file);
        return job;
    }

    MixMeasureJob on_held_out() const {
        return {.original = original_,
                .importance = importance_,
                .baseline = held_out(),
                .engine = options_.engine,
                .isolation = options_.isolation};
    }

    // The plan and the presets that might be better, on text that nobody has used.
    void compare(DynamicFile& file, uint64_t size) {
        std::vector<NamedMix> mixes = rivals(model_, *mixer_, size);
        mixes.push_back({"plan " + size_name(size), file.plan.mix, file.plan.file_bytes});
        const auto records = measure_mixes(on_held_out(), mixes, store_, progress_);
        file.record = records.back();
        file.presets.clear();
        for (size_t i = 0; i + 1 < mixes.size(); ++i) {
            const ClusterSeries &ours = file.record.clusters, &theirs = records[i].clusters;
            file.presets.push_back({mixes[i].name, mixes[i].file_bytes, records[i],
                                    compare_paired(ours.kld_sum, theirs.kld_sum, ours.tokens)});
        }
    }

    // Differences below the noise floor mean nothing. A guess promises nothing.
    bool is_kept(const DynamicFile& file) const {
        if (options_.guess) return true;
        const double off = std::abs(file.record.kld_nats.mean.value - file.promised.value);
        return off <= options_.promise_margin * file.promised.value + file.record.noise_floor_nats;
    }

    // What this mix came to joins what the calibration knows.
    void learn_from(const DynamicFile& file) {
        store_.put_mix(outcome_.sweep.key, {.name = file.record.model.file,
                                            .types = file.plan.mix,
                                            .record_key = file.record.key,
                                            .corpus_key = file.record.corpus.key,
                                            .kld_nats = file.record.kld_nats.mean});
        outcome_.sweep = *store_.find_sweep(outcome_.sweep.key);
        make_mixer();
    }

    // The plan, or the preset that is better on average.
    void write(DynamicFile& file, uint64_t size) {
        const auto best = std::ranges::min_element(
            file.presets, {}, [](const PresetResult& p) { return p.record.kld_nats.mean.value; });
        Mix mix = file.plan.mix;
        if (best != file.presets.end() &&
            best->record.kld_nats.mean.value < file.record.kld_nats.mean.value) {
            file.recipe = best->name;
            mix = mix_of(resolve(model_, *find_preset(best->name), true)).mix;
            progress_.warn(fmt::format("{} is better than the plan at {}, so it is what is written",
                                       best->name, format_bytes(size)));
        }
        quantize_model(job_of(file, mix), progress_);
        verify(file);
    }

    // Each of the same length whatever its value is, so that the size is known before.
    void add_provenance(QuantizeJob& job, const DynamicFile& file) const {
        const Estimate& kld = file.record.kld_nats.mean;
        job.notes["bitgauge.plan.recipe"] = file.recipe;
        job.notes[options_.guess ? "bitgauge.plan.guessed_kld_nats"
                                 : "bitgauge.plan.promised_kld_nats"] =
            fmt::format("{:>12.5e}", file.promised.value);
        job.notes["bitgauge.plan.measured_kld_nats"] =
            fmt::format("{:>12.5e} ({:>12.5e} to {:>12.5e})", kld.value, kld.low, kld.high);
        if (options_.guess) {
            job.notes["bitgauge.plan.guessed_from"] = prior_;
        } else {
            job.notes["bitgauge.plan.sweep"] = outcome_.sweep.key;
            job.notes["bitgauge.plan.sweep_text"] = outcome_.sweep.corpus.key;
        }
        job.notes["bitgauge.plan.held_out_text"] = held_out_key_;
    }

    // The file itself, whose numbers must be those of the mix.
    void verify(DynamicFile& file) {
        const MeasureOptions measuring{.engine = options_.engine, .isolation = options_.isolation};
        const fs::path files[] = {file.path};
        const auto find = [&](const std::string& key) { return store_.find(key); };
        const MeasureOutcome measured = measure(files, held_out(), measuring, find, progress_);
        if (measured.records.empty()) {
            throw Error(ErrorKind::kEnvironment, measured.failures.front(), "measure it by hand");
        }
        file.record = measured.records.front();
        store_.put(file.record);
    }

    const fs::path& original_;
    const DynamicOptions& options_;
    Store& store_;
    Progress& progress_;
    GgufFile file_;
    ModelHeader model_;
    fs::path work_;
    fs::path importance_;
    StepTexts texts_;
    std::string held_out_key_;
    std::string prior_;  // of a guess
    std::optional<Mixer> mixer_;
    DynamicOutcome outcome_;
};

}  // namespace

DynamicOutcome make_dynamic(const fs::path& original, const DynamicOptions& options, Store& store,
                            Progress& progress) {
    return Chain(original, options, store, progress).run();
}

}  // namespace bitgauge
