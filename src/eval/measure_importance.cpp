#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/eval.h"
#include "bitgauge/version.h"

#include "base/files.h"
#include "base/hash.h"
#include "base/units.h"
#include "engine/cut_rules.h"
#include "eval/baseline_folder.h"
#include "eval/corpus_identity.h"
#include "eval/encode_corpus.h"
#include "eval/importance_pass.h"
#include "eval/stage_way.h"
#include "eval/work.h"

#include "importance/importance_sums.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

// Windows in the order they are read, and where a look at the experts is due.
struct Schedule {
    Windows windows;
    std::vector<size_t> round_ends;
    uint32_t window_tokens = 0;  // the longest: the model's trained context may be shorter
};

std::string content_of(const Window& window) {
    const std::string_view bytes(reinterpret_cast<const char*>(window.tokens.data()),
                                 window.tokens.size() * sizeof(TokenId));
    return hash_text(bytes);
}

// Takes windows of a text one by one, in the order of shorter choices from the same text.
class Picker {
  public:
    explicit Picker(Windows all) : all_(std::move(all)), picked_(all_) {
        picked_.windows.clear();
        for (size_t i = all_.windows.size(); i-- > 0;) {
            places_[content_of(all_.windows[i])].push_back(i);
        }
    }

    // Those of `choice` that are not there yet, as often as the text has them.
    void add(const Windows& choice) {
        std::map<std::string, size_t> wanted;
        for (const Window& window : choice.windows) {
            const std::string content = content_of(window);
            if (++wanted[content] > taken_[content]) take(content);
        }
    }
    void add_rest() { add(all_); }
    size_t size() const { return picked_.windows.size(); }
    bool has_all() const { return size() == all_.windows.size(); }
    Windows finish() { return std::move(picked_); }

  private:
    void take(const std::string& content) {
        std::vector<size_t>& places = places_[content];
        if (places.empty()) return;
        picked_.windows.push_back(all_.windows[places.back()]);
        places.pop_back();
        ++taken_[content];
    }

    Windows all_;
    Windows picked_;
    std::map<std::string, std::vector<size_t>> places_;  // that are left, the first one last
    std::map<std::string, size_t> taken_;
};

// As many windows as are wanted at first; should experts still be rare, twice as many, and so on
// until the text ends. Each step takes an even share of the strata.
Schedule schedule_of(Corpus& corpus, const Model& vocabulary, const ImportanceOptions& options) {
    Protocol protocol = options.protocol;
    if (options.min_expert_tokens == 0 || protocol.max_windows == 0) {
        Schedule one{.windows = encode_corpus(corpus, vocabulary, protocol)};
        one.round_ends = {one.windows.windows.size()};
        one.window_tokens = protocol.window_tokens;
        return one;
    }
    Protocol unbounded = protocol;
    unbounded.max_windows = 0;
    Picker picker(encode_corpus(corpus, vocabulary, unbounded));
    Schedule schedule;
    while (!picker.has_all()) {
        const size_t before = picker.size();
        picker.add(encode_corpus(corpus, vocabulary, protocol));
        if (picker.size() == before) picker.add_rest();
        schedule.round_ends.push_back(picker.size());
        protocol.max_windows *= 2;
    }
    schedule.windows = picker.finish();
    schedule.window_tokens = protocol.window_tokens;
    return schedule;
}

ImportanceProvenance provenance(const GgufFile& file, const Corpus& corpus,
                                const ImportanceOptions& options) {
    const ModelIdentity model = identify_model(file, /*with_hash=*/true);
    const bool peer = options.protocol.kind == Protocol::Kind::kLlamaPerplexity;
    ImportanceProvenance made{.bitgauge = kVersion,
                              .llama = describe_engine().llama,
                              .model = model.file,
                              .model_hash = model.content_hash,
                              .protocol = peer ? "llama-perplexity" : "documents"};
    for (const CorpusFile& text : corpus.files) {
        made.texts.push_back({text.path.string(), text.stratum, text.content_hash, text.documents});
    }
    return made;
}

