#include "eval/rounding_pass.h"

#include <algorithm>
#include <optional>
#include <set>

#include <fmt/ranges.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"

#include "eval/encode_tensor.h"
#include "eval/group_order.h"
#include "eval/group_rounding.h"
#include "eval/job_json.h"
#include "eval/kept_rows.h"
#include "eval/stage_lanes.h"
#include "gguf/tensor_file.h"

#include "rounding/rounder.h"

namespace bitgauge {
namespace fs = std::filesystem;
namespace {

constexpr const char* kHead = "output.weight";

// By the leaders of groups, call after call.
using Inputs = std::map<std::string, std::vector<ProductRows>>;

// By the leaders of groups.
using Observed = std::map<std::string, GroupInputs>;

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
        StageLanes lanes(model, stage, runs_, job_.shape, job_.engine);
        lanes.context().find_weights();
        KeptRows originals(job_.scratch / "inputs");
        const std::vector<InputGroup> groups = read_original(lanes, originals);
        round_others(lanes, groups);
        round_groups(lanes, groups, originals);
        hand_on(lanes, originals);
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

    // Who reads what, with the inputs kept; without the head, whose input is what a stage gives.
    std::vector<InputGroup> read_original(StageLanes& lanes, KeptRows& originals) {
        return lanes.run(
            {.what = "the original", .weights = for_feedback_in(lanes.stage()), .keep = true},
            [&](size_t, LaneOutput output) {
                for (auto& [leader, calls] : output.inputs) {
                    for (ProductRows& rows : calls) originals.add(leader, std::move(rows));
                }
                for (ProductRows& rows : output.states) {
                    originals.add(kHead, std::move(rows));
                }
            });
    }

    // Tensors whose inputs nobody sees, and types without a choice of integers.
    void round_others(StageLanes& lanes, const std::vector<InputGroup>& groups) {
        std::set<std::string> others = changed_in(lanes.stage());
        for (const InputGroup& group : groups) {
            for (const std::string& tensor : group.members) others.erase(tensor);
        }
        others.erase(kHead);
        for (const std::string& tensor : others) {
            const EncodedTensor values =
                encoder_.encode(tensor, job_.types.at(tensor), VariantUse::kDequantized);
            lanes.context().set_weight(tensor, values.bytes);
        }
    }

    // --- groups of matrices ----------------------------------------------------------------------

    void round_groups(StageLanes& lanes, const std::vector<InputGroup>& groups,
                      const KeptRows& originals) {
        if (!order_.knows(groups)) {
            round_one_by_one(lanes, groups, originals);
            return;
        }
        for (const GroupOrder::Step& step : order_.steps(groups)) {
            std::vector<InputGroup> together;
            for (const size_t group : step) together.push_back(groups[group]);
            round_step(lanes, together, originals);
        }
    }

    // The first stage of its kind: on a batch, whose inputs change with each?
    void round_one_by_one(StageLanes& lanes, const std::vector<InputGroup>& groups,
                          const KeptRows& originals) {
        std::vector<std::set<size_t>> dependents(groups.size());
        Inputs before = inputs_of_all(lanes, groups);
        for (size_t i = 0; i < groups.size(); ++i) {
            round_step(lanes, {groups[i]}, originals);
            Inputs after = inputs_of_all(lanes, groups);
            for (size_t j = i + 1; j < groups.size(); ++j) {
                const std::string& leader = groups[j].leader();
                if (after.at(leader) != before.at(leader)) dependents[i].insert(j);
            }
            before = std::move(after);
        }
        order_.learn(groups, dependents);
    }

    void round_step(StageLanes& lanes, const std::vector<InputGroup>& step,
                    const KeptRows& originals) {
        std::vector<InputGroup> open = step;
        std::erase_if(open, [&](const InputGroup& group) { return is_finished(group); });
        if (!open.empty()) {
            Observed inputs = observe(lanes, open, originals);
            for (const InputGroup& group : open) {
                round_group(group, inputs.at(group.leader()));
                inputs.erase(group.leader());
            }
        }
        for (const InputGroup& group : step) {
            for (const std::string& tensor : group.members) use(lanes, tensor);
        }
    }

