#include "eval/variants.h"

#include <map>
#include <string>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/files.h"
#include "base/hash.h"
#include "eval/measurement.h"
#include "eval/stage_way.h"
#include "eval/work.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

std::string types_text(const VariantSpec& variant, const EngineOptions& engine) {
    std::string text = variant.use == VariantUse::kBlocks ? "blocks" : "dequantized";
    if (engine.single_precision) text += " in single precision";
    for (const auto& [tensor, type] : variant.types) text += fmt::format(" {}={}", tensor, type);
    return text;
}

void require_states(const BaselineManifest& manifest) {
    if (manifest.has_states()) return;
    throw Error(
        ErrorKind::kInput,
        fmt::format("the baseline holds {}, variants need states", manifest.identity.baseline.kind),
        "this model's states and head do not give its logits; measure quantized files");
}

class Variants {
  public:
    Variants(const fs::path& original, const fs::path& importance, const fs::path& baseline,
             const MeasureOptions& options, Progress& progress)
        : original_(original),
          importance_(importance),
          importance_hash_(importance.empty() ? "" : hash_file(importance)),
          options_(options),
          progress_(progress),
          measurement_(baseline, options, progress),
          model_(original, options.engine, {}) {
        require_states(measurement_.manifest());
        base_ = measurement_.open(original);
        shards_ = all_shards(measurement_.manifest().shards());
    }

    std::vector<MeasureRecord> run(std::span<const VariantSpec> variants,
                                   const FindRecord& find_record) {
        std::map<std::string, MeasureRecord> records;  // equal variants share one
        std::vector<const VariantSpec*> due;
        for (const VariantSpec& variant : variants) {
            const std::string key = key_of(variant);
            const auto [place, is_new] = records.try_emplace(key);
            if (!is_new) continue;
            const auto found = find_record ? find_record(key) : std::nullopt;
            if (found) place->second = *found;
            if (!found) due.push_back(&variant);
        }
        if (!due.empty()) measure(due, records);
        std::vector<MeasureRecord> in_order;
        for (const VariantSpec& variant : variants) {
            in_order.push_back(records.at(key_of(variant)));
            in_order.back().model.file = variant.name;
        }
        return in_order;
    }

  private:
    std::string content_of(const VariantSpec& variant) const {
        return hash_text(fmt::format("{} {} {}", base_.identity.content_hash,
                                     types_text(variant, options_.engine), importance_hash_));
    }
    std::string key_of(const VariantSpec& variant) const {
        return hash_text(fmt::format("{} {}", base_.key, content_of(variant)));
    }

    void measure(const std::vector<const VariantSpec*>& due,
                 std::map<std::string, MeasureRecord>& records) {
        std::vector<VariantSpec> specs;
        std::vector<Candidate> candidates;
        for (const VariantSpec* variant : due) {
            specs.push_back(*variant);
            candidates.push_back(candidate_of(*variant));
        }
        capture(specs, candidates);
        measurement_.compare(candidates, shards_);
        const PositionPlaces places = measurement_.places();
        for (const Candidate& candidate : candidates) {
            MeasureRecord& record = records.at(candidate.key);
            record = measurement_.record_of(candidate, places);
            if (options_.keep_record) options_.keep_record(record);
        }
        for (const Candidate& candidate : candidates) measurement_.forget(candidate);
    }

    Candidate candidate_of(const VariantSpec& variant) {
        Candidate candidate{.path = original_, .identity = base_.identity};
        candidate.identity.file = variant.name;
        candidate.identity.content_hash = content_of(variant);
        candidate.key = key_of(variant);
        candidate.work = measurement_.work() / candidate.key;
        make_folder(candidate.work);
        const BaselineManifest& manifest = measurement_.manifest();
        candidate.head = std::make_unique<ModelHead>(
            head_file(variant, candidate.work),
            HeadReading{.scale = manifest.head_scale,
                        .softcap = manifest.head_softcap,
                        .single_precision = options_.engine.single_precision});
        return candidate;
    }

    // The original, or a small file where the variant changes the head.
    fs::path head_file(const VariantSpec& variant, const fs::path& work) const {
        const std::string name = head_name(model_.anatomy().file());
        const auto changed = variant.types.find(name);
        if (changed == variant.types.end()) return original_;
        const TensorEncoder encoder(model_, importance_);
        const EncodedTensor head = encoder.encode(name, changed->second, variant.use);
        ShardWriter file(kHeadSchema, "variant");
        const auto& shape = model_.anatomy().file().find_tensor(name)->shape;
        file.add_bytes("output.weight", head.type_id, shape, head.bytes);
        file.write(work / "head.gguf");
        return work / "head.gguf";
    }

    void capture(std::span<const VariantSpec> variants, std::vector<Candidate>& candidates) {
        VariantsJob job{.base = measurement_.job_for(base_, CaptureKind::kStates, shards_),
                        .importance = importance_};
        job.base.shards = shards_;
        job.base.way = choose_way(original_, job.base.shape, options_.engine, options_.isolation,
                                  measurement_.work(), progress_);
        for (size_t i = 0; i < variants.size(); ++i) {
            candidates[i].evaluation = job.base.way.text;
            job.variants.push_back({.identity = candidates[i].key,
                                    .out = candidates[i].work,
                                    .use = variants[i].use,
                                    .types = variants[i].types});
        }
        job.base.out = measurement_.work();
        run_job(to_json(job), job.base.out, options_.isolation, progress_);
    }

    const fs::path& original_;
    const fs::path& importance_;
    std::string importance_hash_;
    const MeasureOptions& options_;
    Progress& progress_;
    Measurement measurement_;
    StagedModel model_;
    Candidate base_;
    std::vector<size_t> shards_;
};

}  // namespace

std::vector<MeasureRecord> measure_variants(const fs::path& original,
                                            std::span<const VariantSpec> variants,
                                            const fs::path& importance, const fs::path& baseline,
                                            const MeasureOptions& options,
                                            const FindRecord& find_record, Progress& progress) {
    return Variants(original, importance, baseline, options, progress).run(variants, find_record);
}

}  // namespace bitgauge
