#include "engine/product_speed.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/clock.h"
#include "engine/handles.h"
#include "engine/llama_log.h"

#include <ggml-alloc.h>
#include <ggml-backend.h>
#include <ggml-cpp.h>
#include <ggml-cpu.h>
#include <ggml.h>

namespace bitgauge {
namespace {

ggml_context_ptr make_context(size_t tensors) {
    return ggml_context_ptr(ggml_init(
        {.mem_size = tensors * ggml_tensor_overhead() + ggml_graph_overhead_custom(tensors, false),
         .mem_buffer = nullptr,
         .no_alloc = true}));
}

ggml_tensor* new_weights(ggml_context* context, int type_id, const ProductShape& shape) {
    return ggml_new_tensor_2d(context, static_cast<ggml_type>(type_id), shape.columns, shape.rows);
}

// The other layouts that the processor's code may have for weights.
std::span<ggml_backend_buffer_type_t> other_layouts(ggml_backend_dev_t device) {
    const auto list =
        reinterpret_cast<ggml_backend_dev_get_extra_bufts_t>(ggml_backend_reg_get_proc_address(
            ggml_backend_dev_backend_reg(device), "ggml_backend_dev_get_extra_bufts"));
    ggml_backend_buffer_type_t* first = list == nullptr ? nullptr : list(device);
    size_t count = 0;
    while (first != nullptr && first[count] != nullptr) ++count;
    return {first, count};
}

// As libllama asks: would the product run on weights in such a buffer?
bool takes(ggml_backend_dev_t device, ggml_backend_buffer_type_t layout, int type_id,
           const ProductShape& shape) {
    const ggml_context_ptr context = make_context(8);
    ggml_tensor* weights = new_weights(context.get(), type_id, shape);
    ggml_tensor* inputs =
        ggml_new_tensor_2d(context.get(), GGML_TYPE_F32, shape.columns, shape.tokens);
    ggml_tensor* product = ggml_mul_mat(context.get(), weights, inputs);
    const ggml_backend_buffer_ptr none(ggml_backend_buft_alloc_buffer(layout, 0));
    weights->buffer = none.get();
    return ggml_backend_dev_supports_op(device, product);
}

// The first other layout that takes the product, else the plain one.
ggml_backend_buffer_type_t layout_of(ggml_backend_dev_t device, int type_id,
                                     const ProductShape& shape) {
    for (ggml_backend_buffer_type_t layout : other_layouts(device)) {
        if (takes(device, layout, type_id, shape)) return layout;
    }
    return ggml_backend_dev_buffer_type(device);
}

std::vector<std::byte> repeated(std::span<const std::byte> rows, size_t bytes) {
    std::vector<std::byte> all(bytes);
    for (size_t at = 0; at < bytes; at += rows.size()) {
        std::memcpy(all.data() + at, rows.data(), std::min(rows.size(), bytes - at));
    }
    return all;
}

// Inputs between -1 and 1 without a pattern that matters.
std::vector<float> some_inputs(size_t count) {
    std::vector<float> inputs(count);
    uint32_t state = 1;
    for (float& x : inputs) {
        state = state * 1664525U + 1013904223U;  // [Knuth 1997, TAOCP 2, 3.3.4]
        x = static_cast<float>(state >> 8) * 0x1p-23F - 1.0F;
    }
    return inputs;
}

}  // namespace

struct ProductRun::State {
    ggml_backend_ptr backend;
    ggml_context_ptr weights;
    ggml_context_ptr work;
    ggml_backend_buffer_ptr weights_buffer;
    ggml_backend_buffer_ptr work_buffer;
    ggml_cgraph* graph = nullptr;
    uint32_t copies = 1;
    bool laid_out_anew = false;

    void add_weights(int type_id, std::span<const std::byte> rows, const ProductShape& shape);
    void add_products(const ProductShape& shape);
};

void ProductRun::State::add_weights(int type_id, std::span<const std::byte> rows,
                                    const ProductShape& shape) {
    ggml_backend_dev_t device = ggml_backend_get_device(backend.get());
    weights = make_context(size_t{copies} + 8);
    for (uint32_t i = 0; i < copies; ++i) new_weights(weights.get(), type_id, shape);
    ggml_backend_buffer_type_t layout = layout_of(device, type_id, shape);
    laid_out_anew = layout != ggml_backend_dev_buffer_type(device);
    weights_buffer.reset(ggml_backend_alloc_ctx_tensors_from_buft(weights.get(), layout));
    if (!weights_buffer) {
        throw Error(ErrorKind::kEnvironment, "no memory for matrices to multiply with",
                    "close other programs");
    }
    ggml_backend_buffer_set_usage(weights_buffer.get(), GGML_BACKEND_BUFFER_USAGE_WEIGHTS);
    ggml_tensor* tensor = ggml_get_first_tensor(weights.get());
    const std::vector<std::byte> all = repeated(rows, ggml_nbytes(tensor));
    for (; tensor != nullptr; tensor = ggml_get_next_tensor(weights.get(), tensor)) {
        ggml_backend_tensor_set(tensor, all.data(), 0, all.size());
    }
}

void ProductRun::State::add_products(const ProductShape& shape) {
    work = make_context(2 * size_t{copies} + 8);
    graph = ggml_new_graph_custom(work.get(), size_t{copies} + 8, false);
    ggml_tensor* inputs =
        ggml_new_tensor_2d(work.get(), GGML_TYPE_F32, shape.columns, shape.tokens);
    for (ggml_tensor* w = ggml_get_first_tensor(weights.get()); w != nullptr;
         w = ggml_get_next_tensor(weights.get(), w)) {
        ggml_build_forward_expand(graph, ggml_mul_mat(work.get(), w, inputs));
    }
    work_buffer.reset(ggml_backend_alloc_ctx_tensors(work.get(), backend.get()));
    if (!work_buffer) {
        throw Error(ErrorKind::kEnvironment, "no memory for products", "close other programs");
    }
    const std::vector<float> values = some_inputs(size_t{shape.columns} * shape.tokens);
    ggml_backend_tensor_set(inputs, values.data(), 0, values.size() * sizeof(float));
}

ProductRun::ProductRun(int type_id, std::span<const std::byte> rows, const ProductShape& shape,
                       uint32_t copies, uint32_t threads)
    : state_(std::make_unique<State>()) {
    start_libllama();
    State& s = *state_;
    s.backend.reset(ggml_backend_cpu_init());
    ggml_backend_cpu_set_n_threads(s.backend.get(), static_cast<int>(threads));
    s.copies = std::max(copies, 1U);
    s.add_weights(type_id, rows, shape);
    s.add_products(shape);
}

ProductRun::~ProductRun() = default;
ProductRun::ProductRun(ProductRun&&) noexcept = default;

double ProductRun::seconds() {
    const double began = steady_seconds();
    if (ggml_backend_graph_compute(state_->backend.get(), state_->graph) != GGML_STATUS_SUCCESS) {
        throw Error(ErrorKind::kEnvironment, "ggml could not compute a product",
                    "close other programs");
    }
    return (steady_seconds() - began) / static_cast<double>(state_->copies);
}

bool ProductRun::is_laid_out_anew() const {
    return state_->laid_out_anew;
}

}  // namespace bitgauge
