#include "engine/speed_run.h"

#include <algorithm>
#include <array>
#include <random>
#include <vector>

#include <fmt/format.h>

#include "bitgauge/error.h"

#include "base/clock.h"
#include "base/interrupt.h"
#include "engine/handles.h"
#include "engine/llama_log.h"
#include "engine/model_state.h"

#include <ggml-cpu.h>
#include <ggml.h>

namespace bitgauge {
namespace {

using BatchHandle = std::unique_ptr<llama_batch_ext, FreeWith<llama_batch_ext_free>>;
using ThreadsHandle = std::unique_ptr<ggml_threadpool, FreeWith<ggml_threadpool_free>>;

llama_context_params context_params(const SpeedShape& shape, uint32_t threads) {
    llama_context_params params = llama_context_default_params();
    params.n_ctx = (shape.prompt + shape.generate + shape.depth) * shape.sequences;
    params.n_seq_max = shape.sequences;
    params.n_batch = shape.batch_tokens;
    params.n_ubatch = shape.ubatch_tokens;
    params.n_threads = static_cast<int32_t>(threads);
    params.n_threads_batch = params.n_threads;
    params.swa_full = false;
    return params;
}

ThreadsHandle start_threads(uint32_t threads) {
    ggml_threadpool_params params = ggml_threadpool_params_default(static_cast<int>(threads));
    ThreadsHandle pool(ggml_threadpool_new(&params));
    if (pool) return pool;
    throw Error(ErrorKind::kEnvironment, fmt::format("{} threads cannot be started", threads),
                "use fewer (--threads)");
}

}  // namespace

struct SpeedModel::State {
    // What a context has read before a run, sequence by sequence, ready to be put into another one.
    struct KeptDepth {
        uint32_t depth = 0;
        std::vector<std::vector<uint8_t>> sequences;

        bool is_of(const SpeedShape& shape) const {
            return depth == shape.depth && sequences.size() == shape.sequences;
        }
    };

    ModelHandle model;
    uint32_t threads = 1;
    KeptDepth kept;
};

SpeedModel::SpeedModel(const std::filesystem::path& path, const EngineOptions& options)
    : state_(std::make_unique<State>()) {
    llama_model_params params = llama_model_default_params();
    params.n_gpu_layers = options.gpu_layers;
    state_->model = load_handle(path, params);
    state_->threads = resolve_threads(options.threads);
}

SpeedModel::~SpeedModel() = default;
SpeedModel::SpeedModel(SpeedModel&&) noexcept = default;

struct SpeedRun::State {
    State(SpeedModel::State& of, const SpeedShape& run);

    // Reads `tokens` in each sequence, as common_batch_get_one() and test_prompt() do.
    void read(uint32_t tokens);
    // test_gen(): token by token, waiting for each.
    void generate(uint32_t tokens);
    // The context as it is before a run.
    void prepare();

    void add(llama_token token, llama_pos position, llama_seq_id sequence, bool output);
    void process();
    llama_pos next_position(uint32_t sequence) const;
    llama_token random_token();
    llama_token first_token();
    bool restore_depth();
    void keep_depth();

