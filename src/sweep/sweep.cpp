#include "bitgauge/sweep.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "bitgauge/cost.h"
#include "bitgauge/error.h"
#include "bitgauge/importance.h"
#include "bitgauge/prior.h"
#include "bitgauge/qtype.h"
#include "bitgauge/recipe.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/hash.h"
#include "eval/measurement.h"
#include "eval/variants.h"

#include "quantize/type_errors.h"
#include "sweep/mix_measure.h"
#include "sweep/tensor_list.h"
#include "sweep/text_baseline.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

// Error that tensors are disturbed with: far above what the runtime itself adds and still in
// proportion; where experts may be switched, some of each role also with a small one, which tells
// that part from the rest.
constexpr double kProbeError = 0.025, kSmallError = 0.0012;
constexpr uint32_t kSmallEvery = 3;             // in depth
constexpr uint64_t kMostWeights = 128U << 10U;  // per tensor, for its type errors
constexpr size_t kProbesAtOnce = 128;
constexpr double kDisagreement = 1.65;                // of neighbours in depth: e^0.5
constexpr double kReferenceBits[] = {2.7, 3.7, 5.3};  // per weight
constexpr const char* kReferenceName = "mix of ";

// Types whose errors are measured: all that ggml can encode, for plans with other wishes.
std::vector<std::string> encoded_types() {
    std::vector<std::string> names;
    for (const QType& type : all_types()) {
        if (type.quantized && type.encodable) names.push_back(type.name);
    }
    return names;
}

class Sweep {
  public:
    Sweep(const fs::path& original, const SweepOptions& options, Store& store, Progress& progress)
        : original_(original),
          options_(options),
          store_(store),
          progress_(progress),
          file_(GgufFile::open(original)),
          model_(model_header(file_)),
          engine_(finest_stages(options.engine)) {
        // an accelerator multiplies weights of 16 bits fast, and has less memory
        engine_.single_precision = describe_engine().backend == "CPU";
    }

    SweepOutcome run() {
        make_folder(options_.work);
        begin_table(make_text_baseline(original_, baseline(), slice(options_.tokens), engine_,
                                       options_.isolation, progress_));
        add_errors();
        probe(wanted());
        while (!options_.full && refine()) {
        }
        if (is_complete()) measure_reference();
        outcome_.table = *store_.find_sweep(table_.key);
        return std::move(outcome_);
    }

  private:
    fs::path baseline() const { return options_.work / "baseline"; }

    TextSlice slice(uint64_t tokens) const {
        return {.texts = options_.texts, .protocol = options_.protocol, .tokens = tokens};
    }

    void begin_table(const BaselineManifest& manifest) {
        table_.original = manifest.identity.baseline.original;
        table_.protocol = manifest.identity.protocol;
        table_.corpus = manifest.identity.corpus;
        if (!options_.importance.empty()) {
            importance_.emplace(Importance::read(options_.importance));
            table_.importance_file = options_.importance.filename().string();
            table_.importance_hash = importance_->content_hash();
        }
        table_.key = hash_text(
            fmt::format("sweep {} {}", manifest.identity.baseline.key, table_.importance_hash));
        table_.created_utc = utc_now();
        table_.build = build_identity(options_.engine);
        note_clusters(read_windows(BaselineFolder{baseline()}.windows()));
        store_.put_sweep(table_);
        table_.tensors = quantized_tensors(model_);
        find_small_probes();
        take_over(*store_.find_sweep(table_.key));
    }

    void note_clusters(const Windows& windows) {
        table_.strata = windows.strata;
        table_.cluster_stratum.assign(windows.n_clusters, 0);
        table_.cluster_tokens.assign(windows.n_clusters, 0);
        for (const Window& window : windows.windows) {
            table_.cluster_stratum[window.cluster] = window.stratum;
            table_.cluster_tokens[window.cluster] += window.scored();
        }
    }

