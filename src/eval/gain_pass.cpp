#include "eval/gain_pass.h"

#include <algorithm>
#include <set>

#include "bitgauge/qtype.h"

#include "eval/group_rounding.h"
#include "eval/stage_lanes.h"

#include "rounding/rounder.h"

namespace bitgauge {
namespace {

constexpr const char* kHead = "output.weight";
constexpr size_t kMostExperts = 8;

// Errors of a tensor's samples in one type.
struct Errors {
    double nearest = 0, feedback = 0;
};
using TypeErrorSums = std::map<std::string, Errors>;

double error_of(const InputMoments& moments, int type_id, std::span<const float> rows,
                std::span<const std::byte> blocks) {
    std::vector<float> values(rows.size());
    decode_row(type_id, blocks, values);
    return output_error(moments, rows, values);
}

Errors errors_of(const Rounder& rounder, const InputMoments& check, const QType& type,
                 std::span<const float> rows) {
    std::vector<std::byte> blocks(rows.size() / check.width * type.row_bytes(check.width));
    Errors errors;
    encode_rows(type.id, rows, check.width, rounder.importance(), blocks);
    errors.nearest = error_of(check, type.id, rows, blocks);
    rounder.round(type.id, rows, blocks);
    errors.feedback = error_of(check, type.id, rows, blocks);
    return errors;
}

class GainPass {
  public:
    GainPass(const GainJob& job, Progress& progress)
        : job_(job),
          model_(job.base.model, job.base.engine,
                 {.stages = job.base.way.stages,
                  .forget_file_pages = job.base.way.forget_pages,
                  .one_run = !job.base.way.staged}),
          runs_(model_, job.base.windows, job.base.shape, job.base.scratch, job.base.identity, 1,
                progress) {}

    FeedbackGains run() {
        for (size_t stage = 0; stage < model_.stages(); ++stage) run_stage(stage);
        runs_.discard();
        return std::move(gains_);
    }

  private:
    void run_stage(size_t stage) {
        std::map<std::string, GroupInputs> inputs;
        for (const InputGroup& group : observe(stage, inputs)) {
            note(group, inputs.at(group.leader()));
        }
    }

    std::set<std::string> tensors_in(size_t stage) const {
        std::set<std::string> names;
        for (const auto& [tensor, type] : job_.base.types) {
            if (model_.stage_of(tensor) == stage) names.insert(tensor);
        }
        return names;
    }

    // The groups, and by their leaders what they get.
    std::vector<InputGroup> observe(size_t stage, std::map<std::string, GroupInputs>& inputs) {
        const Model model = model_.load(stage);
        StageLanes lanes(model, stage, runs_, job_.base.shape, job_.base.engine);
        const std::set<std::string> wanted = tensors_in(stage);
        const bool with_head = wanted.contains(kHead) && lanes.context().is_last_stage();
        const InputGroup of_head{.members = {kHead}, .width = model_.width()};
        const LaneRun run{.what = "inputs", .weights = wanted, .keep = true};
        std::vector<InputGroup> groups = lanes.run(run, [&](size_t batch, LaneOutput output) {
            for (const InputGroup& group : output.groups) {
                add(group, std::move(output.inputs[group.leader()]), batch, inputs);
            }
            if (with_head) add(of_head, std::move(output.states), batch, inputs);
        });
        if (with_head) groups.push_back(of_head);
        return groups;
    }

    void add(const InputGroup& group, std::vector<ProductRows> calls, size_t batch,
             std::map<std::string, GroupInputs>& inputs) const {
        const std::string& leader = group.leader();
        GroupInputs& of_group =
            inputs.try_emplace(leader, group, nullptr, leader, job_.base.scratch / leader)
                .first->second;
        for (ProductRows& call : calls) {
            of_group.add(std::move(call), runs_.is_for_check(batch));
        }
    }

    void note(const InputGroup& group, GroupInputs& inputs) {
        std::vector<TensorRounding> tensors;
        for (const std::string& name : group.members) {
            tensors.push_back(open_tensor(model_, name, job_.base.types.at(name)));
        }
        const size_t matrices = std::clamp<size_t>(group.experts, 1, kMostExperts);
        std::vector<std::vector<TypeErrorSums>> sums(matrices);
        for_each_matrix(matrices, group.width, job_.base.moment_bytes, [&](size_t i) {
            const SplitMoments moments = inputs.take(i);
            for (const TensorRounding& tensor : tensors) {
                sums[i].push_back(matrix_errors(tensor, i, moments));
            }
        });
        for (size_t t = 0; t < tensors.size(); ++t) {
            TypeErrorSums all;
            for (const auto& of_matrix : sums) add_to(all, of_matrix[t]);
            note_gains(group.members[t], all);
        }
    }

    static void add_to(TypeErrorSums& all, const TypeErrorSums& one) {
        for (const auto& [type, errors] : one) {
            all[type].nearest += errors.nearest;
            all[type].feedback += errors.feedback;
        }
    }

    void note_gains(const std::string& tensor, const TypeErrorSums& sums) {
        for (const auto& [type, errors] : sums) {
            if (errors.nearest <= 0) continue;
            gains_[tensor][type] = std::min(1.0, errors.feedback / errors.nearest);
        }
    }

    // Weighed by the tokens that reached the matrix.
    TypeErrorSums matrix_errors(const TensorRounding& tensor, size_t matrix,
                                const SplitMoments& moments) const {
        TypeErrorSums sums;
        if (moments.fit.tokens == 0 || moments.check.tokens == 0) return sums;
        const std::vector<float> sample = tensor.sample(matrix);
        const RoundingChoice choice =
            choose_setting(moments.fit, moments.check, tensor.type_id, sample);
        const Rounder rounder(moments.fit, choice.setting);
        const auto tokens = static_cast<double>(moments.check.tokens);
        for (const std::string& name : job_.types) {
            const QType& type = *find_type(name);
            if (!can_round_with_feedback(type.id) || tensor.width % type.block_weights != 0) {
                continue;
            }
            const Errors errors = errors_of(rounder, moments.check, type, sample);
            sums[name] = {tokens * errors.nearest,
                          tokens * std::min(errors.nearest, errors.feedback)};
        }
        return sums;
    }

    const GainJob& job_;
    StagedModel model_;
    StageRuns runs_;
    FeedbackGains gains_;
};

}  // namespace

Json to_json(const GainJob& job) {
    Json json = to_json(job.base);
    json["job"] = kGainJob;
    json["gain_types"] = job.types;
    return json;
}

GainJob gain_job_from_json(const Json& json) {
    return {.base = rounding_job_from_json(json),
            .types = json.at("gain_types").get<std::vector<std::string>>()};
}

FeedbackGains find_gains(const GainJob& job, Progress& progress) {
    return GainPass(job, progress).run();
}

}  // namespace bitgauge
