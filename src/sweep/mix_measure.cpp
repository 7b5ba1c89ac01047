#include "sweep/mix_measure.h"

#include <algorithm>

#include "bitgauge/gguf.h"

#include "eval/variants.h"

namespace bitgauge {
namespace {

constexpr int32_t kOneLayerEach = 4096;

VariantSpec spec_of(const GgufFile& original, const NamedMix& mix) {
    VariantSpec spec{.name = mix.name, .use = VariantUse::kBlocks};
    for (const auto& [tensor, type] : mix.mix) {
        const TensorInfo* info = original.find_tensor(tensor);
        if (info == nullptr || info->type != type) spec.types[tensor] = type;
    }
    return spec;
}

// The size is the file's that the mix stands for.
void set_size(MeasureRecord& record, const NamedMix& mix) {
    if (mix.file_bytes == 0) return;
    record.model.size_bytes = mix.file_bytes;
    record.model.label = mix.name;
    record.model.bits_per_weight =
        8.0 * static_cast<double>(mix.file_bytes) / static_cast<double>(record.model.parameters);
    record.model.type_bytes.clear();
}

}  // namespace

EngineOptions finest_stages(EngineOptions engine) {
    if (engine.stages == kStagesAuto) engine.stages = kOneLayerEach;
    return engine;
}

std::vector<MeasureRecord> measure_mixes(const MixMeasureJob& job,
                                         const std::vector<NamedMix>& mixes, Store& store,
                                         Progress& progress) {
    const GgufFile original = GgufFile::open(job.original);
    std::vector<VariantSpec> specs;
    specs.reserve(mixes.size());
    for (const NamedMix& mix : mixes) specs.push_back(spec_of(original, mix));
    const MeasureOptions options{.engine = finest_stages(job.engine), .isolation = job.isolation};
    const auto find = [&](const std::string& key) { return store.find(key); };
    auto records = measure_variants(job.original, specs, job.importance, job.baseline, options,
                                    find, progress);
    for (size_t i = 0; i < records.size(); ++i) {
        set_size(records[i], mixes[i]);
        store.put(records[i]);
    }
    return records;
}

}  // namespace bitgauge
