#include "engine/product_observer.h"

#include <charconv>

#include <fmt/format.h>

#include <ggml-backend.h>
#include <ggml.h>

namespace bitgauge {
namespace {

bool is_product(const ggml_tensor* node) {
    if (node->src[1] == nullptr || node->src[1]->type != GGML_TYPE_F32) return false;
    if (node->op == GGML_OP_MUL_MAT_ID) return true;
    return node->op == GGML_OP_MUL_MAT && node->src[1]->ne[1] >= kFewestObservedRows;
}

// Devices put their own marks around a weight's name: "CUDA0#blk.0.attn_q.weight#0".
std::string_view plain_name(std::string_view name) {
    const size_t begin = name.find('#');
    if (begin == std::string_view::npos) return name;
    name.remove_prefix(begin + 1);
    return name.substr(0, name.find('#'));
}

const std::byte* in_memory(const ggml_tensor* tensor, std::vector<std::byte>& copy) {
    if (ggml_backend_buffer_is_host(tensor->buffer)) {
        return static_cast<const std::byte*>(tensor->data);
    }
    copy.resize(ggml_nbytes(tensor));
    ggml_backend_tensor_get(tensor, copy.data(), 0, copy.size());
    return copy.data();
}

}  // namespace

std::string ProductTap::original_name(const char* name) const {
    constexpr std::string_view kBlock = "blk.";
    const std::string_view plain = plain_name(name);
    if (layers_.empty() || !plain.starts_with(kBlock)) return std::string(plain);
    uint32_t layer = 0;
    const auto [end, problem] =
        std::from_chars(plain.data() + kBlock.size(), plain.data() + plain.size(), layer);
    if (problem != std::errc() || layer >= layers_.size()) return std::string(plain);
    const auto rest = static_cast<size_t>(end - plain.data());
    return fmt::format("blk.{}{}", layers_[layer], plain.substr(rest));
}

ggml_tensor* ProductTap::weight(const std::string& name) const {
    const auto found = weights_.find(name);
    return found == weights_.end() ? nullptr : found->second;
}

// libllama names no weights from outside; the nodes that use them do.
void ProductTap::find_in(const ggml_tensor* node) {
    for (ggml_tensor* source : node->src) {
        if (source == nullptr || source->op != GGML_OP_NONE) continue;
        if (std::string_view(source->name).find(".weight") != std::string_view::npos) {
            weights_.emplace(original_name(source->name), source);
        }
    }
}

bool ProductTap::wants(const ggml_tensor* node) {
    if (finding_) find_in(node);
    if (observer_ == nullptr || !is_product(node)) return false;
    const ProductInput input = without_data(node->src[0]);
    if (!observer_->wants(input.weight)) return false;
    const ggml_tensor* ids = node->op == GGML_OP_MUL_MAT_ID ? node->src[2] : nullptr;
    const Activation activation{node->src[1], ids, input.matrices, input.stacks};
    const auto [leader, is_first] = leaders_.try_emplace(activation, input.weight);
    if (!is_first) observer_->on_shared(input, leader->second);
    return is_first;
}

ProductInput ProductTap::without_data(const ggml_tensor* weight) const {
    return {.weight = original_name(weight->name),
            .matrices = static_cast<uint64_t>(weight->ne[2]),
            .stacks = static_cast<uint64_t>(weight->ne[3])};
}

bool ProductTap::take(const ggml_tensor* node) {
    const ggml_tensor* x = node->src[1];
    ProductInput input = without_data(node->src[0]);
    input.data = in_memory(x, data_);
    input.bytes = ggml_nbytes(x);
    for (size_t d = 0; d < 4; ++d) {
        input.shape[d] = static_cast<uint64_t>(x->ne[d]);
        input.strides[d] = x->nb[d];
    }
    if (node->op == GGML_OP_MUL_MAT_ID) {
        const ggml_tensor* ids = node->src[2];
        input.ids = in_memory(ids, ids_);
        input.id_shape = {static_cast<uint64_t>(ids->ne[0]), static_cast<uint64_t>(ids->ne[1])};
        input.id_strides = {ids->nb[0], ids->nb[1]};
        input.id_bytes = ggml_nbytes(ids);
    }
    observer_->on_product(input);
    return !observer_->is_enough(input.weight);
}

}  // namespace bitgauge
