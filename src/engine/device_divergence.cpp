#include "engine/device_divergence.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "engine/llama_log.h"

#include <ggml-alloc.h>
#include <ggml-backend.h>
#include <ggml-cpp.h>
#include <ggml.h>

namespace bitgauge {
namespace {

constexpr size_t kNodes = 64;       // of one graph
constexpr size_t kLogitArrays = 6;  // as large as the logits, alive at once at most

ggml_context_ptr make_context() {
    return ggml_context_ptr(ggml_init(
        {.mem_size = kNodes * ggml_tensor_overhead() + ggml_graph_overhead_custom(kNodes, false),
         .mem_buffer = nullptr,
         .no_alloc = true}));
}

[[noreturn]] void fail_for_memory(ggml_backend_t backend, size_t bytes) {
    throw Error(ErrorKind::kEnvironment,
                fmt::format("{} has no room for {} MiB", ggml_backend_name(backend), bytes >> 20),
                "compare on the CPU (--gpu-layers 0)");
}

// Values picked out of the columns of a matrix, and what is needed to put them there.
struct Inputs {
    ggml_tensor* original_states;
    ggml_tensor* candidate_states;
    ggml_tensor* next;
};
struct Outputs {
    ggml_tensor *top, *candidate_top;                             // arg-max of l and of m
    ggml_tensor *l_top, *l_next, *p_top;                          // of the original
    ggml_tensor *m_top, *m_next, *m_own_top, *q_own_top, *cross;  // of the candidate
};

}  // namespace

struct Device::Parts {
    ggml_backend_ptr backend;
    ggml_gallocr_ptr allocator;
};

class Device::LoadedHead {
  public:
    LoadedHead(const Head& head, ggml_backend_t backend)
        : context_(make_context()), transform_(head.transform()) {
        weights_ = ggml_new_tensor_2d(context_.get(), static_cast<ggml_type>(head.type_id()),
                                      static_cast<int64_t>(head.width()),
                                      static_cast<int64_t>(head.vocabulary()));
        if (!transform_.bias.empty()) {
            bias_ = ggml_new_tensor_1d(context_.get(), GGML_TYPE_F32, weights_->ne[1]);
        }
        buffer_.reset(ggml_backend_alloc_ctx_tensors(context_.get(), backend));
        if (!buffer_) fail_for_memory(backend, head.weights().size());
        ggml_backend_tensor_set(weights_, head.weights().data(), 0, head.weights().size());
        if (bias_ != nullptr) {
            ggml_backend_tensor_set(bias_, transform_.bias.data(), 0, ggml_nbytes(bias_));
        }
    }

    int64_t width() const { return weights_->ne[0]; }
    int64_t vocabulary() const { return weights_->ne[1]; }

    // One column of logits per column of states.
    ggml_tensor* logits(ggml_context* graph, ggml_tensor* states) const {
        ggml_tensor* logits = ggml_mul_mat(graph, weights_, states);
        if (bias_ != nullptr) logits = ggml_add(graph, logits, bias_);
        const auto scale = static_cast<float>(transform_.scale);
        const auto cap = static_cast<float>(transform_.softcap);
        if (cap == 0) return scale == 1 ? logits : ggml_scale(graph, logits, scale);
        logits = ggml_tanh(graph, ggml_scale(graph, logits, scale / cap));
        return ggml_scale(graph, logits, cap);
    }

