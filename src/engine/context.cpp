#include <algorithm>
#include <cstring>
#include <exception>
#include <map>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "engine/cut_rules.h"
#include "engine/llama_log.h"
#include "engine/model_state.h"
#include "engine/product_observer.h"

#include <ggml-backend.h>

namespace bitgauge {
namespace {

constexpr const char* kStatesNode = "result_norm";  // the node after the output norm
constexpr const char* kPredictedNode = "h_nextn";   // what the head behind a prediction layer takes

struct BatchHandle {
    explicit BatchHandle(uint32_t tokens)
        : batch(llama_batch_init(static_cast<int32_t>(tokens), 0, 1)) {}
    ~BatchHandle() {
        batch.embd = nullptr;  // never its own
        llama_batch_free(batch);
    }
    BatchHandle(const BatchHandle&) = delete;
    BatchHandle& operator=(const BatchHandle&) = delete;

    // A stage in the middle has a vocabulary of one token, and hands on a row for every token.
    void fill(std::span<const BatchToken> tokens, const StageEnds& ends) {
        for (size_t i = 0; i < tokens.size(); ++i) {
            batch.token[i] = ends.takes_states ? 0 : tokens[i].token;
            batch.pos[i] = tokens[i].position;
            batch.n_seq_id[i] = 1;
            batch.seq_id[i][0] = tokens[i].sequence;
            batch.logits[i] = tokens[i].output || ends.hands_states ? 1 : 0;
        }
        batch.n_tokens = static_cast<int32_t>(tokens.size());
    }

    llama_batch batch;
};

void require_room(std::span<const BatchToken> tokens, size_t room) {
    if (tokens.size() <= room) return;
    throw Error(ErrorKind::kInput, fmt::format("a call of {} tokens where the context was made for "
                                               "{}",
                                               tokens.size(), room));
}

void require_states(size_t values, size_t wanted) {
    if (values == wanted) return;
    throw Error(ErrorKind::kInput,
                fmt::format("a prediction layer takes {} values of final states, {} were given",
                            wanted, values));
}

void require_readable(std::span<const BatchToken> tokens, uint32_t vocabulary) {
    for (const BatchToken& token : tokens) {
        if (token.token >= 0 && static_cast<uint32_t>(token.token) < vocabulary) continue;
        throw Error(ErrorKind::kInput,
                    fmt::format("token {} is outside the model's vocabulary of {}", token.token,
                                vocabulary));
    }
}

}  // namespace

struct Context::State {
    State(const Model& owner, const StageEnds& stage_ends, uint32_t most_tokens)
        : model(owner),
          ends(stage_ends),
          call_tokens(most_tokens),
          batch(most_tokens),
          tap(stage_ends.layers) {}

    // Asked for every node before it is computed (then: is it wanted?) and after (then: go on?).
    // C calls it, so nothing may be thrown through.
    static bool on_node(ggml_tensor* node, bool ask, void* self) {
        auto* state = static_cast<State*>(self);
        try {
            return ask ? state->wants(node) : state->take(node);
        } catch (...) {
            state->failure = std::current_exception();
            return false;
        }
    }

    bool wants(const ggml_tensor* node) {
        return is_entry(node->name) || is_exit(node->name) || tap.wants(node);
    }

    // False ends the evaluation of this graph.
    bool take(ggml_tensor* node) {
        if (is_entry(node->name)) {
            hand_in(node);
        } else if (is_exit(node->name)) {
            keep_states(node);
            return !ends.hands_states && depth == Depth::kLogits;
        } else {
            return tap.take(node);
        }
        return true;
    }

    bool is_entry(const char* node) const {
        return ends.takes_states && (is_entry_node(node) || ends.entry_node == node);
    }
    bool is_exit(const char* node) const {
        if (ends.hands_states) return ends.exit_node == node;
        return std::strcmp(node, prediction ? kPredictedNode : kStatesNode) == 0;
    }

    // Several nodes stand between token and first layer; each is given the same rows, so that the
    // last one computed holds them. A call may be split into graphs, which take rows in turn.
    void hand_in(ggml_tensor* node) {
        const auto size = static_cast<size_t>(ggml_nelements(node));
        size_t& begin = taken[node->name];
        if (begin + size > handed_in.size() || node->type != GGML_TYPE_F32) {
            throw Error(ErrorKind::kEnvironment,
                        fmt::format("libllama's node {} takes {} values, {} of {} were left",
                                    node->name, size, handed_in.size() - begin, handed_in.size()));
        }
        ggml_backend_tensor_set(node, handed_in.data() + begin, 0, ggml_nbytes(node));
        begin += size;
    }

    void keep_states(const ggml_tensor* node) {
        const size_t before = states.size();
        states.resize(before + static_cast<size_t>(ggml_nelements(node)));
        ggml_backend_tensor_get(node, states.data() + before, 0, ggml_nbytes(node));
    }

