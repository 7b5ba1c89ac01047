#include "engine/head.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "engine/activation.h"

#include <ggml-cpu.h>
#include <ggml.h>

#include "linear/blas.h"

namespace bitgauge {
namespace {

const ggml_type_traits* traits_of(int type_id) {
    return ggml_get_type_traits(static_cast<ggml_type>(type_id));
}

}  // namespace

Head::Head(int type_id, size_t vocabulary, size_t width, std::span<const std::byte> weights,
           HeadTransform transform)
    : type_id_(type_id),
      vocabulary_(vocabulary),
      width_(width),
      row_bytes_(ggml_row_size(static_cast<ggml_type>(type_id), static_cast<int64_t>(width))),
      weights_(weights),
      transform_(std::move(transform)) {
    if (type_id != GGML_TYPE_F32 && traits_of(type_id)->to_float == nullptr) {
        throw Error(ErrorKind::kInput,
                    fmt::format("the head's type {} cannot be decoded by ggml {}",
                                traits_of(type_id)->type_name, ggml_version()));
    }
    if (weights.size() != vocabulary * row_bytes_) {
        throw Error(
            ErrorKind::kInput,
            fmt::format("the head has {} bytes; {} rows of {} {} values need {}", weights.size(),
                        vocabulary, width, traits_of(type_id)->type_name, vocabulary * row_bytes_));
    }
}

bool Head::is_quantized() const {
    return traits_of(type_id_)->is_quantized;
}

HeadInputs Head::prepare(std::vector<float> states) const {
    HeadInputs inputs{.rows = states.size() / width_, .floats = {}, .integers = {}};
    if (has_integer_product(type_id_, width_)) {
        inputs.integers.emplace(states, width_);
    } else {
        round_inputs(states);
        inputs.floats = std::move(states);
    }
    return inputs;
}

void Head::logits(const HeadInputs& inputs, size_t row, size_t n_states, size_t first, size_t count,
                  std::span<float> out, HeadScratch& scratch) const {
    if (!inputs.integers) {
        const std::span<const float> states(inputs.floats);
        logits(states.subspan(row * width_, n_states * width_), n_states, first, count, out,
               scratch.floats);
        return;
    }
    scratch.integers.decode(rows(first, count), width_);
    integer_product(*inputs.integers, row, n_states, scratch.integers, out);
    finish(n_states, first, count, out);
}

void Head::finish(size_t n_states, size_t first, size_t count, std::span<float> out) const {
    if (release_) release_(first * row_bytes_, count * row_bytes_);
    if (!transform_.is_identity()) apply_transform(n_states, first, count, out);
}

std::span<const std::byte> Head::rows(size_t first, size_t count) const {
    return weights_.subspan(first * row_bytes_, count * row_bytes_);
}

void Head::round_inputs(std::span<float> states) const {
    if (keeps_inputs_) return;
    std::vector<std::byte> scratch(activation_scratch_bytes(type_id_, width_));
    for (size_t at = 0; at + width_ <= states.size(); at += width_) {
        round_activation_row(type_id_, states.subspan(at, width_), scratch);
    }
}

void Head::logits(std::span<const float> states, size_t n_states, size_t first, size_t count,
                  std::span<float> out, std::vector<float>& scratch) const {
    scratch.resize(count * width_);
    const std::byte* rows = this->rows(first, count).data();
    const auto to_float = traits_of(type_id_)->to_float;
    if (type_id_ == GGML_TYPE_F32) {
        std::copy_n(reinterpret_cast<const float*>(rows), scratch.size(), scratch.data());
    } else {
        to_float(rows, scratch.data(), static_cast<int64_t>(scratch.size()));
    }
    multiply_transposed(states, n_states, scratch, count, width_, out);
    finish(n_states, first, count, out);
}

void Head::apply_transform(size_t n_states, size_t first, size_t count,
                           std::span<float> out) const {
    const auto scale = static_cast<float>(transform_.scale);
    const auto cap = static_cast<float>(transform_.softcap);
    for (size_t i = 0; i < n_states; ++i) {
        for (size_t j = 0; j < count; ++j) {
            float& logit = out[i * count + j];
            if (!transform_.bias.empty()) logit += transform_.bias[first + j];
            logit *= scale;
            if (cap != 0) logit = cap * std::tanh(logit / cap);
        }
    }
}

std::string natural_state_precision(int type_id) {
    return ggml_get_type_traits_cpu(static_cast<ggml_type>(type_id))->vec_dot_type == GGML_TYPE_BF16
               ? "bf16"
               : "f16";
}

HeadTransform fit_transform(std::span<const float> products, std::span<const float> logits,
                            double softcap, std::vector<float> bias) {
    double cross = 0;
    double square = 0;
    for (size_t i = 0; i < products.size(); ++i) {
        double wanted = logits[i];
        if (softcap != 0) {
            const double inside = std::clamp(wanted / softcap, -0.999999, 0.999999);
            wanted = softcap * std::atanh(inside);
        }
        cross += wanted * products[i];
        square += double{products[i]} * products[i];
    }
    double scale = square > 0 ? cross / square : 1;
    if (std::abs(scale - 1) < 1e-5) scale = 1;
    return {.scale = scale, .softcap = softcap, .bias = std::move(bias)};
}

}  // namespace bitgauge
