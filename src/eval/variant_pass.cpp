#include "eval/variant_pass.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/files.h"
#include "eval/job_json.h"
#include "eval/model_pass.h"
#include "eval/shard_observers.h"
#include "eval/stage_states.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

// Tensors behind the final states: who compares them has the head himself.
bool is_behind_states(const StagedModel& model, const std::string& tensor) {
    return tensor.starts_with("output.") && !model.anatomy().tied();
}

using EncodedTensors = std::map<std::string, EncodedTensor>;

// One variant on its way: where it parts from the base, and who takes its final states.
struct Traveller {
    const VariantJob* job = nullptr;
    std::map<size_t, std::vector<std::string>> changed;  // tensors by stage
    size_t begins = 0;                                   // the first of those stages
    std::unique_ptr<ShardObserver> observer;
};

class VariantPass {
  public:
    VariantPass(const VariantsJob& job, Progress& progress)
        : job_(job),
          progress_(progress),
          windows_(read_windows(job.base.windows).windows),
          model_(job.base.model, job.base.engine,
                 {.stages = job.base.way.stages,
                  .forget_file_pages = job.base.way.forget_pages,
                  .one_run = !job.base.way.staged}),
          encoder_(model_, job.importance) {
        add_batches();
        for (const VariantJob& variant : job.variants) add_traveller(variant);
        states_.emplace(job.base.out, to_json(job).dump(), tokens_of_all());
    }

    void run() {
        const size_t kept = states_->resume().stage;
        const size_t first = kept < model_.stages() ? kept : 0;
        begin_progress(first);
        for (size_t stage = first; stage < model_.stages(); ++stage) {
            run_stage(stage);
            if (stage + 1 < model_.stages()) states_->keep_place({stage + 1, 0}, /*at_once=*/true);
        }
        progress_.end();
        states_->discard();
    }

  private:
    struct ShardBatch {
        size_t shard;
        WindowRange range;
        WindowBatch batch;
        bool opens, closes;  // its shard
    };

    void add_batches() {
        for (const size_t shard : job_.base.shards) {
            const size_t first = shard * job_.base.windows_per_shard;
            const size_t last = std::min(windows_.size(), first + job_.base.windows_per_shard);
            const auto inside = std::span(windows_).subspan(first, last - first);
            auto batches = batch_windows(inside, job_.base.shape.sequences, inside.size());
            for (size_t i = 0; i < batches.size(); ++i) {
                batches[i].first += first;
                batches_.push_back(
                    {shard, {first, last}, batches[i], i == 0, i + 1 == batches.size()});
            }
        }
    }

    void add_traveller(const VariantJob& variant) {
        Traveller traveller{.job = &variant, .begins = model_.stages() - 1};
        for (const auto& [tensor, type] : variant.types) {
            if (model_.anatomy().file().find_tensor(tensor) == nullptr) model_.tensor_bytes(tensor);
            if (is_behind_states(model_, tensor)) continue;
            const size_t stage = model_.stage_of(tensor);
            traveller.changed[stage].push_back(tensor);
            traveller.begins = std::min(traveller.begins, stage);
        }
        make_folder(variant.out);
        CaptureJob capture = job_.base;
        capture.kind = CaptureKind::kStates;
        traveller.observer =
            make_shard_observer(capture, windows_, model_.width(), model_.vocabulary());
        travellers_.push_back(std::move(traveller));
    }

    // The base's batches, then those of each variant.
    std::vector<uint64_t> tokens_of_all() const {
        std::vector<uint64_t> tokens;
        for (size_t i = 0; i <= job_.variants.size(); ++i) {
            for (const ShardBatch& b : batches_) {
                tokens.push_back(b.batch.count * windows_[b.batch.first].tokens.size());
            }
        }
        return tokens;
    }

    void begin_progress(size_t first) {
        size_t passes = 0;
        for (size_t stage = first; stage < model_.stages(); ++stage) {
            if (needs_base(stage)) ++passes;
            passes += static_cast<size_t>(std::ranges::count_if(
                travellers_, [&](const Traveller& t) { return t.begins <= stage; }));
        }
        progress_.begin(fmt::format("reading {} and {} variants",
                                    job_.base.model.filename().string(), travellers_.size()),
                        static_cast<int64_t>(passes * windows_.size()), "windows");
    }

    void run_stage(size_t stage) {
        const Model model = model_.load(stage);
        Context context(model, context_shape(job_.base.shape), job_.base.engine);
        context.find_weights();
        if (needs_base(stage)) run_base(context, stage);
        for (size_t v = 0; v < travellers_.size(); ++v) {
            if (travellers_[v].begins > stage) continue;
            const auto changed = travellers_[v].changed.find(stage);
            if (changed == travellers_[v].changed.end()) {
                run_variant(context, stage, v);
            } else {
                run_changed(context, stage, v, changed->second);
            }
        }
    }