    const Model& model;
    const StageEnds& ends;
    uint32_t call_tokens;
    bool prediction = false;
    BatchHandle batch;
    ContextHandle context;
    Depth depth = Depth::kStates;
    std::span<const float> handed_in;
    std::map<std::string, size_t, std::less<>> taken;  // of `handed_in`, by node
    ProductTap tap;
    std::vector<float> states;
    std::vector<int32_t> output_rows;  // index in the batch of each output
    std::exception_ptr failure;
};

Context::Context(const Model& model, const ContextShape& shape, const EngineOptions& options)
    : state_(std::make_unique<State>(model, model.state_->ends, shape.call_tokens)) {
    state_->prediction = shape.prediction;
    llama_context_params params = llama_context_default_params();
    if (shape.prediction) params.ctx_type = LLAMA_CONTEXT_TYPE_MTP;
    params.n_ctx = shape.window_tokens * shape.sequences;
    params.n_seq_max = shape.sequences;
    params.n_batch = shape.call_tokens;
    params.n_ubatch = shape.call_tokens;
    params.n_threads = static_cast<int32_t>(resolve_threads(options.threads));
    params.n_threads_batch = params.n_threads;
    params.kv_unified = shape.shared_memory;
    params.type_k = static_cast<ggml_type>(kept_type(shape.key_type));
    params.type_v = static_cast<ggml_type>(kept_type(shape.value_type));
    if (!shape.logits_only) {
        params.cb_eval = State::on_node;
        params.cb_eval_user_data = state_.get();
    }
    forget_llama_complaints();
    state_->context.reset(llama_init_from_model(model.state_->model.get(), params));
    if (!state_->context) {
        throw Error(ErrorKind::kEnvironment,
                    fmt::format("no context for {} sequences of {} tokens: {}", shape.sequences,
                                shape.window_tokens, llama_complaint()),
                    "a shorter window or fewer sequences need less memory");
    }
}

Context::~Context() = default;

void Context::clear() {
    llama_memory_clear(llama_get_memory(state_->context.get()), true);
}

void Context::forget(int32_t sequence) {
    llama_memory_seq_rm(llama_get_memory(state_->context.get()), sequence, -1, -1);
}

void Context::copy(int32_t from, int32_t to) {
    llama_memory_seq_cp(llama_get_memory(state_->context.get()), from, to, -1, -1);
}

bool Context::keep(int32_t sequence, int32_t tokens) {
    const llama_memory_t memory = llama_get_memory(state_->context.get());
    const int32_t seen = llama_model_n_swa(state_->model.state_->model.get());
    const bool has_window =
        llama_memory_seq_pos_min(memory, sequence) <= std::max(0, tokens - seen);
    return has_window && llama_memory_seq_rm(memory, sequence, tokens, -1);
}

void Context::decode(std::span<const BatchToken> tokens, Depth depth,
                     std::span<const float> handed_in) {
    State& state = *state_;
    require_room(tokens, state.call_tokens);
    if (!state.ends.takes_states) require_readable(tokens, state.model.vocabulary());
    state.depth = depth;
    state.handed_in = handed_in;
    state.taken.clear();
    state.tap.begin();
    state.states.clear();
    state.output_rows.clear();
    for (size_t i = 0; i < tokens.size(); ++i) {
        if (tokens[i].output) state.output_rows.push_back(static_cast<int32_t>(i));
    }
    state.batch.fill(tokens, state.ends);
    if (state.prediction) {
        require_states(handed_in.size(), tokens.size() * state.model.width());
        state.batch.batch.embd = const_cast<float*>(handed_in.data());  // libllama copies it
    }
    forget_llama_complaints();
    const int status = llama_decode(state.context.get(), state.batch.batch);
    if (state.failure) std::rethrow_exception(std::exchange(state.failure, nullptr));
    if (status == 0) return;
    throw Error(status == -1 ? ErrorKind::kInput : ErrorKind::kEnvironment,
                fmt::format("libllama refused a batch of {} tokens (status {}): {}", tokens.size(),
                            status, llama_complaint()),
                "a shorter window or fewer sequences need less memory");
}

std::span<const float> Context::states() const {
    return state_->states;
}

void Context::observe_products(ProductObserver* observer) {
    state_->tap.observe(observer);
}

void Context::find_weights() {
    state_->tap.find_weights();
}

void Context::set_weight(const std::string& tensor, std::span<const std::byte> bytes) {
    ggml_tensor* weight = state_->tap.weight(tensor);
    const size_t size = weight == nullptr ? 0 : ggml_nbytes(weight);
    if (weight == nullptr || size != bytes.size()) {
        throw Error(ErrorKind::kInput,
                    fmt::format("'{}' cannot be exchanged: it has {} bytes in the model that is "
                                "loaded, {} were given",
                                tensor, size, bytes.size()));
    }
    ggml_backend_tensor_set(weight, bytes.data(), 0, bytes.size());
}

bool Context::is_last_stage() const {
    return !state_->ends.hands_states;
}

std::span<const float> Context::logits(size_t output_index) const {
    const float* row =
        llama_get_logits_ith(state_->context.get(), state_->output_rows.at(output_index));
    return row == nullptr ? std::span<const float>{}
                          : std::span<const float>{row, state_->model.vocabulary()};
}

}  // namespace bitgauge
