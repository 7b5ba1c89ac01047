#include "quantize/provenance.h"

#include <array>

#include "bitgauge/qtype.h"
#include "bitgauge/version.h"

#include "base/hash.h"

namespace bitgauge {
namespace {

constexpr uint32_t kQuantizationVersion = 2;  // GGML_QNT_VERSION
constexpr size_t kLongestText = 127;          // bytes that llama-quantize keeps of these values

constexpr std::array kImportanceProvenance = {
    "bitgauge.importance.hash", "bitgauge.importance.datasets", "bitgauge.importance.unseen"};

void set_importance_keys(GgufWriter& writer, const Importance& importance) {
    writer.set_text("quantize.imatrix.file", importance.path().string().substr(0, kLongestText));
    if (!importance.datasets().empty()) {
        writer.set_text("quantize.imatrix.dataset",
                        importance.datasets().front().substr(0, kLongestText));
    }
    writer.set_u32("quantize.imatrix.entries_count",
                   static_cast<uint32_t>(importance.entries().size()));
    if (importance.chunks() > 0) {
        writer.set_u32("quantize.imatrix.chunks_count", static_cast<uint32_t>(importance.chunks()));
    }
}

void set_importance_provenance(GgufWriter& writer, const Importance& importance,
                               UnseenExperts unseen) {
    writer.set_text("bitgauge.importance.hash", importance.content_hash());
    writer.set_texts("bitgauge.importance.datasets", importance.datasets());
    writer.set_text("bitgauge.importance.unseen",
                    unseen == UnseenExperts::kMean ? "mean" : "plain");
}

void set_provenance(GgufWriter& writer, const GgufFile& original, const QuantizeJob& job,
                    const std::string& original_hash) {
    writer.set_text("bitgauge.version", kVersion);
    writer.set_text("bitgauge.ggml.version", ggml_version_text());
    writer.set_text("bitgauge.recipe", job.choices.recipe);
    writer.set_text("bitgauge.recipe.hash", hash_text(job.choices.recipe));
    writer.set_text("bitgauge.original.file", original.shards().front().filename().string());
    writer.set_text("bitgauge.original.hash", original_hash);
    for (const auto& [key, text] : job.notes) writer.set_text(key, text);
}

}  // namespace

void set_model_keys(GgufWriter& writer, const GgufFile& original, const QuantizeJob& job,
                    const Importance* importance, const std::string& original_hash) {
    writer.copy_keys(original);
    writer.set_u32("general.quantization_version", kQuantizationVersion);
    writer.set_u32("general.file_type", static_cast<uint32_t>(job.choices.file_type));
    for (const char* key : {"split.no", "split.count", "split.tensors.count"}) {
        writer.remove_key(key);
    }
    for (const char* key : kImportanceProvenance) writer.remove_key(key);
    if (importance != nullptr) set_importance_keys(writer, *importance);
    set_provenance(writer, original, job, original_hash);
    if (importance != nullptr) set_importance_provenance(writer, *importance, job.on_unseen);
}

}  // namespace bitgauge
