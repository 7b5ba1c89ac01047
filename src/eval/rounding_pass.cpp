#include "eval/rounding_pass.h"

#include <algorithm>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"

#include "eval/encode_tensor.h"
#include "eval/group_rounding.h"
#include "eval/job_json.h"
#include "eval/kept_rows.h"
#include "eval/stage_runs.h"
#include "gguf/tensor_file.h"

#include "rounding/rounder.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

constexpr const char* kHead = "output.weight";

class RoundingPass {
  public:
    RoundingPass(const RoundingJob& job, Progress& progress)
        : job_(job),
          model_(job.model, job.engine,
                 {.stages = job.way.stages,
                  .forget_file_pages = job.way.forget_pages,
                  .one_run = !job.way.staged}),
          encoder_(model_, job.importance),
          runs_(model_, job.windows, job.shape, job.scratch, job.identity, 2, progress) {}

    std::vector<std::string> run() {
        const size_t first = runs_.first_stage();
        for (size_t stage = 0; stage < first; ++stage) note_finished(stage);
        for (size_t stage = first; stage < model_.stages(); ++stage) {
            run_stage(stage);
            runs_.finish(stage);
        }
        runs_.discard();
        return std::move(rounded_);
    }

  private:
    // --- one stage -------------------------------------------------------------------------------

    void run_stage(size_t stage) {
        const Model model = model_.load(stage);
        Context context(model, context_shape(job_.shape), job_.engine);
        context.find_weights();
        KeptRows originals(job_.scratch / "inputs");
        const std::vector<InputGroup> groups = read_original(context, stage, originals);
        round_others(context, stage, groups);
        for (const InputGroup& group : groups) {
            if (group.leader() != kHead) round_group(context, stage, group, originals);
        }
        hand_on(context, stage, originals);
    }

    // Names of the stage's tensors that get another type; layers that predict further tokens are
    // not evaluated.
    std::set<std::string> changed_in(size_t stage) const {
        std::set<std::string> names;
        for (const auto& [tensor, type] : job_.types) {
            const bool evaluated = Anatomy::layer_of(tensor) < int64_t{model_.anatomy().count()};
            const TensorInfo& info = *model_.anatomy().file().find_tensor(tensor);
            if (evaluated && model_.stage_of(tensor) == stage && type != info.type) {
                names.insert(tensor);
            }
        }
        return names;
    }

    std::set<std::string> for_feedback_in(size_t stage) const {
        std::set<std::string> names = changed_in(stage);
        std::erase_if(names, [&](const std::string& tensor) {
            return !can_round_with_feedback(find_type(job_.types.at(tensor))->id);
        });
        return names;
    }

    // Who reads what, with the inputs kept.
    std::vector<InputGroup> read_original(Context& context, size_t stage, KeptRows& originals) {
        const std::set<std::string> wanted = for_feedback_in(stage);
        ProductRowsObserver observer(wanted);
        FinalRows head(model_.width());
        runs_.begin_progress(stage, "the original");
        context.observe_products(&observer);
        for (size_t b = 0; b < runs_.batches(); ++b) {
            runs_.run(context, stage, b, Track::kOriginal, head, /*keep=*/true);
            for (auto& [leader, calls] : observer.take()) {
                for (ProductRows& rows : calls) originals.add(leader, std::move(rows));
            }
            for (ProductRows& rows : head.take()) originals.add(kHead, std::move(rows));
        }
        context.observe_products(nullptr);
        std::vector<InputGroup> groups = observer.groups();
        if (wanted.contains(kHead)) {
            groups.push_back({.members = {kHead}, .width = model_.width()});
        }
        return groups;
    }

    // Tensors whose inputs nobody sees, and types without a choice of integers.
    void round_others(Context& context, size_t stage, const std::vector<InputGroup>& groups) {
        std::set<std::string> others = changed_in(stage);
        for (const InputGroup& group : groups) {
            for (const std::string& tensor : group.members) others.erase(tensor);
        }
        others.erase(kHead);
        for (const std::string& tensor : others) {
            const EncodedTensor values =
                encoder_.encode(tensor, job_.types.at(tensor), VariantUse::kDequantized);
            context.set_weight(tensor, values.bytes);
        }
    }

    // --- one group of matrices -------------------------------------------------------------------

    void round_group(Context& context, size_t stage, const InputGroup& group,
                     const KeptRows& originals) {
        if (!is_finished(group)) {
            GroupRounding rounding(model_, group, job_.types);
            const size_t matrices = std::max<size_t>(1, group.experts);
            const size_t at_once = std::min(matrices, matrices_at_once(group.width));
            for (size_t first = 0; first < matrices; first += at_once) {
                GroupMoments moments(group, first, std::min(matrices, first + at_once));
                observe(context, stage, group, originals, moments);
                rounding.round(moments);
            }
            for (const TensorRounding& tensor : rounding.finish()) write(tensor);
        }
        for (const std::string& tensor : group.members) use(context, tensor);
    }