    void take_over(const SweepTable& kept) {
        for (const TensorCost& tensor : kept.tensors) {
            const auto same = std::ranges::find(table_.tensors, tensor.tensor, &TensorCost::tensor);
            if (same == table_.tensors.end()) continue;
            *same = tensor;
            if (!tensor.probes.empty()) ++outcome_.reused;
        }
    }

    void add_errors() {
        const TypeErrorMeter meter(file_, importance_ ? &*importance_ : nullptr, kMostWeights,
                                   options_.engine.threads);
        const auto types = encoded_types();
        progress_.begin("encoding in every type", static_cast<int64_t>(table_.tensors.size()),
                        "tensors");
        for (TensorCost& tensor : table_.tensors) {
            if (tensor.errors.empty()) {
                tensor.errors = meter.measure(tensor.tensor, types).relative;
                store_.put_tensor(table_.key, tensor);
            }
            progress_.advance(1);
        }
        progress_.end();
    }

    std::vector<size_t> wanted() const {
        std::vector<size_t> all(table_.tensors.size());
        std::iota(all.begin(), all.end(), size_t{0});
        return options_.full ? all : spread_in_depth(table_.tensors, options_.every);
    }

    // Whether there was something to refine.
    bool refine() {
        if (!is_complete()) return false;
        const std::vector<size_t> more = to_refine(table_, kDisagreement);
        probe(more);
        return !more.empty() && options_.share.count == 1;
    }

    // All that was to be measured, by whichever machine.
    bool is_complete() const {
        return std::ranges::all_of(wanted(),
                                   [&](size_t i) { return !table_.tensors[i].probes.empty(); });
    }

    // The type whose error is nearest the wanted one.
    static std::string probe_type(const TensorCost& tensor, double wanted) {
        std::string best;
        double distance = 1e9;
        for (const auto& [type, error] : tensor.errors) {
            if (error <= 0) continue;
            const double d = std::abs(std::log(error / wanted));
            if (d < distance) std::tie(best, distance) = std::pair(type, d);
        }
        return best;
    }

    void find_small_probes() {
        has_small_.assign(table_.tensors.size(), false);
        if (model_.experts == 0) return;
        for (const size_t i : every_in_depth(table_.tensors, kSmallEvery)) has_small_[i] = true;
    }

    void probe(std::vector<size_t> tensors) {
        std::erase_if(tensors, [&](size_t i) {
            return i % options_.share.count != options_.share.index ||
                   !table_.tensors[i].probes.empty();
        });
        for (std::span<const size_t> due(tensors); !due.empty();) {
            const size_t n = fitting_in_one_pass(due);
            probe_some(due.first(n));
            due = due.subspan(n);
        }
    }

    // How many of the first tensors are disturbed in one pass.
    size_t fitting_in_one_pass(std::span<const size_t> tensors) const {
        size_t probes = 0, n = 0;
        for (; n < tensors.size(); ++n) {
            probes += probes_of(tensors[n]);
            if (probes > kProbesAtOnce) break;
        }
        return n;
    }
    size_t probes_of(size_t tensor) const { return has_small_[tensor] ? 2 : 1; }

    // In one pass; where that is stopped, it goes on with the layer where it was.
    void probe_some(std::span<const size_t> tensors) {
        std::vector<VariantSpec> specs;
        for (const size_t i : tensors) {
            specs.push_back(probe_of(i, kProbeError));
            if (has_small_[i]) specs.push_back(probe_of(i, kSmallError));
        }
        const MeasureOptions measuring{.engine = engine_, .isolation = options_.isolation};
        const auto records = measure_variants(original_, specs, options_.importance, baseline(),
                                              measuring, {}, progress_);
        size_t next = 0;
        for (const size_t i : tensors) {
            const size_t n = probes_of(i);
            keep(table_.tensors[i], std::span(specs).subspan(next, n),
                 std::span(records).subspan(next, n));
            next += n;
        }
    }

    VariantSpec probe_of(size_t i, double error) const {
        const TensorCost& tensor = table_.tensors[i];
        return {.name = tensor.tensor,
                .types = {{tensor.tensor, probe_type(tensor, error)}},
                .use = VariantUse::kDequantized};
    }