void add_strata(ImportanceProvenance& made, const Windows& windows, size_t read) {
    std::vector<std::set<uint32_t>> documents(windows.strata.size());
    for (const std::string& name : windows.strata) made.strata.push_back({.name = name});
    for (const Window& window : std::span(windows.windows).first(read)) {
        auto& stratum = made.strata[window.stratum];
        ++stratum.windows;
        stratum.tokens += window.tokens.size();
        documents[window.stratum].insert(window.cluster);
    }
    for (size_t i = 0; i < documents.size(); ++i) made.strata[i].documents = documents[i].size();
}

std::string identity_of(const ImportanceProvenance& made, const Corpus& corpus,
                        const ImportanceOptions& options, const PassShape& shape) {
    const EngineDescription engine = describe_engine();
    return hash_text(fmt::format("importance/1 {} {} {} {} {} {} {} {} {} {} {} {}",
                                 made.model_hash, corpus.key, made.protocol,
                                 options.protocol.window_tokens, options.protocol.warmup_tokens,
                                 options.protocol.max_windows, options.head, options.prediction,
                                 shape.sequences, shape.ubatch_tokens, engine.llama, engine.ggml));
}

int64_t rarest_of(const ImportanceSums& sums) {
    int64_t rarest = -1;
    for (const auto& [tensor, index] : sums.tensors) {
        const auto& counts = sums.groups[index].counts;
        if (counts.size() < 2) continue;
        const int64_t least = *std::ranges::min_element(counts);
        rarest = rarest < 0 ? least : std::min(rarest, least);
    }
    return rarest;
}

PassShape shape_of(const ImportanceOptions& options, const Schedule& schedule,
                   const Model& vocabulary) {
    PassShape shape = default_shape(schedule.window_tokens, vocabulary.vocabulary());
    if (options.ubatch_tokens > 0) shape.ubatch_tokens = options.ubatch_tokens;
    shape.sequences = std::min(shape.sequences, shape.ubatch_tokens);
    return shape;
}

fs::path work_folder(const fs::path& out) {
    return fs::path(out).concat(".work");
}

bool sums_are_there(const ImportanceJob& job) {
    if (!fs::exists(sums_path(job))) return false;
    try {
        return read_importance_sums(sums_path(job)).made.pass == job.identity;
    } catch (const Error&) {
        return false;
    }
}

// Prediction layers take in what only the last layer gives: they come after all stages.
void require_whole(const StageWay& way, const fs::path& original) {
    if (!way.staged) return;
    throw Error(ErrorKind::kInput,
                fmt::format("prediction layers are measured beside the whole model, but '{}' is "
                            "evaluated in stages",
                            original.string()),
                "leave --nextn out, or add --stages off");
}

void require_prediction_layer(const fs::path& original, const GgufFile& file) {
    const std::string architecture = file.architecture();
    if (file.integer(architecture + ".nextn_predict_layers").value_or(0) < 1) {
        throw Error(
            ErrorKind::kInput,
            fmt::format("'{}' has no layers that predict further tokens", original.string()),
            "leave --nextn out");
    }
    if (predicts_from_final_states(architecture)) return;
    throw Error(ErrorKind::kInput,
                fmt::format("the prediction layers of '{}' cannot be measured: those of {} models "
                            "take in other states than the final ones, or libllama has no graph "
                            "for them",
                            original.string(), architecture),
                "leave --nextn out");
}

// Reads the rounds one after the other until no expert is rare or the text ends.
class ImportanceRounds {
  public:
    ImportanceRounds(const fs::path& original, const ImportanceOptions& options, ImportanceJob job,
                     Progress& progress)
        : original_(original), options_(options), job_(std::move(job)), progress_(progress) {}

