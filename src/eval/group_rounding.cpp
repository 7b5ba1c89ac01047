#include "eval/group_rounding.h"

#include <algorithm>
#include <atomic>

#include <fmt/format.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include "bitgauge/error.h"
#include "bitgauge/qtype.h"

#include "base/interrupt.h"

#include "rounding/rounder.h"

namespace bitgauge {
namespace {

constexpr size_t kSampleRows = 64;
// Of a matrix while it is rounded: five of its inputs' moments, two of them with a prior, four of a
// factor, its tiles and couplings.
constexpr size_t kSquaresOfOne = 11;

const QType& type_for(const TensorInfo& tensor, const std::string& name) {
    const QType* type = find_type(name);
    if (type != nullptr && type->encodable && tensor.shape[0] % type->block_weights == 0) {
        return *type;
    }
    throw Error(ErrorKind::kInput,
                fmt::format("'{}' cannot have the type {}: its rows have {} weights", tensor.name,
                            name, tensor.shape[0]),
                "take a type whose blocks divide the rows");
}

// Nobody has read this expert: as without importance, or with what its layer's read.
void round_unseen(TensorRounding& tensor, size_t matrix, const InputMoments* prior) {
    std::vector<float> importance;
    if (prior != nullptr && prior->tokens > 0) importance = channel_importance(*prior);
    encode_rows(tensor.type_id, tensor.matrix(matrix), tensor.width, importance,
                tensor.matrix_blocks(matrix));
}

// What is best for a matrix in damping and prior is best for others with the same input.
RoundingCandidates like(const RoundingChoice& choice, size_t width) {
    return {.dampings = {choice.setting.damping},
            .prior_strengths = {choice.prior_tokens / static_cast<double>(width)}};
}

}  // namespace

TensorRounding open_tensor(const StagedModel& model, const std::string& name,
                           const std::string& type_name) {
    const TensorInfo& info = *model.anatomy().file().find_tensor(name);
    const QType& type = type_for(info, type_name);
    TensorRounding tensor{.report = {.name = name, .type = type.name},
                          .type_id = type.id,
                          .width = info.shape[0],
                          .rows = info.shape.size() > 1 ? info.shape[1] : 1,
                          .original_type = info.type_id,
                          .original = model.tensor_bytes(name)};
    tensor.report.matrices = info.elements() / (tensor.width * tensor.rows);
    tensor.blocks.resize(info.elements() / tensor.width * type.row_bytes(tensor.width));
    return tensor;
}

std::vector<float> TensorRounding::matrix(size_t index) const {
    std::vector<float> values(rows * width);
    decode(index * rows, values);
    return values;
}

std::span<std::byte> TensorRounding::matrix_blocks(size_t index) {
    const size_t bytes = blocks.size() / report.matrices;
    return std::span(blocks).subspan(index * bytes, bytes);
}

std::vector<float> TensorRounding::sample(size_t index) const {
    const size_t n = std::min(rows, kSampleRows);
    std::vector<float> sample(n * width);
    for (size_t i = 0; i < n; ++i) {
        decode(index * rows + (2 * i + 1) * rows / (2 * n),
               std::span(sample).subspan(i * width, width));
    }
    return sample;
}

// Values from the beginning of a row of all matrices on.
void TensorRounding::decode(size_t row, std::span<float> values) const {
    const QType& type = *type_by_id(original_type);
    decode_row(
        original_type,
        std::span(original).subspan(row * type.row_bytes(width), type.row_bytes(values.size())),
        values);
}

void for_each_matrix(size_t count, size_t width, uint64_t moment_bytes,
                     const std::function<void(size_t)>& run) {
    const uint64_t room = moment_bytes / (kSquaresOfOne * width * width * sizeof(float));
    std::atomic<size_t> next = 0;
    tbb::parallel_for(uint64_t{0}, std::clamp<uint64_t>(room, 1, count), [&](uint64_t) {
        for (size_t i = next++; i < count; i = next++) {
            throw_if_interrupted();
            // While it waits for others, a thread does not begin another matrix.
            tbb::this_task_arena::isolate([&] { run(i); });
        }
    });
}

GroupRounding::GroupRounding(const StagedModel& model, const InputGroup& group,
                             const std::map<std::string, std::string>& types) {
    for (const std::string& name : group.members) {
        tensors_.push_back(open_tensor(model, name, types.at(name)));
        outcomes_.emplace_back(tensors_.back().report.matrices);
    }
}

const std::vector<TensorRounding>& GroupRounding::round(GroupInputs& inputs,
                                                        uint64_t moment_bytes) {
    const bool routed = inputs.routed();
    const InputMoments pooled = routed ? inputs.pooled() : InputMoments{};
    const TensorRounding& first = tensors_.front();
    for_each_matrix(first.report.matrices, first.width, moment_bytes,
                    [&](size_t i) { round_matrix(i, inputs.take(i), routed ? &pooled : nullptr); });
    sum_up();
    return tensors_;
}

void GroupRounding::round_matrix(size_t matrix, const SplitMoments& moments,
                                 const InputMoments* prior) {
    RoundingCandidates candidates;
    for (size_t t = 0; t < tensors_.size(); ++t) {
        if (moments.fit.tokens == 0 || moments.check.tokens == 0) {
            round_unseen(tensors_[t], matrix, prior);
            continue;
        }
        candidates.sweeps = sweeps_worth_trying(tensors_[t].type_id);
        outcomes_[t][matrix] = round_member(tensors_[t], matrix, moments, prior, candidates);
        if (t == 0) candidates = like(outcomes_[t][matrix].choice, tensors_[t].width);
    }
}

GroupRounding::MatrixOutcome GroupRounding::round_member(TensorRounding& tensor, size_t matrix,
                                                         const SplitMoments& moments,
                                                         const InputMoments* prior,
                                                         const RoundingCandidates& candidates) {
    const std::vector<float> sample = tensor.sample(matrix);
    MatrixOutcome outcome{.choice = choose_setting(moments.fit, moments.check, tensor.type_id,
                                                   sample, candidates, prior),
                          .energy = output_energy(moments.original, sample),
                          .tokens = moments.fit.tokens + moments.check.tokens};
    // of a matrix of zeros, everything the original gives is error
    const std::vector<float> zeros(sample.size());
    outcome.constant = outcome.energy - output_error(moments.check, sample, zeros);
    InputMoments all = moments.all();
    if (prior != nullptr && outcome.choice.use_feedback) {
        all.add_prior(*prior, outcome.choice.prior_tokens);
    }
    if (outcome.choice.use_feedback) {
        Rounder(all, outcome.choice.setting)
            .round(tensor.type_id, tensor.matrix(matrix), tensor.matrix_blocks(matrix));
    } else {
        encode_rows(tensor.type_id, tensor.matrix(matrix), tensor.width, channel_importance(all),
                    tensor.matrix_blocks(matrix));
    }
    return outcome;
}

void GroupRounding::sum_up() {
    for (size_t t = 0; t < tensors_.size(); ++t) {
        RoundedTensor& report = tensors_[t].report;
        double energy = 0, gain = 0, nearest = 0, feedback = 0, damping = 0, correction = 0;
        report.fewest_tokens = outcomes_[t].front().tokens;
        for (const MatrixOutcome& one : outcomes_[t]) {
            report.fewest_tokens = std::min(report.fewest_tokens, one.tokens);
            const auto n = static_cast<double>(one.tokens);
            const RoundingChoice& choice = one.choice;
            report.with_feedback += choice.use_feedback ? 1 : 0;
            energy += n * one.energy;
            gain += choice.predicted_gain;
            const double error = choice.use_feedback ? choice.feedback_error : choice.nearest_error;
            nearest += n * (one.constant + choice.nearest_error);
            feedback += n * (one.constant + error);
            damping += choice.setting.damping;
            correction += choice.setting.correction;
        }
        const auto matrices = static_cast<double>(report.matrices);
        report.predicted_gain = gain / matrices;
        report.nearest_error = energy > 0 ? nearest / energy : 0;
        report.feedback_error = energy > 0 ? feedback / energy : 0;
        report.damping = damping / matrices;
        report.correction = correction / matrices;
    }
}

}  // namespace bitgauge
