#include "bitgauge/drift.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "bitgauge/accuracy.h"
#include "bitgauge/error.h"
#include "bitgauge/gguf.h"

#include "base/clock.h"
#include "base/hash.h"
#include "engine/isolated_job.h"
#include "eval/candidate.h"

#include "tasks/answer_journal.h"
#include "tasks/ask.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

constexpr size_t kFloorPrompts = 32;

using Written = std::vector<std::vector<TokenId>>;

// Which windows are gone on from, and what they are called.
struct Beginnings {
    std::vector<TokenizedPrompt> prompts;
    std::vector<uint32_t> stratum;
    std::vector<uint32_t> cluster;
};

std::string key_of(std::span<const TokenId> tokens) {
    return hash_text(fmt::format("{}", fmt::join(tokens, " ")));
}

std::string key_of(const DriftRecord& record) {
    return hash_text(fmt::format("{} {} {} {} {} {} {} {} {}", DriftRecord::kSchema,
                                 record.model.content_hash, record.baseline_key,
                                 record.beginnings_key, record.prompt_tokens, record.tokens,
                                 record.parallel, record.build.llama, record.build.ggml));
}

std::string key_of(std::span<const TokenizedPrompt> prompts) {
    std::vector<std::string> keys;
    for (const TokenizedPrompt& prompt : prompts) keys.push_back(prompt.key);
    return combined_hash(keys);
}

// As many of one stratum as of the other as far as they go, spread evenly over each.
std::vector<size_t> chosen_windows(const Windows& windows, const DriftOptions& options) {
    std::vector<std::vector<size_t>> of(windows.strata.size());
    for (size_t i = 0; i < windows.windows.size(); ++i) {
        const Window& window = windows.windows[i];
        if (window.tokens.size() >= options.prompt_tokens) of[window.stratum].push_back(i);
    }
    std::ranges::sort(of, {}, &std::vector<size_t>::size);
    std::vector<size_t> chosen;
    for (size_t s = 0; s < of.size(); ++s) {
        const size_t share = (options.prompts - chosen.size()) / (of.size() - s);
        const size_t taken = std::min(share, of[s].size());
        for (size_t i = 0; i < taken; ++i) chosen.push_back(of[s][i * of[s].size() / taken]);
    }
    std::ranges::sort(chosen);
    return chosen;
}

Beginnings beginnings_of(const Windows& windows, const DriftOptions& options) {
    Beginnings beginnings;
    std::map<std::string, bool> known;
    for (const size_t i : chosen_windows(windows, options)) {
        const Window& window = windows.windows[i];
        const auto tokens = std::span(window.tokens).first(options.prompt_tokens);
        std::string key = key_of(tokens);
        if (!known.try_emplace(key).second) continue;
        beginnings.prompts.push_back({std::move(key), {tokens.begin(), tokens.end()}});
        beginnings.stratum.push_back(window.stratum);
        beginnings.cluster.push_back(window.cluster);
    }
    if (!beginnings.prompts.empty()) return beginnings;
    throw Error(ErrorKind::kInput,
                fmt::format("no window of the baseline has the {} tokens of a prompt",
                            options.prompt_tokens),
                "give a smaller --prompt-tokens, or make a baseline with longer windows");
}

uint32_t same_tokens(const std::vector<TokenId>& a, const std::vector<TokenId>& b, uint32_t most) {
    const auto [end, other] = std::ranges::mismatch(a, b);
    const bool both_end = end == a.end() && other == b.end();
    return both_end ? most : static_cast<uint32_t>(end - a.begin());
}

class DriftMeasure {
  public:
    DriftMeasure(const fs::path& baseline, const DriftOptions& options, Progress& progress)
        : folder_{baseline},
          manifest_(read_manifest(folder_)),
          windows_(read_windows(folder_.windows())),
          beginnings_(beginnings_of(windows_, options)),
          options_(options),
          progress_(progress) {}

    DriftOutcome outcome(std::span<const fs::path> files, const fs::path& original) {
        DriftOutcome outcome = {.baseline_key = manifest_.identity.baseline.key,
                                .beginnings_key = key_of(beginnings_.prompts),
                                .strata = windows_.strata,
                                .stratum = beginnings_.stratum,
                                .cluster = beginnings_.cluster,
                                .clusters = windows_.n_clusters,
                                .prompt_tokens = options_.prompt_tokens,
                                .tokens = options_.tokens,
                                .parallel = options_.parallel};
        const ModelIdentity& identity = manifest_.identity.baseline.original;
        const Written wanted = original_written(original, options_.parallel, beginnings_.prompts);
        const auto some = std::span(beginnings_.prompts)
                              .first(std::min(kFloorPrompts, beginnings_.prompts.size()));
        outcome.floor = compared(identity, original_written(original, 1, some), wanted);
        for (const fs::path& file : files) {
            outcome.candidates.push_back(candidate(file, wanted));
        }
        return outcome;
    }

  private:
    JournalName journal(const ModelIdentity& model, uint32_t parallel) const {
        const EngineDescription engine = describe_engine();
        const std::string identity =
            hash_text(fmt::format("drift/2 {} {} {} {} {}", model.content_hash, options_.tokens,
                                  parallel, engine.llama, engine.ggml));
        return {folder_.root / "drift" / (identity + ".jsonl"), identity};
    }