    // In the order of a call.
    Observed observe(StageLanes& lanes, const std::vector<InputGroup>& groups,
                     const KeptRows& originals) {
        Observed observed;
        LaneRun run{.last = groups.back().leader(), .track = Track::kQuantized};
        for (const InputGroup& group : groups) {
            const std::string& leader = group.leader();
            run.weights.insert(leader);
            observed.try_emplace(leader, group, &originals, leader, job_.scratch / leader);
        }
        run.what = fmt::format("{}", fmt::join(run.weights, ", "));
        if (!can_stop_after(lanes, run)) run.last.clear();
        lanes.run(run, [&](size_t batch, LaneOutput&& output) {
            for (auto& [leader, calls] : output.inputs) {
                for (ProductRows& rows : calls) {
                    observed.at(leader).add(std::move(rows), runs_.is_for_check(batch));
                }
            }
        });
        return observed;
    }

    void round_group(const InputGroup& group, GroupInputs& inputs) {
        GroupRounding rounding(model_, group, job_.types);
        for (const TensorRounding& tensor : rounding.round(inputs, job_.moment_bytes)) {
            write(tensor);
        }
    }

    static Inputs inputs_of_all(StageLanes& lanes, const std::vector<InputGroup>& groups) {
        LaneRun run{.track = Track::kQuantized};
        for (const InputGroup& group : groups) run.weights.insert(group.leader());
        return lanes.first_batch(run).inputs;
    }

    // Whether a window's later calls need nothing of what earlier ones compute behind this product:
    // recurrent states, keys and values have to be stored before. Tried on a batch of several
    // calls, once for each role.
    bool can_stop_after(StageLanes& lanes, LaneRun run) {
        const auto [known, is_new] = can_stop_.try_emplace(tensor_role(run.last), false);
        if (!is_new) return known->second;
        const Inputs stopped = lanes.first_batch(run).inputs;
        run.last.clear();
        known->second = stopped == lanes.first_batch(run).inputs;
        return known->second;
    }

    std::optional<GgufFile> finished(const std::string& tensor) const {
        return open_rounded_tensor(job_, tensor);
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
    void use(StageLanes& lanes, const std::string& tensor) {
        rounded_.push_back(tensor);
        const auto file = finished(tensor);
        const std::vector<std::byte> blocks = tensor_file_bytes(*file);
        std::vector<float> values(file->tensors().front().elements());
        decode_row(file->tensors().front().type_id, blocks, values);
        lanes.context().set_weight(tensor, std::as_bytes(std::span(values)));
    }

    void note_finished(size_t stage) {
        for (const std::string& tensor : for_feedback_in(stage)) {
            if (finished(tensor)) rounded_.push_back(tensor);
        }
    }

    // --- what the quantized stage gives ----------------------------------------------------------

    void hand_on(StageLanes& lanes, const KeptRows& originals) {
        const bool last = lanes.context().is_last_stage();
        if (last && !for_feedback_in(lanes.stage()).contains(kHead)) return;
        const InputGroup group{.members = {kHead}, .width = model_.width()};
        GroupInputs inputs(group, &originals, kHead, {});
        const LaneRun run{.what = "the quantized model", .track = Track::kQuantized, .keep = true};
        lanes.run(run, [&](size_t batch, LaneOutput output) {
            for (ProductRows& rows : output.states) {
                inputs.add(std::move(rows), runs_.is_for_check(batch));
            }
        });
        if (last && !is_finished(group)) round_group(group, inputs);
        if (last) rounded_.push_back(kHead);
    }

    const RoundingJob& job_;
    StagedModel model_;
    GroupOrder order_;
    TensorEncoder encoder_;
    StageRuns runs_;
    std::map<std::string, bool> can_stop_;  // by the role of a group's first matrix
    std::vector<std::string> rounded_;
};

}  // namespace

std::optional<GgufFile> open_rounded_tensor(const RoundingJob& job, const std::string& tensor) {
    auto file = open_tensor_file(job.folder, tensor);
    if (file && file->text(kRoundingIdentityKey) != job.identity) file.reset();
    return file;
}

std::vector<std::string> round_in_order(const RoundingJob& job, Progress& progress) {
    return RoundingPass(job, progress).run();
}

}  // namespace bitgauge
