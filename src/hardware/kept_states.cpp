#include "hardware/kept_states.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

namespace bitgauge {
namespace {

constexpr uint64_t kHalf = 2;    // bytes of a key's or a value's number
constexpr uint64_t kSingle = 4;  // of a recurrent state's

class Layer {
  public:
    Layer(const GgufFile& file, uint64_t index) : file_(file), numbers_{file}, index_(index) {}

    // By the tensors it has.
    KeptStates kept() const {
        return {.per_token = kHalf * attention_numbers(),
                .per_sequence = kSingle * recurrent_numbers()};
    }

    // False of layers that go over another one's weights once more.
    bool has_weights() const {
        constexpr std::string_view kRoles[] = {"attn_norm", "ffn_norm", "ffn_up", "ffn_down",
                                               "ffn_down_exps"};
        return std::any_of(std::begin(kRoles), std::end(kRoles),
                           [this](std::string_view role) { return find(role) != nullptr; });
    }

    KeptStates kept_by_header() const { return {.per_token = kHalf * keys_and_values_of_header()}; }

  private:
    const TensorInfo* find(std::string_view role) const {
        return file_.find_tensor(fmt::format("blk.{}.{}.weight", index_, role));
    }
    // Outputs of a matrix; 0 where the layer has none.
    uint64_t rows(std::string_view role) const {
        const TensorInfo* matrix = find(role);
        return matrix != nullptr && matrix->shape.size() > 1 ? matrix->shape[1] : 0;
    }

    // Of each token. Queries, keys and values in one matrix are also what delta nets have; latent
    // attention keeps one row for both where the matrices that unfold it are apart [DeepSeek-AI
    // 2024].
    uint64_t attention_numbers() const {
        if (rows("attn_k") > 0) return rows("attn_k") + rows("attn_v");
        if (find("attn_k_b") != nullptr) return rows("attn_kv_a_mqa");
        const bool fused = find("attn_qkv") != nullptr && find("ssm_out") == nullptr;
        return fused || find("attn_kv_a_mqa") != nullptr ? keys_and_values_of_header() : 0;
    }

    uint64_t keys_and_values_of_header() const {
        const uint64_t heads = numbers_.of("attention.head_count", 1);
        const uint64_t each = numbers_.of("embedding_length", 0) / heads;
        return numbers_.of("attention.head_count_kv", heads) *
               (numbers_.of("attention.key_length", each) +
                numbers_.of("attention.value_length", each));
    }

    // Of each sequence: the state itself, and the inputs that a convolution looks back at.
    uint64_t recurrent_numbers() const {
        const uint64_t width = numbers_.of("embedding_length", 0);
        if (find("time_mix_output") != nullptr) {
            return width * (numbers_.of("wkv.head_size", 64) + 2);
        }
        if (find("shortconv.conv") != nullptr) return looked_back_at(*find("shortconv.conv"));
        const TensorInfo* convolution = find("ssm_conv1d");
        if (convolution == nullptr) return 0;
        return looked_back_at(*convolution) +
               numbers_.of("ssm.inner_size", width) * numbers_.of("ssm.state_size", 128);
    }

    static uint64_t looked_back_at(const TensorInfo& convolution) {
        const uint64_t kernel = convolution.shape[0];
        return kernel > 1 ? (kernel - 1) * convolution.elements() / kernel : 0;
    }

    const GgufFile& file_;
    ArchitectureNumbers numbers_;
    uint64_t index_;
};

bool keeps_anything(const KeptStates& kept) {
    return kept.per_token > 0 || kept.per_sequence > 0;
}

}  // namespace

// A layer with weights, but without attention, beside others that have it keeps nothing. Of layers
// without weights, and where no layer has tensors that are known, the header speaks.
std::vector<KeptStates> kept_by_layer(const GgufFile& model) {
    const uint64_t layers = ArchitectureNumbers{model}.of("block_count", 1);
    std::vector<KeptStates> kept;
    for (uint64_t i = 0; i < layers; ++i) kept.push_back(Layer(model, i).kept());
    const bool any_known = std::any_of(kept.begin(), kept.end(), keeps_anything);
    for (uint64_t i = 0; i < layers; ++i) {
        const Layer layer(model, i);
        const bool is_empty = !keeps_anything(kept[i]) && !layer.has_weights();
        if (!any_known || is_empty) kept[i] = layer.kept_by_header();
    }
    return kept;
}

KeptStates kept_states(const GgufFile& model) {
    KeptStates all;
    for (const KeptStates& kept : kept_by_layer(model)) {
        all.per_token += kept.per_token;
        all.per_sequence += kept.per_sequence;
    }
    return all;
}

}  // namespace bitgauge