    void run_changed(Context& context, size_t stage, size_t v,
                     const std::vector<std::string>& tensors) {
        const VariantJob& job = *travellers_[v].job;
        EncodedTensors encoded;
        for (const std::string& tensor : tensors) {
            encoded[tensor] = encoder_.encode(tensor, job.types.at(tensor), job.use);
        }
        if (job.use == VariantUse::kDequantized) {
            run_in_place(context, stage, v, encoded);
        } else {
            run_with_blocks(stage, v, encoded);
        }
    }

    void run_in_place(Context& context, size_t stage, size_t v, const EncodedTensors& encoded) {
        for (const auto& [tensor, other] : encoded) {
            context.set_weight(tensor, other.bytes);
        }
        run_variant(context, stage, v);
        for (const auto& [tensor, other] : encoded) {
            context.set_weight(tensor, model_.loaded_bytes(tensor));
        }
    }

    void run_with_blocks(size_t stage, size_t v, const EncodedTensors& encoded) {
        ReplacedTensors replaced;
        for (const auto& [tensor, other] : encoded) replaced[tensor] = {other.type_id, other.bytes};
        const Model model = model_.load(stage, replaced);
        Context context(model, context_shape(job_.base.shape), job_.base.engine);
        run_variant(context, stage, v);
    }

    // Whether a variant parts from the base behind this stage, or is exchanged in place here:
    // weights have to have been used once before they can be found. What the base gives at the end
    // is known to whoever has the baseline.
    bool needs_base(size_t stage) const {
        return std::ranges::any_of(travellers_, [&](const Traveller& t) {
            return t.begins > stage ||
                   (t.job->use == VariantUse::kDequantized && t.changed.contains(stage));
        });
    }

    void run_base(Context& context, size_t stage) {
        Nobody nobody;
        for (size_t b = 0; b < batches_.size(); ++b) {
            run_one(context, stage, b, 0, nobody);
        }
    }

    void run_variant(Context& context, size_t stage, size_t v) {
        Traveller& traveller = travellers_[v];
        for (size_t b = 0; b < batches_.size(); ++b) {
            const ShardBatch& batch = batches_[b];
            const bool last = context.is_last_stage();
            if (last && batch.opens) traveller.observer->begin(batch.shard, batch.range);
            run_one(context, stage, b, traveller.begins == stage ? 0 : v + 1, *traveller.observer,
                    v + 1);
            if (last && batch.closes) {
                traveller.observer->write(
                    shard_path(CaptureKind::kStates, traveller.job->out, batch.shard),
                    traveller.job->identity);
            }
        }
    }

    // Takes the states in that track `from` gave, hands them on as track `to`'s; track 0 is the
    // base.
    void run_one(Context& context, size_t stage, size_t b, size_t from, PassObserver& observer,
                 size_t to = 0) {
        const WindowBatch& batch = batches_[b].batch;
        CarriedStates carried;
        if (stage > 0) carried.in = states_->read(stage, from * batches_.size() + b);
        run_batch(context, job_.base.shape, windows_, batch, Context::Depth::kStates, observer,
                  &carried);
        if (!context.is_last_stage()) states_->write(stage, to * batches_.size() + b, carried.out);
        progress_.advance(static_cast<int64_t>(batch.count));
    }

    class Nobody : public PassObserver {
      public:
        void on_position(size_t, uint32_t, const Context&, size_t) override {}
    };

    const VariantsJob& job_;
    Progress& progress_;
    std::vector<Window> windows_;
    StagedModel model_;
    TensorEncoder encoder_;
    std::vector<ShardBatch> batches_;
    std::vector<Traveller> travellers_;
    std::optional<StageStates> states_;
};

}  // namespace

Json to_json(const VariantsJob& job) {
    Json variants = Json::array();
    for (const VariantJob& variant : job.variants) {
        variants.push_back({{"identity", variant.identity},
                            {"out", variant.out.string()},
                            {"dequantized", variant.use == VariantUse::kDequantized},
                            {"types", variant.types}});
    }
    return {{"job", kVariantsJob},
            {"model", job.base.model.string()},
            {"base", to_json(job.base)},
            {"importance", job.importance.string()},
            {"variants", variants}};
}

VariantsJob variants_job_from_json(const Json& json) {
    VariantsJob job{.base = capture_job_from_json(json.at("base")),
                    .importance = json.at("importance").get<std::string>()};
    for (const Json& variant : json.at("variants")) {
        const bool dequantized = variant.at("dequantized");
        job.variants.push_back(
            {.identity = variant.at("identity"),
             .out = variant.at("out").get<std::string>(),
             .use = dequantized ? VariantUse::kDequantized : VariantUse::kBlocks,
             .types = variant.at("types").get<std::map<std::string, std::string>>()});
    }
    return job;
}

void capture_variants(const VariantsJob& job, Progress& progress) {
    VariantPass(job, progress).run();
}

}  // namespace bitgauge
