#include "engine/staged_model.h"

#include <algorithm>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "engine/llama_log.h"
#include "engine/model_state.h"

#include <ggml.h>

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

StageEnds ends_of(const CutRule& rule, const CutStage& run) {
    StageEnds ends{.takes_states = !run.first, .hands_states = !run.last};
    ends.entry_node = rule.entry;
    ends.layers = run.layers;
    if (ends.hands_states) ends.exit_node = fmt::format("{}-{}", rule.handed_on, run.real - 1);
    return ends;
}

ModelHandle load_segment(SegmentStream& stream, const EngineOptions& options) {
    llama_model_params params = llama_model_default_params();
    params.n_gpu_layers = options.gpu_layers;
    params.load_mode = LLAMA_LOAD_MODE_NONE;
    start_libllama();
    forget_llama_complaints();
    return ModelHandle(llama_model_load_from_file_ptr(stream.stream(), params));
}

}  // namespace

StagedModel::StagedModel(const fs::path& path, const EngineOptions& options,
                         const StageChoice& choice)
    : path_(path),
      options_(options),
      anatomy_(GgufFile::open(path)),
      files_(anatomy_.file()),
      plan_(choice.one_run ? CutPlan{.stages = {cut_run(anatomy_, 0, anatomy_.count())}}
                           : plan_cut(anatomy_, choice.stages)),
      changed_(fs::last_write_time(path)) {
    files_.forget_after_reading(choice.forget_file_pages);
}

Model StagedModel::load(size_t stage, const ReplacedTensors& replaced) const {
    return load_run(plan_.stages.at(stage), replaced);
}

Model StagedModel::load_run(const CutStage& run, const ReplacedTensors& replaced) const {
    require_unchanged();
    const Segment segment = make_segment(anatomy_, run, replaced, options_.single_precision);
    SegmentStream stream(segment, files_);
    auto state = std::make_unique<Model::State>();
    state->model = load_segment(stream, options_);
    stream.rethrow_failure();
    if (!state->model) {
        throw loading_error(fmt::format("layers {} to {} of '{}' by themselves", run.begin(),
                                        run.end() - 1, path_.string()),
                            "--stages off evaluates the model as a whole");
    }
    state->trained_context = static_cast<uint32_t>(llama_model_n_ctx_train(state->model.get()));
    state->ends = ends_of(anatomy_.rule(), run);
    return Model(std::move(state));
}

uint64_t StagedModel::bytes_read(size_t stage) const {
    return make_segment(anatomy_, plan_.stages.at(stage), {}).bytes_read;
}

uint64_t StagedModel::weight_bytes(size_t stage) const {
    return make_segment(anatomy_, plan_.stages.at(stage), {}, options_.single_precision)
        .weight_bytes;
}

size_t StagedModel::stage_of(const std::string& tensor) const {
    const int64_t layer = Anatomy::layer_of(tensor);
    if (layer < 0) return tensor.starts_with("token_embd.") ? 0 : stages() - 1;
    size_t stage = 0;
    while (stage + 1 < stages() && layer >= plan_.stages[stage].end()) ++stage;
    return stage;
}

const TensorInfo& StagedModel::info(const std::string& tensor) const {
    const TensorInfo* info = anatomy_.file().find_tensor(tensor);
    if (info != nullptr) return *info;
    throw Error(ErrorKind::kInput, fmt::format("'{}' has no tensor '{}'", path_.string(), tensor),
                "bitgauge inspect lists them");
}

std::vector<std::byte> StagedModel::tensor_bytes(const std::string& tensor) const {
    const TensorInfo& wanted = info(tensor);
    std::vector<std::byte> bytes(wanted.bytes);
    files_.read(wanted.shard, wanted.offset, bytes);
    return bytes;
}

int StagedModel::loaded_type(const std::string& tensor) const {
    const int type = info(tensor).type_id;
    return options_.single_precision && can_be_widened(type) ? int{GGML_TYPE_F32} : type;
}

std::vector<std::byte> StagedModel::loaded_bytes(const std::string& tensor) const {
    const int type = info(tensor).type_id;
    std::vector<std::byte> bytes = tensor_bytes(tensor);
    return loaded_type(tensor) == type ? bytes : widened(type, bytes);
}

uint32_t StagedModel::vocabulary() const {
    const TensorInfo* embedding = anatomy_.file().find_tensor("token_embd.weight");
    return embedding == nullptr ? 0 : static_cast<uint32_t>(embedding->shape.back());
}

uint32_t StagedModel::width() const {
    return anatomy_.number("embedding_length_out", anatomy_.number("embedding_length", 0));
}

size_t StagedModel::state_rows() const {
    return std::max(1U, anatomy_.number("hyper_connection.count", 1));
}

void StagedModel::require_unchanged() const {
    uint64_t bytes = 0;
    for (const fs::path& shard : anatomy_.file().shards()) bytes += fs::file_size(shard);
    const bool same =
        bytes == anatomy_.file().file_bytes() && fs::last_write_time(path_) == changed_;
    if (same) return;
    throw Error(ErrorKind::kInput,
                fmt::format("'{}' has changed while it was read: {} bytes now, {} at the beginning",
                            path_.string(), bytes, anatomy_.file().file_bytes()),
                "run the same command again; do not change the file while it is read");
}

}  // namespace bitgauge