    ImportanceSums run(const Schedule& schedule, ImportanceOutcome& outcome) {
        ImportanceSums sums;
        const std::string identity = job_.identity;
        for (const size_t end : schedule.round_ends) {
            job_.last = end;
            job_.identity = fmt::format("{} {}", identity, end);
            sums = read_round();
            outcome.windows = end;
            outcome.rarest_expert_tokens = rarest_of(sums);
            const bool enough = outcome.rarest_expert_tokens < 0 ||
                                outcome.rarest_expert_tokens >= options_.min_expert_tokens;
            if (enough) break;
            job_.first = end;
            job_.start = sums_path(job_);
        }
        outcome.evaluation = job_.way.text;
        return sums;
    }

  private:
    ImportanceSums read_round() {
        if (!sums_are_there(job_)) {
            job_.way = choose_way_once();
            run_job(to_json(job_), job_.folder, options_.isolation, progress_);
        }
        return read_importance_sums(sums_path(job_));
    }

    StageWay choose_way_once() {
        if (!way_) {
            way_ = choose_way(original_, job_.shape, options_.engine, options_.isolation,
                              job_.folder, progress_);
            if (job_.prediction) require_whole(*way_, original_);
        }
        return *way_;
    }

    const fs::path& original_;
    const ImportanceOptions& options_;
    ImportanceJob job_;
    Progress& progress_;
    std::optional<StageWay> way_;
};

// Input that will never do leaves nothing to go on from.
ImportanceSums measured_sums(const fs::path& original, const ImportanceOptions& options,
                             ImportanceJob job, const Schedule& schedule,
                             ImportanceOutcome& outcome, Progress& progress) {
    const fs::path folder = job.folder;
    try {
        return ImportanceRounds(original, options, std::move(job), progress).run(schedule, outcome);
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::kInput) fs::remove_all(folder);
        throw;
    }
}

void warn_of_rare_experts(const ImportanceOptions& options, const ImportanceOutcome& outcome,
                          Progress& progress) {
    const int64_t rarest = outcome.rarest_expert_tokens;
    if (rarest < 0 || rarest >= std::max<int64_t>(1, options.min_expert_tokens)) return;
    progress.warn(
        fmt::format("an expert saw {} when the text ended; more text, or another kind of "
                    "it, would reach it (bitgauge imatrix --audit names it)",
                    counted(static_cast<uint64_t>(rarest), "token")));
}

}  // namespace

ImportanceOutcome measure_importance(const fs::path& original, const fs::path& out,
                                     const ImportanceOptions& options, Progress& progress) {
    Corpus corpus = read_corpus(options.texts);
    const GgufFile file = GgufFile::open(original);
    if (options.prediction) require_prediction_layer(original, file);
    const Model vocabulary = Model::load_vocabulary(original);
    const Schedule schedule = schedule_of(corpus, vocabulary, options);
    const PassShape shape = shape_of(options, schedule, vocabulary);
    ImportanceOutcome outcome{.made = provenance(file, corpus, options),
                              .window_tokens = schedule.window_tokens};
    const fs::path folder = work_folder(out);
    make_folder(folder);
    ImportanceJob job{.model = original,
                      .windows = folder / "windows.gguf",
                      .folder = folder,
                      .identity = identity_of(outcome.made, corpus, options, shape),
                      .prediction = options.prediction,
                      .head = options.head,
                      .checkpoint_seconds = options.checkpoint_seconds,
                      .shape = shape,
                      .engine = options.engine};
    write_windows(job.windows, schedule.windows);
    ImportanceSums sums =
        measured_sums(original, options, std::move(job), schedule, outcome, progress);
    add_strata(outcome.made, schedule.windows, outcome.windows);
    for (const auto& stratum : outcome.made.strata) outcome.tokens += stratum.tokens;
    outcome.tensors = sums.tensors.size();
    sums.made = outcome.made;
    for (const fs::path& text : options.texts) sums.datasets.push_back(text.string());
    write_importance(out, sums,
                     options.older_format ? ImportanceFormat::kOlder : ImportanceFormat::kGguf);
    outcome.bytes = fs::file_size(out);
    fs::remove_all(folder);
    warn_of_rare_experts(options, outcome, progress);
    return outcome;
}

}  // namespace bitgauge