    void keep(TensorCost& tensor, std::span<const VariantSpec> specs,
              std::span<const MeasureRecord> records) {
        for (size_t p = 0; p < specs.size(); ++p) {
            const std::string& type = specs[p].types.begin()->second;
            tensor.probes.push_back({.type = type,
                                     .error = tensor.errors.at(type),
                                     .kld_nats = records[p].kld_nats.mean,
                                     .cluster_kld = records[p].clusters.kld_sum});
        }
        store_.put_tensor(table_.key, tensor);
        ++outcome_.measured;
    }

    // Whole mixes: what sums of single tensors come to, and on more text than those were measured
    // on, what that text is beside all of it.
    void measure_reference() {
        const fs::path folder = options_.work / "mixes";
        make_text_baseline(original_, folder, slice(options_.reference_tokens), engine_,
                           options_.isolation, progress_);
        const auto mixes = reference_mixes();
        measure_on(baseline(), mixes, /*probes_text=*/true);
        measure_on(folder, mixes, /*probes_text=*/false);
        if (!options_.sizes.empty()) measure_on(folder, mixes_near_sizes(), /*probes_text=*/false);
        outcome_.complete = true;
    }

    // What plans of the sizes that will be asked for come to; the same ones whatever was asked for
    // before.
    std::vector<NamedMix> mixes_near_sizes() const {
        SweepTable kept = *store_.find_sweep(table_.key);
        std::erase_if(kept.mixes,
                      [](const MeasuredMix& mix) { return !mix.name.starts_with(kReferenceName); });
        const auto found = sensitivities(kept);
        const Mixer mixer(model_, kept, found, {}, calibrate(kept, found));
        std::vector<NamedMix> mixes;
        for (const uint64_t size : options_.sizes) {
            const MixPlan plan = mixer.for_bytes(size);
            mixes.push_back({fmt::format("mix near {} bytes", size), plan.mix, plan.file_bytes});
        }
        return mixes;
    }

    void measure_on(const fs::path& text, const std::vector<NamedMix>& mixes, bool probes_text) {
        const auto records = measure_mixes({.original = original_,
                                            .importance = options_.importance,
                                            .baseline = text,
                                            .engine = engine_,
                                            .isolation = options_.isolation},
                                           mixes, store_, progress_);
        for (size_t i = 0; i < mixes.size(); ++i) {
            store_.put_mix(table_.key,
                           {.name = mixes[i].name + (probes_text ? " (the probes' text)" : ""),
                            .types = mixes[i].mix,
                            .record_key = records[i].key,
                            .corpus_key = records[i].corpus.key,
                            .probes_text = probes_text,
                            .kld_nats = records[i].kld_nats.mean});
        }
    }

    std::vector<NamedMix> reference_mixes() const {
        const Mixer mixer(model_, table_, sensitivities(table_), {}, {});
        std::vector<NamedMix> mixes;
        for (const double bits : kReferenceBits) {
            const double wanted = bits / 8 * static_cast<double>(file_.parameters());
            const auto bytes = std::max(static_cast<uint64_t>(wanted), mixer.smallest_bytes());
            const MixPlan plan = mixer.for_bytes(bytes);
            mixes.push_back({fmt::format("{}{} bits per weight", kReferenceName, bits), plan.mix,
                             plan.file_bytes});
        }
        return mixes;
    }

    const fs::path& original_;
    const SweepOptions& options_;
    Store& store_;
    Progress& progress_;
    GgufFile file_;
    ModelHeader model_;
    EngineOptions engine_;
    std::vector<bool> has_small_;  // by tensor: disturbed twice
    std::optional<Importance> importance_;
    SweepTable table_;
    SweepOutcome outcome_;
};

}  // namespace

SweepOutcome sweep_model(const fs::path& original, const SweepOptions& options, Store& store,
                         Progress& progress) {
    return Sweep(original, options, store, progress).run();
}

}  // namespace bitgauge
