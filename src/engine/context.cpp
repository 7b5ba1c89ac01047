#include <cstring>
#include <exception>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "engine/llama_log.h"
#include "engine/model_state.h"

#include <ggml-backend.h>

namespace bitgauge {
namespace {

constexpr const char* kStatesNode = "result_norm";  // the node after the output norm

struct BatchHandle {
    explicit BatchHandle(uint32_t tokens)
        : batch(llama_batch_init(static_cast<int32_t>(tokens), 0, 1)) {}
    ~BatchHandle() { llama_batch_free(batch); }
    BatchHandle(const BatchHandle&) = delete;
    BatchHandle& operator=(const BatchHandle&) = delete;

    void fill(std::span<const BatchToken> tokens) {
        for (size_t i = 0; i < tokens.size(); ++i) {
            batch.token[i] = tokens[i].token;
            batch.pos[i] = tokens[i].position;
            batch.n_seq_id[i] = 1;
            batch.seq_id[i][0] = tokens[i].sequence;
            batch.logits[i] = tokens[i].output ? 1 : 0;
        }
        batch.n_tokens = static_cast<int32_t>(tokens.size());
    }

    llama_batch batch;
};

void require_readable(std::span<const BatchToken> tokens, size_t room, uint32_t vocabulary) {
    if (tokens.size() > room) {
        throw Error(ErrorKind::kInput,
                    fmt::format("a call of {} tokens where the context was made for {}",
                                tokens.size(), room));
    }
    for (const BatchToken& token : tokens) {
        if (token.token >= 0 && static_cast<uint32_t>(token.token) < vocabulary) continue;
        throw Error(ErrorKind::kInput,
                    fmt::format("token {} is outside the model's vocabulary of {}", token.token,
                                vocabulary));
    }
}

}  // namespace

struct Context::State {
    State(const Model& owner, uint32_t most_tokens)
        : model(owner), call_tokens(most_tokens), batch(most_tokens) {}

    // Asked for every node before it is computed (then: is it wanted?) and after (then: go on?).
    // C calls it, so nothing may be thrown through.
    static bool on_node(ggml_tensor* node, bool ask, void* self) {
        auto* state = static_cast<State*>(self);
        if (std::strcmp(node->name, kStatesNode) != 0) return !ask;
        if (ask) return true;
        try {
            state->keep_states(node);
        } catch (...) {
            state->failure = std::current_exception();
        }
        return state->depth == Depth::kLogits;
    }

    void keep_states(const ggml_tensor* node) {
        const size_t before = states.size();
        states.resize(before + static_cast<size_t>(ggml_nelements(node)));
        ggml_backend_tensor_get(node, states.data() + before, 0, ggml_nbytes(node));
    }

    const Model& model;
    uint32_t call_tokens;
    BatchHandle batch;
    ContextHandle context;
    Depth depth = Depth::kStates;
    std::vector<float> states;
    std::vector<int32_t> output_rows;  // index in the batch of each output
    std::exception_ptr failure;
};

Context::Context(const Model& model, const ContextShape& shape, const EngineOptions& options)
    : state_(std::make_unique<State>(model, shape.call_tokens)) {
    llama_context_params params = llama_context_default_params();
    params.n_ctx = shape.window_tokens * shape.sequences;
    params.n_seq_max = shape.sequences;
    params.n_batch = shape.call_tokens;
    params.n_ubatch = shape.call_tokens;
    params.n_threads = static_cast<int32_t>(resolve_threads(options.threads));
    params.n_threads_batch = params.n_threads;
    params.cb_eval = State::on_node;
    params.cb_eval_user_data = state_.get();
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

void Context::decode(std::span<const BatchToken> tokens, Depth depth) {
    State& state = *state_;
    require_readable(tokens, state.call_tokens, state.model.vocabulary());
    state.depth = depth;
    state.states.clear();
    state.output_rows.clear();
    for (size_t i = 0; i < tokens.size(); ++i) {
        if (tokens[i].output) state.output_rows.push_back(static_cast<int32_t>(i));
    }
    state.batch.fill(tokens);
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

std::span<const float> Context::logits(size_t output_index) const {
    const float* row =
        llama_get_logits_ith(state_->context.get(), state_->output_rows.at(output_index));
    return row == nullptr ? std::span<const float>{}
                          : std::span<const float>{row, state_->model.vocabulary()};
}

}  // namespace bitgauge
