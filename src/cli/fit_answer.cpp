#include "cli/fit_answer.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <system_error>

#include <fmt/format.h>

#include "bitgauge/load_memory.h"
#include "bitgauge/store.h"

#include "base/units.h"
#include "cli/engine_options.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

constexpr uint64_t kFirstContext = 1024;
constexpr uint64_t kUsualContext = 8192;
constexpr uint64_t kUnknownContext = 131'072;  // looked up to where the header has none
constexpr int kMostChecks = 4;

uint64_t trained_context_of(const GgufFile& file) {
    const auto tokens = file.integer(file.architecture() + ".context_length");
    return tokens && *tokens > 0 ? static_cast<uint64_t>(*tokens) : 0;
}

// Of all models, so that their rows compare.
uint64_t usual_context(const FitModels& models) {
    uint64_t tokens = kUsualContext;
    for (const FitModel& model : models.models) {
        const uint64_t trained = trained_context_of(model.header);
        if (trained > 0) tokens = std::min(tokens, trained);
    }
    return tokens;
}

uint64_t most_context(const GgufFile& file, uint64_t asked) {
    const uint64_t trained = trained_context_of(file);
    return std::max(asked, trained > 0 ? trained : kUnknownContext);
}

// What contexts of one model take: a ladder of lengths, and more where a choice depends on one.
class SimulatedContexts {
  public:
    SimulatedContexts(const FitModel& model, const FitWish& wish, const fs::path& scratch,
                      Progress& progress)
        : model_(model),
          wish_(wish),
          scratch_(scratch),
          progress_(progress),
          curve_(simulate(ladder(wish.tokens, most_context(model.header, wish.tokens)))) {}

    const ContextCurve& curve() const { return curve_; }

    void look_at(uint64_t tokens) {
        for (const ContextMemory& memory : simulate({static_cast<uint32_t>(tokens)})) {
            curve_.add(memory);
        }
    }

  private:
    static std::vector<uint32_t> ladder(uint64_t asked, uint64_t most) {
        most = std::min<uint64_t>(most, std::numeric_limits<int32_t>::max());
        std::set<uint32_t> contexts = {static_cast<uint32_t>(asked), static_cast<uint32_t>(most)};
        for (uint64_t tokens = kFirstContext; tokens < most; tokens *= 2) {
            contexts.insert(static_cast<uint32_t>(tokens));
        }
        return {contexts.begin(), contexts.end()};
    }

    std::vector<ContextMemory> simulate(const std::vector<uint32_t>& contexts) const {
        return simulate_loading(model_.path,
                                {.contexts = contexts,
                                 .key_type = wish_.key_type,
                                 .value_type = wish_.value_type,
                                 .call_tokens = wish_.call_tokens},
                                this_program(), scratch_ / "job", progress_);
    }

    const FitModel& model_;
    const FitWish& wish_;
    const fs::path& scratch_;
    Progress& progress_;
    ContextCurve curve_;
};

// The largest context, of which libllama itself has said what it takes.
uint64_t checked_largest(const FitFile& file, const Machine& machine, Fit worst, uint64_t most,
                         SimulatedContexts& contexts) {
    for (int check = 0;; ++check) {
        const uint64_t tokens = largest_context(file.parts, contexts.curve(), machine, worst, most);
        if (tokens == 0 || contexts.curve().knows(tokens) || check == kMostChecks) return tokens;
        contexts.look_at(tokens);
    }
}

FitRow row_of(const FitFile& file, const Machine& machine, const FitWish& wish, uint64_t most,
              SimulatedContexts& contexts) {
    FitRow row{.file = &file, .context = contexts.curve().at(wish.tokens)};
    row.placement = place(file.parts, row.context, machine);
    const Fit fit = row.placement.fit;
    row.largest_anywhere = checked_largest(file, machine, Fit::kInRam, most, contexts);
    row.largest_context = fit == Fit::kInRam || fit == Fit::kNowhere
                              ? row.largest_anywhere
                              : checked_largest(file, machine, fit, most, contexts);
    return row;
}

// --- what the store knows -----------------------------------------------------------------------

// By name and size: hashes would be read for hours, and are unknown of what is not here.
const FitRow* find_row(const std::vector<FitRow>& rows, const ModelIdentity& model) {
    const auto found = std::find_if(rows.begin(), rows.end(), [&](const FitRow& row) {
        return row.file->name == model.file && row.file->bytes == model.size_bytes;
    });
    return found == rows.end() ? nullptr : &*found;
}

// Divergences of one baseline: the one that most of the files were measured against.
std::map<std::string, double> divergences(const std::vector<FitRow>& rows, const fs::path& path) {
    std::error_code none;
    if (path.empty() || !fs::exists(path, none)) return {};
    std::map<std::string, std::map<std::string, double>> by_baseline;
    for (const MeasureRecord& record : Store(path, Store::Access::kReadOnly).all()) {
        if (find_row(rows, record.model) == nullptr) continue;
        by_baseline[record.baseline.key][record.model.file] = record.kld_nats.mean.value;
    }
    const auto most = std::max_element(
        by_baseline.begin(), by_baseline.end(),
        [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
    return most == by_baseline.end() ? std::map<std::string, double>() : most->second;
}

// --- which one ----------------------------------------------------------------------------------

void choose(FitAnswer& answer) {
    const auto& rows = answer.rows;
    Fit best_fit = Fit::kNowhere;
    for (const FitRow& row : rows) best_fit = std::min(best_fit, row.placement.fit);
    if (best_fit == Fit::kNowhere) return;
    const auto measured = std::count_if(rows.begin(), rows.end(), [&](const FitRow& row) {
        return row.placement.fit == best_fit && row.kld_nats;
    });
    answer.by_divergence = measured > 1;
    const auto better = [&](const FitRow& a, const FitRow& b) {
        if (answer.by_divergence) return *a.kld_nats < *b.kld_nats;
        return a.file->bytes > b.file->bytes;
    };
    for (size_t i = 0; i < rows.size(); ++i) {
        const bool counts = rows[i].placement.fit == best_fit &&
                            (!answer.by_divergence || rows[i].kld_nats.has_value());
        if (counts && (!answer.best || better(rows[i], rows[*answer.best]))) answer.best = i;
    }
}

}  // namespace

uint64_t FitAnswer::trained_context(const FitRow& row) const {
    return trained_context_of(models.models[row.file->model].header);
}

FitAnswer answer_fit(FitModels models, const Machine& machine, const FitWish& asked,
                     const fs::path& scratch, Progress& progress) {
    FitAnswer answer{.wish = asked, .machine = machine, .models = std::move(models)};
    if (asked.tokens == 0) answer.wish.tokens = usual_context(answer.models);
    const FitWish& wish = answer.wish;
    std::map<size_t, SimulatedContexts> contexts;
    for (const FitFile& file : answer.models.files) {
        const FitModel& model = answer.models.models[file.model];
        const auto at = contexts.try_emplace(file.model, model, wish, scratch, progress).first;
        answer.rows.push_back(
            row_of(file, machine, wish, most_context(model.header, wish.tokens), at->second));
    }
    const auto known = divergences(answer.rows, wish.store);
    for (FitRow& row : answer.rows) {
        const auto found = known.find(row.file->name);
        if (found != known.end()) row.kld_nats = found->second;
    }
    choose(answer);
    return answer;
}

}  // namespace bitgauge