    SpeedModel::State& model;
    SpeedShape shape;
    const llama_vocab* vocab;
    std::minstd_rand random;  // equal draws for every file
    ThreadsHandle threads;    // outlives the context
    ContextHandle context;
    BatchHandle batch;
};

SpeedRun::State::State(SpeedModel::State& of, const SpeedShape& run)
    : model(of), shape(run), vocab(llama_model_get_vocab(of.model.get())) {
    forget_llama_complaints();
    context.reset(llama_init_from_model(model.model.get(), context_params(shape, model.threads)));
    if (!context) {
        throw Error(ErrorKind::kEnvironment,
                    fmt::format("no context of {} tokens: {}",
                                (shape.prompt + shape.generate + shape.depth) * shape.sequences,
                                llama_complaint()),
                    "a smaller depth or fewer sequences need less memory");
    }
    threads = start_threads(model.threads);
    llama_attach_threadpool(context.get(), threads.get(), nullptr);
    batch.reset(llama_batch_ext_init(context.get()));
}

llama_token SpeedRun::State::random_token() {
    return static_cast<llama_token>(
        random() % static_cast<uint32_t>(std::max(llama_vocab_n_tokens(vocab), 1)));
}

llama_token SpeedRun::State::first_token() {
    return llama_vocab_get_add_bos(vocab) ? llama_vocab_bos(vocab) : random_token();
}

llama_pos SpeedRun::State::next_position(uint32_t sequence) const {
    return llama_memory_seq_pos_max(llama_get_memory(context.get()),
                                    static_cast<llama_seq_id>(sequence)) +
           1;
}

// Four places, as models with positions of several parts (M-RoPE) have.
void SpeedRun::State::add(llama_token token, llama_pos position, llama_seq_id sequence,
                          bool output) {
    const int32_t index = llama_batch_ext_add_token(batch.get(), sequence, token);
    if (index < 0) {
        throw Error(ErrorKind::kEnvironment,
                    fmt::format("libllama takes no more tokens in a batch (status {})", index),
                    "use a smaller --batch");
    }
    const std::array<llama_pos, 4> positions = {position, 0, 0, 0};
    llama_batch_ext_set_pos(batch.get(), index, positions.data());
    llama_batch_ext_set_output_logits(batch.get(), index, output);
}

void SpeedRun::State::process() {
    forget_llama_complaints();
    const int32_t status = llama_process(context.get(), LLAMA_PROCESS_TYPE_DECODE, batch.get());
    llama_batch_ext_clear(batch.get());
    if (status == 0) return;
    throw Error(status == -1 ? ErrorKind::kInput : ErrorKind::kEnvironment,
                fmt::format("libllama refused a batch (status {}): {}", status, llama_complaint()),
                status == -1 ? "the file is damaged; bitgauge inspect shows its header"
                             : "a smaller depth or fewer sequences need less memory");
}

void SpeedRun::State::read(uint32_t tokens) {
    uint32_t filled = 0;
    for (uint32_t s = 0; s < shape.sequences; ++s) {
        const llama_pos begin = next_position(s);
        for (uint32_t i = 0; i < tokens; ++i) {
            const bool is_full = ++filled == shape.batch_tokens;
            add(i == 0 ? first_token() : random_token(), begin + static_cast<llama_pos>(i),
                static_cast<llama_seq_id>(s), is_full || i + 1 == tokens);
            if (!is_full) continue;
            throw_if_interrupted("nothing is kept of a run that did not end");
            process();
            filled = 0;
        }
    }
    if (filled > 0) process();
    llama_synchronize(context.get());
}

void SpeedRun::State::generate(uint32_t tokens) {
    std::vector<llama_pos> position(shape.sequences);
    for (uint32_t s = 0; s < shape.sequences; ++s) position[s] = next_position(s);
    for (uint32_t i = 0; i < tokens; ++i) {
        for (uint32_t s = 0; s < shape.sequences; ++s) {
            add(i == 0 ? first_token() : random_token(), position[s]++,
                static_cast<llama_seq_id>(s), /*output=*/true);
        }
        process();
        llama_synchronize(context.get());
        throw_if_interrupted("nothing is kept of a run that did not end");
    }
}

bool SpeedRun::State::restore_depth() {
    if (!model.kept.is_of(shape)) return false;
    for (uint32_t s = 0; s < shape.sequences; ++s) {
        const std::vector<uint8_t>& bytes = model.kept.sequences[s];
        if (llama_state_seq_set_data(context.get(), bytes.data(), bytes.size(),
                                     static_cast<llama_seq_id>(s)) == 0) {
            llama_memory_clear(llama_get_memory(context.get()), false);
            return false;
        }
    }
    return true;
}

void SpeedRun::State::keep_depth() {
    model.kept = {.depth = shape.depth};
    for (uint32_t s = 0; s < shape.sequences; ++s) {
        const auto id = static_cast<llama_seq_id>(s);
        std::vector<uint8_t> bytes(llama_state_seq_get_size(context.get(), id));
        llama_state_seq_get_data(context.get(), bytes.data(), bytes.size(), id);
        model.kept.sequences.push_back(std::move(bytes));
    }
}

void SpeedRun::State::prepare() {
    llama_memory_clear(llama_get_memory(context.get()), false);
    if (shape.depth == 0 || restore_depth()) return;
    read(shape.depth);
    keep_depth();
}

SpeedRun::SpeedRun(SpeedModel& model, const SpeedShape& shape)
    : state_(std::make_unique<State>(*model.state_, shape)) {
    if (shape.prompt > 0) state_->read(shape.prompt);
    if (shape.generate > 0) state_->generate(1);
}

SpeedRun::~SpeedRun() = default;
SpeedRun::SpeedRun(SpeedRun&&) noexcept = default;

double SpeedRun::seconds() {
    State& run = *state_;
    run.prepare();
    const double began = steady_seconds();
    if (run.shape.prompt > 0) run.read(run.shape.prompt);
    if (run.shape.generate > 0) run.generate(run.shape.generate);
    return steady_seconds() - began;
}

}  // namespace bitgauge