  private:
    ggml_context_ptr context_;
    ggml_backend_buffer_ptr buffer_;
    HeadTransform transform_;
    ggml_tensor* weights_ = nullptr;
    ggml_tensor* bias_ = nullptr;
};

namespace {

ggml_tensor* new_input(ggml_context* graph, ggml_type type, int64_t rows, int64_t columns) {
    ggml_tensor* tensor = ggml_new_tensor_2d(graph, type, rows, columns);
    ggml_set_input(tensor);
    return tensor;
}

ggml_tensor* output(ggml_cgraph* nodes, ggml_tensor* tensor) {
    ggml_set_output(tensor);
    ggml_build_forward_expand(nodes, tensor);
    return tensor;
}

// Entry index[i] of column i of a matrix, as one row.
ggml_tensor* pick(ggml_context* graph, ggml_tensor* matrix, ggml_tensor* index) {
    const int64_t entries = matrix->ne[0];
    const int64_t columns = matrix->ne[1];
    ggml_tensor* single = ggml_reshape_3d(graph, matrix, 1, entries, columns);
    ggml_tensor* picked = ggml_get_rows(graph, single, ggml_reshape_2d(graph, index, 1, columns));
    return ggml_reshape_2d(graph, picked, 1, columns);
}

Outputs reduce(ggml_context* graph, ggml_cgraph* nodes, ggml_tensor* l, ggml_tensor* m,
               ggml_tensor* next) {
    Outputs o{};
    o.top = output(nodes, ggml_argmax(graph, l));
    o.candidate_top = output(nodes, ggml_argmax(graph, m));
    o.l_top = output(nodes, pick(graph, l, o.top));
    o.m_top = output(nodes, pick(graph, m, o.top));
    o.m_own_top = output(nodes, pick(graph, m, o.candidate_top));
    o.l_next = output(nodes, pick(graph, l, next));
    o.m_next = output(nodes, pick(graph, m, next));
    o.q_own_top = output(nodes, pick(graph, ggml_soft_max(graph, m), o.candidate_top));
    ggml_tensor* p = ggml_soft_max(graph, l);
    o.p_top = output(nodes, pick(graph, p, o.top));
    ggml_tensor* difference =
        ggml_sub(graph, ggml_sub(graph, l, o.l_top), ggml_sub(graph, m, o.m_top));
    o.cross = output(nodes, ggml_sum_rows(graph, ggml_mul(graph, p, difference)));
    return o;
}

template <class T>
std::vector<T> fetch(const ggml_tensor* tensor) {
    std::vector<T> values(static_cast<size_t>(ggml_nelements(tensor)));
    ggml_backend_tensor_get(tensor, values.data(), 0, values.size() * sizeof(T));
    return values;
}

std::vector<DeviceFigures> figures_of(const Outputs& o) {
    const auto top = fetch<int32_t>(o.top);
    const auto candidate_top = fetch<int32_t>(o.candidate_top);
    const auto l_top = fetch<float>(o.l_top), l_next = fetch<float>(o.l_next);
    const auto m_top = fetch<float>(o.m_top), m_next = fetch<float>(o.m_next);
    const auto m_own_top = fetch<float>(o.m_own_top), q_own_top = fetch<float>(o.q_own_top);
    const auto p_top = fetch<float>(o.p_top), cross = fetch<float>(o.cross);
    std::vector<DeviceFigures> figures(top.size());
    for (size_t i = 0; i < figures.size(); ++i) {
        const double ln_p_top = std::log(double{p_top[i]});
        const double ln_q_own_top = std::log(double{q_own_top[i]});
        const auto ln_q = [&](float m) { return double{m} - m_own_top[i] + ln_q_own_top; };
        figures[i] = {.kld_nats = cross[i] + ln_p_top - ln_q(m_top[i]),
                      .nll_nats = -ln_q(m_next[i]),
                      .reference_nats = -(double{l_next[i]} - l_top[i] + ln_p_top),
                      .same_top = top[i] == candidate_top[i]};
    }
    return figures;
}

}  // namespace

Device::Device(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Device::~Device() = default;

std::unique_ptr<Device> Device::open(Kind kind) {
    start_libllama();
    const auto type =
        kind == Kind::kCpu ? GGML_BACKEND_DEVICE_TYPE_CPU : GGML_BACKEND_DEVICE_TYPE_GPU;
    auto parts = std::make_unique<Parts>();
    parts->backend.reset(ggml_backend_init_by_type(type, nullptr));
    if (!parts->backend) return nullptr;
    parts->allocator.reset(
        ggml_gallocr_new(ggml_backend_get_default_buffer_type(parts->backend.get())));
    return std::unique_ptr<Device>(new Device(std::move(parts)));
}

std::shared_ptr<const Device::LoadedHead> Device::load(const Head& head) {
    return std::make_shared<const LoadedHead>(head, parts_->backend.get());
}

namespace {

// One graph over some rows.
template <class LoadedHead>
std::vector<DeviceFigures> diverge_rows(ggml_backend_t backend, ggml_gallocr_t allocator,
                                        const LoadedHead& original,
                                        std::span<const float> original_states,
                                        const LoadedHead& candidate,
                                        std::span<const float> candidate_states,
                                        std::span<const TokenId> next) {
    const ggml_context_ptr graph = make_context();
    ggml_cgraph* nodes = ggml_new_graph_custom(graph.get(), kNodes, false);
    const auto rows = static_cast<int64_t>(next.size());
    const Inputs in{new_input(graph.get(), GGML_TYPE_F32, original.width(), rows),
                    new_input(graph.get(), GGML_TYPE_F32, candidate.width(), rows),
                    new_input(graph.get(), GGML_TYPE_I32, 1, rows)};
    ggml_tensor* l = original.logits(graph.get(), in.original_states);
    ggml_tensor* m = candidate.logits(graph.get(), in.candidate_states);
    const Outputs out = reduce(graph.get(), nodes, l, m, in.next);
    if (!ggml_gallocr_alloc_graph(allocator, nodes)) {
        fail_for_memory(backend, next.size() * static_cast<size_t>(original.vocabulary()) * 4);
    }
    ggml_backend_tensor_set(in.original_states, original_states.data(), 0,
                            original_states.size_bytes());
    ggml_backend_tensor_set(in.candidate_states, candidate_states.data(), 0,
                            candidate_states.size_bytes());
    ggml_backend_tensor_set(in.next, next.data(), 0, next.size_bytes());
    if (ggml_backend_graph_compute(backend, nodes) != GGML_STATUS_SUCCESS) {
        throw Error(ErrorKind::kEnvironment,
                    fmt::format("{} failed to compute the divergence", ggml_backend_name(backend)),
                    "compare on the CPU (--gpu-layers 0)");
    }
    return figures_of(out);
}

}  // namespace

std::vector<DeviceFigures> Device::diverge(const LoadedHead& original,
                                           std::span<const float> original_states,
                                           const LoadedHead& candidate,
                                           std::span<const float> candidate_states,
                                           std::span<const TokenId> next, size_t scratch_bytes) {
    const auto width = static_cast<size_t>(original.width());
    const auto candidate_width = static_cast<size_t>(candidate.width());
    const size_t row_bytes =
        kLogitArrays * sizeof(float) * static_cast<size_t>(original.vocabulary());
    const size_t step = std::max<size_t>(1, scratch_bytes / row_bytes);
    std::vector<DeviceFigures> all;
    for (size_t at = 0; at < next.size(); at += step) {
        const size_t rows = std::min(step, next.size() - at);
        const auto some =
            diverge_rows(parts_->backend.get(), parts_->allocator.get(), original,
                         original_states.subspan(at * width, rows * width), candidate,
                         candidate_states.subspan(at * candidate_width, rows * candidate_width),
                         next.subspan(at, rows));
        all.insert(all.end(), some.begin(), some.end());
    }
    return all;
}

}  // namespace bitgauge
