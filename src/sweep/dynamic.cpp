#include "bitgauge/dynamic.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/files.h"
#include "base/units.h"

#include "quantize/types_job.h"
#include "sweep/mix_measure.h"
#include "sweep/planned_rounding.h"
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
        texts_ = share_texts(options_.texts, options_.held_out,
                             options_.importance.empty() || options_.feedback, work_ / "texts",
                             progress_);
        outcome_.overlap = texts_.overlap;
        find_importance();
        options_.guess ? guess() : sweep();
        if (options_.feedback) find_gains();
        make_mixers();
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
        if (!options_.feedback) sweeping.sizes = options_.sizes;
        sweeping.work = work_ / "sweep";
        sweeping.engine = options_.engine;
        sweeping.isolation = options_.isolation;
        outcome_.sweep = sweep_model(original_, sweeping, store_, progress_).table;
        calibrate_sweep();
    }

    void calibrate_sweep() {
        sensitivities_ = sensitivities(outcome_.sweep);
        outcome_.calibration = through_mixes(calibrate(outcome_.sweep, sensitivities_),
                                             outcome_.sweep, sensitivities_);
    }

    void guess() {
        PlanGuess found = options_.guess(importance_);
        outcome_.sweep = std::move(found.table);
        outcome_.calibration = found.calibration;
        outcome_.guess = std::move(found.about);
        prior_ = found.prior;
        sensitivities_ = std::move(found.sensitivities);
    }

    // What feedback will save, so that plans know the price of each type.
    void find_gains() {
        const auto& types = options_.mix.types.empty() ? planned_types() : options_.mix.types;
        gains_ = measure_feedback_gains(original_, work_ / "gains",
                                        feedback_options(types_to_try(outcome_.sweep)), types,
                                        progress_);
    }

    void make_mixers() {
        mixer_.emplace(model_, priced(outcome_.sweep, gains_), sensitivities_, options_.mix,
                       outcome_.calibration);
        presets_.emplace(model_, outcome_.sweep, sensitivities_, MixOptions{},
                         outcome_.calibration);
    }

    FeedbackOptions feedback_options(std::map<std::string, std::string> types) const {
        FeedbackOptions options{.texts = texts_.importance,
                                .types = std::move(types),
                                .importance = importance_,
                                .engine = options_.engine,
                                .isolation = options_.isolation};
        options.protocol.window_tokens = options_.sweep.protocol.window_tokens;
        return options;
    }

    void make_held_out_baseline() {
        const TextSlice text{.texts = texts_.held_out,
                             .protocol = options_.sweep.protocol,
                             .tokens = options_.verify_tokens};
        held_out_key_ = make_text_baseline(original_, held_out(), text, options_.engine,
                                           options_.isolation, progress_)
                            .identity.corpus.key;
    }

    // What the original says about the sweep's text, as files are measured.
    fs::path on_sweep_text() {
        fs::path folder = work_ / "promise";
        make_text_baseline(original_, folder,
                           {.texts = texts_.sweep,
                            .protocol = options_.sweep.protocol,
                            .tokens = options_.sweep.reference_tokens},
                           options_.engine, options_.isolation, progress_);
        return folder;
    }

    fs::path held_out() const { return work_ / fmt::format("held-out-{}", options_.verify_tokens); }

    // --- one file --------------------------------------------------------------------------------

    DynamicFile file_of(uint64_t size) {
        DynamicFile file{.path = options_.out / fmt::format("{}-{}.gguf", original_.stem().string(),
                                                            size_name(size)),
                         .recipe = "plan"};
        if (options_.feedback) {
            make_rounded(file, size);
        } else {
            make_nearest(file, size);
        }
        return file;
    }

    // Plans until one keeps its promise: mixes are measured without a file, and the file is
    // written.
    void make_nearest(DynamicFile& file, uint64_t size) {
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
    }

    // Feedback is of the whole mix, so there has to be a file before anything can be measured.
    void make_rounded(DynamicFile& file, uint64_t size) {
        file.plan = mixer_->for_bytes(size, [&](const Mix& mix) { return exact_bytes(file, mix); });
        file.rounding = round_with_feedback(original_, rounded_folder(size),
                                            feedback_options(file.plan.mix), progress_);
        const fs::path trial = rounded_folder(size) / "trial.gguf";
        QuantizeJob job = job_of(file, file.plan.mix);
        job.rounded = rounded_folder(size);
        job.out = trial;
        quantize_model(job, progress_);
        file.promised = options_.guess ? file.plan.predicted_nats
                                       : measured(trial, on_sweep_text()).kld_nats.mean;
        file.record = measured(trial, held_out());
        fs::remove(trial);
        const auto mixes = rivals(model_, *presets_, size);
        set_beside(file, mixes, measure_mixes(on_held_out(), mixes, store_, progress_));
        file.kept_promise = is_kept(file);
        write(file, size);
    }

    fs::path rounded_folder(uint64_t size) const { return work_ / ("rounded-" + size_name(size)); }

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

    // The plan and the presets that might be better, on text that nobody has used, in one pass.
    void compare(DynamicFile& file, uint64_t size) {
        std::vector<NamedMix> mixes = rivals(model_, *presets_, size);
        mixes.push_back({"plan " + size_name(size), file.plan.mix, file.plan.file_bytes});
        const auto records = measure_mixes(on_held_out(), mixes, store_, progress_);
        mixes.pop_back();
        file.record = records.back();
        set_beside(file, mixes, records);
    }

    static void set_beside(DynamicFile& file, const std::vector<NamedMix>& mixes,
                           std::span<const MeasureRecord> records) {
        file.presets.clear();
        for (size_t i = 0; i < mixes.size(); ++i) {
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
        calibrate_sweep();
        make_mixers();
    }

    // The plan, or the preset that is better on average.
    void write(DynamicFile& file, uint64_t size) {
        const auto best = std::ranges::min_element(
            file.presets, {}, [](const PresetResult& p) { return p.record.kld_nats.mean.value; });
        Mix mix = file.plan.mix;
        if (best != file.presets.end() &&
            best->record.kld_nats.mean.value < file.record.kld_nats.mean.value) {
            file.recipe = best->name;
            file.rounding = {};
            mix = mix_of(resolve(model_, *find_preset(best->name), true)).mix;
            progress_.warn(fmt::format("{} is better than the plan at {}, so it is what is written",
                                       best->name, format_bytes(size)));
        }
        QuantizeJob job = job_of(file, mix);
        if (!file.rounding.tensors.empty()) job.rounded = rounded_folder(size);
        quantize_model(job, progress_);
        file.record = measured(file.path, held_out());
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
        if (options_.feedback && file.recipe == "plan") {
            note_rounding(job, file.rounding, texts_.importance);
        }
    }

    // The file itself.
    MeasureRecord measured(const fs::path& file, const fs::path& baseline) {
        const MeasureOptions measuring{.engine = options_.engine, .isolation = options_.isolation};
        const fs::path files[] = {file};
        const auto find = [&](const std::string& key) { return store_.find(key); };
        const MeasureOutcome outcome = measure(files, baseline, measuring, find, progress_);
        if (outcome.records.empty()) {
            throw Error(ErrorKind::kEnvironment, outcome.failures.front(), "measure it by hand");
        }
        store_.put(outcome.records.front());
        return outcome.records.front();
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
    FeedbackGains gains_;
    std::string prior_;  // of a guess
    std::vector<Sensitivity> sensitivities_;
    std::optional<Mixer> mixer_;    // of plans
    std::optional<Mixer> presets_;  // without gains, limits or wishes
    DynamicOutcome outcome_;
};

}  // namespace

DynamicOutcome make_dynamic(const fs::path& original, const DynamicOptions& options, Store& store,
                            Progress& progress) {
    return Chain(original, options, store, progress).run();
}

}  // namespace bitgauge
