#include "bitgauge/sweep.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/importance.h"
#include "bitgauge/qtype.h"

#include "base/files.h"
#include "base/hash.h"
#include "eval/baseline_folder.h"
#include "eval/measurement.h"
#include "eval/variants.h"
#include "quantize/type_errors.h"
#include "sweep/tensor_list.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

constexpr double kProbeError = 0.025;          // far above the floor, still linear (methods: t2)
constexpr uint64_t kMostWeights = 4U << 20U;   // per tensor, for its type errors
constexpr int32_t kFinestStages = 4096;        // one layer each: variants share what lies before
constexpr size_t kProbesAtOnce = 128;

// Types a plan may choose from.
std::vector<std::string> planned_types() {
    std::vector<std::string> names;
    for (const QType& type : all_types()) {
        if (type.quantized && type.encodable) names.push_back(type.name);
    }
    return names;
}

uint32_t windows_for(const SweepOptions& options) {
    const Protocol& p = options.protocol;
    const uint64_t scored = p.window_tokens - p.warmup_tokens - 1;
    return static_cast<uint32_t>(std::max<uint64_t>(2, (options.tokens + scored - 1) / scored));
}

class Sweep {
  public:
    Sweep(const fs::path& original, const SweepOptions& options, Store& store, Progress& progress)
        : original_(original),
          options_(options),
          store_(store),
          progress_(progress),
          model_(GgufFile::open(original)) {}

    SweepOutcome run() {
        make_folder(options_.work);
        make_text_baseline();
        begin_table();
        add_errors();
        probe(wanted());
        outcome_.table = *store_.find_sweep(table_.key);
        outcome_.complete = true;
        return std::move(outcome_);
    }

  private:
    fs::path baseline() const { return options_.work / "baseline"; }

    void make_text_baseline() {
        BaselineOptions baseline_options{.texts = options_.texts,
                                         .protocol = options_.protocol,
                                         .engine = options_.engine,
                                         .isolation = options_.isolation};
        baseline_options.protocol.max_windows = windows_for(options_);
        make_baseline(original_, baseline(), baseline_options, progress_);
    }

    void begin_table() {
        const BaselineManifest manifest = read_manifest({baseline()});
        table_.original = manifest.identity.baseline.original;
        table_.protocol = manifest.identity.protocol;
        table_.corpus = manifest.identity.corpus;
        if (!options_.importance.empty()) {
            importance_.emplace(Importance::read(options_.importance));
            table_.importance_file = options_.importance.filename().string();
            table_.importance_hash = importance_->content_hash();
        }
        table_.key = hash_text(fmt::format("sweep {} {}", manifest.identity.baseline.key,
                                           table_.importance_hash));
        table_.created_utc = utc_now();
        table_.build = build_identity(options_.engine);
        note_clusters(read_windows(BaselineFolder{baseline()}.windows()));
        store_.put_sweep(table_);
        table_.tensors = quantized_tensors(model_);
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
            if (same != table_.tensors.end()) *same = tensor;
        }
    }

    void add_errors() {
        const TypeErrorMeter meter(model_, importance_ ? &*importance_ : nullptr, kMostWeights,
                                   options_.engine.threads);
        const auto types = planned_types();
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
        std::vector<size_t> chosen =
            options_.full ? all : spread_in_depth(table_.tensors, options_.every);
        std::erase_if(chosen, [&](size_t i) {
            return i % options_.share.count != options_.share.index ||
                   !table_.tensors[i].probes.empty();
        });
        return chosen;
    }

    // The type whose error is nearest the wanted one.
    static std::string probe_type(const TensorCost& tensor) {
        std::string best;
        double distance = 1e9;
        for (const auto& [type, error] : tensor.errors) {
            if (error <= 0) continue;
            const double d = std::abs(std::log(error / kProbeError));
            if (d < distance) std::tie(best, distance) = std::pair(type, d);
        }
        return best;
    }

    void probe(const std::vector<size_t>& tensors) {
        for (size_t first = 0; first < tensors.size(); first += kProbesAtOnce) {
            const size_t n = std::min(kProbesAtOnce, tensors.size() - first);
            probe_some(std::span(tensors).subspan(first, n));
        }
    }

    void probe_some(std::span<const size_t> tensors) {
        std::vector<VariantSpec> specs;
        for (const size_t i : tensors) {
            const TensorCost& tensor = table_.tensors[i];
            specs.push_back({.name = tensor.tensor,
                             .types = {{tensor.tensor, probe_type(tensor)}},
                             .use = VariantUse::kDequantized});
        }
        MeasureOptions measure_options{.engine = options_.engine, .isolation = options_.isolation};
        if (measure_options.engine.stages == kStagesAuto) {
            measure_options.engine.stages = kFinestStages;
        }
        const auto records = measure_variants(original_, specs, options_.importance, baseline(),
                                              measure_options, {},  progress_);
        for (size_t i = 0; i < records.size(); ++i) {
            keep(table_.tensors[tensors[i]], specs[i], records[i]);
        }
    }

    void keep(TensorCost& tensor, const VariantSpec& spec, const MeasureRecord& record) {
        const std::string& type = spec.types.begin()->second;
        tensor.probes.push_back({.type = type,
                                 .error = tensor.errors.at(type),
                                 .kld_nats = record.kld_nats.mean,
                                 .cluster_kld = record.clusters.kld_sum});
        store_.put_tensor(table_.key, tensor);
        ++outcome_.measured;
    }

    const fs::path& original_;
    const SweepOptions& options_;
    Store& store_;
    Progress& progress_;
    GgufFile model_;
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