    // Each has two sets of two squares, and one more of each set while it is rounded.
    size_t matrices_at_once(size_t width) const {
        const uint64_t one = 4 * width * width * sizeof(float);
        return std::max<uint64_t>(1, job_.moment_bytes / one);
    }

    void observe(Context& context, size_t stage, const InputGroup& group, const KeptRows& originals,
                 GroupMoments& moments) {
        ProductRowsObserver observer({group.leader()});
        runs_.begin_progress(stage, group.leader());
        context.observe_products(&observer);
        if (can_stop_after(context, stage, group.leader(), observer)) {
            observer.stop_after(group.leader());
        }
        size_t call = 0;
        for (size_t b = 0; b < runs_.batches(); ++b) {
            for (const ProductRows& rows : inputs_of(context, stage, b, group.leader(), observer)) {
                moments.add(rows, originals.read(group.leader(), call++), runs_.is_for_check(b));
            }
        }
        context.observe_products(nullptr);
    }

    std::vector<ProductRows> inputs_of(Context& context, size_t stage, size_t batch,
                                       const std::string& leader, ProductRowsObserver& observer) {
        FinalRows nobody(model_.width());
        runs_.run(context, stage, batch, Track::kQuantized, nobody, /*keep=*/false);
        return std::move(observer.take()[leader]);
    }

    // Whether a window's later calls need nothing of what earlier ones compute behind this product:
    // recurrent states, keys and values have to be stored before. Tried on a batch of several
    // calls, once for each role.
    bool can_stop_after(Context& context, size_t stage, const std::string& leader,
                        ProductRowsObserver& observer) {
        const auto [known, is_new] = can_stop_.try_emplace(tensor_role(leader), false);
        if (!is_new) return known->second;
        const auto whole = inputs_of(context, stage, 0, leader, observer);
        observer.stop_after(leader);
        known->second = inputs_of(context, stage, 0, leader, observer) == whole;
        observer.stop_after("");
        return known->second;
    }

    std::optional<GgufFile> finished(const std::string& tensor) const {
        auto file = open_tensor_file(job_.folder, tensor);
        if (file && file->text(kRoundingIdentityKey) != job_.identity) file.reset();
        return file;
    }

    bool is_finished(const InputGroup& group) const {
        return std::ranges::all_of(
            group.members, [&](const std::string& name) { return finished(name).has_value(); });
    }

    void write(const TensorRounding& tensor) {
        const std::string& name = tensor.report.name;
        const TensorInfo& info = *model_.anatomy().file().find_tensor(name);
        write_tensor_file(job_.folder, name, tensor.type_id, info.shape, tensor.blocks,
                          {{kRoundingIdentityKey, job_.identity},
                           {kRoundingReportKey, to_json(tensor.report).dump()}});
    }

    // From now on the quantized model has it.
    void use(Context& context, const std::string& tensor) {
        rounded_.push_back(tensor);
        const auto file = finished(tensor);
        const std::vector<std::byte> blocks = tensor_file_bytes(*file);
        std::vector<float> values(file->tensors().front().elements());
        decode_row(file->tensors().front().type_id, blocks, values);
        context.set_weight(tensor, std::as_bytes(std::span(values)));
    }

    void note_finished(size_t stage) {
        for (const std::string& tensor : for_feedback_in(stage)) {
            if (finished(tensor)) rounded_.push_back(tensor);
        }
    }

    // --- what the quantized stage gives ----------------------------------------------------------

    void hand_on(Context& context, size_t stage, const KeptRows& originals) {
        const bool last = context.is_last_stage();
        if (last && !for_feedback_in(stage).contains(kHead)) return;
        const InputGroup group{.members = {kHead}, .width = model_.width()};
        GroupMoments moments(group, 0, 1);
        FinalRows head(model_.width());
        runs_.begin_progress(stage, "the quantized model");
        size_t call = 0;
        for (size_t b = 0; b < runs_.batches(); ++b) {
            runs_.run(context, stage, b, Track::kQuantized, head, /*keep=*/true);
            for (const ProductRows& rows : head.take()) {
                moments.add(rows, originals.read(kHead, call++), runs_.is_for_check(b));
            }
        }
        if (last && !is_finished(group)) round_head(group, moments);
        if (last) rounded_.push_back(kHead);
    }

    void round_head(const InputGroup& group, const GroupMoments& moments) {
        GroupRounding rounding(model_, group, job_.types);
        rounding.round(moments);
        write(rounding.finish().front());
    }

    const RoundingJob& job_;
    StagedModel model_;
    TensorEncoder encoder_;
    StageRuns runs_;
    std::map<std::string, bool> can_stop_;  // by the role of a group's first matrix
    std::vector<std::string> rounded_;
};

}  // namespace

std::vector<std::string> round_in_order(const RoundingJob& job, Progress& progress) {
    return RoundingPass(job, progress).run();
}

}  // namespace bitgauge