    // Empty where something is missing.
    static Written kept(const JournalName& journal, std::span<const TokenizedPrompt> prompts) {
        auto known = read_journal(journal.path, journal.identity);
        Written written;
        for (const TokenizedPrompt& prompt : prompts) {
            const auto found = known.find(prompt.key);
            if (found == known.end()) return {};
            written.push_back(std::move(found->second.token_ids));
        }
        return written;
    }

    Written written(const fs::path& model, const JournalName& journal, uint32_t parallel,
                    std::span<const TokenizedPrompt> prompts) {
        AskJob job = {.model = model,
                      .weighed = journal,
                      .written = journal,
                      .beginnings = {prompts.begin(), prompts.end()},
                      .settings = {.answer_tokens = options_.tokens, .parallel = parallel},
                      .engine = options_.engine};
        const fs::path work = folder_.root / "drift" / (journal.identity + ".work");
        run_job(to_json(job), work, options_.isolation, progress_, do_ask_job);
        return kept(journal, prompts);
    }

    Written original_written(const fs::path& path, uint32_t parallel,
                             std::span<const TokenizedPrompt> prompts) {
        const ModelIdentity& original = manifest_.identity.baseline.original;
        const JournalName name = journal(original, parallel);
        if (Written known = kept(name, prompts); !known.empty()) return known;
        require_original(path);
        return written(path, name, parallel, prompts);
    }

    void require_original(const fs::path& path) const {
        const ModelIdentity& wanted = manifest_.identity.baseline.original;
        if (path.empty()) {
            throw Error(ErrorKind::kInput,
                        fmt::format("what '{}' writes is not known yet", wanted.file),
                        "name the original's file once with --original");
        }
        const ModelIdentity given = identify_model(GgufFile::open(path), /*with_hash=*/true);
        if (given.content_hash == wanted.content_hash) return;
        throw Error(ErrorKind::kInput,
                    fmt::format("'{}' is not the file that the baseline was made from ('{}')",
                                path.string(), wanted.file),
                    "name the very file, or make a new baseline");
    }

    Drift candidate(const fs::path& path, const Written& wanted) {
        const GgufFile file = GgufFile::open(path);
        require_comparable(file, manifest_, path);
        const ModelIdentity identity = identify_model(file, /*with_hash=*/true);
        const JournalName name = journal(identity, options_.parallel);
        const double begun = steady_seconds();
        Written mine = kept(name, beginnings_.prompts);
        const bool was_kept = !mine.empty();
        if (!was_kept) mine = written(path, name, options_.parallel, beginnings_.prompts);
        Drift drift = compared(identity, mine, wanted);
        if (!was_kept) drift.elapsed_s = steady_seconds() - begun;
        return drift;
    }

    Drift compared(const ModelIdentity& model, const Written& mine, const Written& wanted) const {
        Drift drift = {.model = model};
        for (size_t i = 0; i < mine.size(); ++i) {
            drift.same_tokens.push_back(same_tokens(mine[i], wanted[i], options_.tokens));
        }
        return drift;
    }

    BaselineFolder folder_;
    BaselineManifest manifest_;
    Windows windows_;
    Beginnings beginnings_;
    const DriftOptions& options_;
    Progress& progress_;
};

}  // namespace

Estimate identical_share(const DriftOutcome& outcome, const Drift& drift, uint32_t tokens,
                         int32_t within) {
    std::vector<uint32_t> same;
    std::vector<uint32_t> cluster;
    for (size_t i = 0; i < drift.same_tokens.size(); ++i) {
        if (within >= 0 && outcome.stratum[i] != static_cast<uint32_t>(within)) continue;
        same.push_back(drift.same_tokens[i]);
        cluster.push_back(outcome.cluster[i]);
    }
    return share_reaching(same, tokens, cluster, outcome.clusters);
}

double median_same_tokens(const Drift& drift) {
    return median_of(drift.same_tokens);
}

std::vector<DriftRecord> drift_records(const DriftOutcome& outcome, const EngineOptions& engine) {
    std::vector<DriftRecord> records;
    for (const Drift& drift : outcome.candidates) {
        DriftRecord& record = records.emplace_back();
        record = {.created_utc = utc_now(),
                  .model = drift.model,
                  .baseline_key = outcome.baseline_key,
                  .original = outcome.floor.model,
                  .beginnings_key = outcome.beginnings_key,
                  .prompt_tokens = outcome.prompt_tokens,
                  .tokens = outcome.tokens,
                  .parallel = outcome.parallel,
                  .strata = outcome.strata,
                  .clusters = outcome.clusters,
                  .beginnings = {outcome.stratum, outcome.cluster, drift.same_tokens},
                  .floor_same_tokens = outcome.floor.same_tokens,
                  .build = build_identity(engine),
                  .elapsed_s = drift.elapsed_s};
        record.key = key_of(record);
    }
    return records;
}

DriftOutcome measure_drift(std::span<const fs::path> files, const fs::path& baseline,
                           const fs::path& original, const DriftOptions& options,
                           Progress& progress) {
    return DriftMeasure(baseline, options, progress).outcome(files, original);
}

}  // namespace bitgauge
