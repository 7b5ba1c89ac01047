#pragma once

// A model that is evaluated a run of layers at a time: what one stage hands on, the next takes in,
// with the same bits as in the whole model. Each stage reads its own weights from the original's
// file when it is loaded, and nothing of the model stays in memory but the stages that are held.

#include <filesystem>
#include <memory>

#include "bitgauge/engine.h"

#include "engine/segment.h"

namespace bitgauge {

struct StageChoice {
    uint32_t stages = 0;             // at most; 0: as many as the architecture allows
    bool forget_file_pages = false;  // weights that were read do not stay in the page cache
    bool one_run = false;            // do not cut: all layers in one stage
};

class StagedModel {
  public:
    // Reads the header and plans. Error(kInput) when the file is damaged.
    StagedModel(const std::filesystem::path& path, const EngineOptions& options,
                const StageChoice& choice);

    const CutPlan& plan() const { return plan_; }
    size_t stages() const { return plan_.stages.size(); }
    const Anatomy& anatomy() const { return anatomy_; }
    uint32_t vocabulary() const;  // tokens of the embedding
    uint32_t width() const;       // of the final hidden state
    size_t state_rows() const;    // of that width, that stand for one token between stages

    // Reads one stage's weights; `replaced` stand in for the original's tensors of that name.
    // Thread-safe. Error(kInput) when the file has changed since it was opened or libllama refuses.
    Model load(size_t stage, const ReplacedTensors& replaced = {}) const;
    // As load(), for a run of one's own choosing.
    Model load_run(const CutStage& run, const ReplacedTensors& replaced = {}) const;
    // The stage that a layer's tensor belongs to; the first one for the embedding, else the last.
    size_t stage_of(const std::string& tensor) const;
    // A tensor's own bytes. Error(kInput) when there is none of that name.
    std::vector<std::byte> tensor_bytes(const std::string& tensor) const;
    // As what it is loaded: its own type, or F32 where that is widened; and its bytes as that.
    int loaded_type(const std::string& tensor) const;
    std::vector<std::byte> loaded_bytes(const std::string& tensor) const;
    uint64_t bytes_read(size_t stage) const;    // from the file, by load()
    uint64_t weight_bytes(size_t stage) const;  // in memory, after load()

  private:
    void require_unchanged() const;
    const TensorInfo& info(const std::string& tensor) const;

    std::filesystem::path path_;
    EngineOptions options_;
    Anatomy anatomy_;
    OriginalFiles files_;
    CutPlan plan_;
    std::filesystem::file_time_type changed_;
};

}  // namespace bitgauge
