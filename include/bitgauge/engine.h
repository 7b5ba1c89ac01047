#pragma once

// A model that reads tokens and says what comes next: libllama behind values that own themselves.
//
// Nothing of llama.h shows here. Everything is thread-compatible: one thread at a time per object;
// several models may live at once. libllama ends the process on some inputs (GGML_ASSERT); whoever
// evaluates files of strangers does it in a child process (see eval.h).

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bitgauge/build_identity.h"
#include "bitgauge/token.h"

namespace bitgauge {

struct EngineOptions {
    uint32_t threads = 0;     // 0: one per core
    int32_t gpu_layers = -1;  // layers kept on an accelerator; -1: all, where there is one
    // Only where a model is loaded as a whole. Of the first layers so many keep their experts in
    // main memory: llama.cpp's --n-cpu-moe.
    uint32_t cpu_expert_layers = 0;
    // Layers on each of several accelerators, --tensor-split; empty: by the memory that is free.
    std::vector<uint32_t> tensor_split;
    // Runs of layers that a model is evaluated in, one after the other: kStagesAuto: several only
    // where it does not fit in memory; kStagesOff: never; else at most so many.
    int32_t stages = -1;
    // Weights of 16 bits are widened when they are loaded, so that nothing rounds what they are
    // multiplied with: less noise, and faster on processors without products of 16 bits, for twice
    // the memory.
    bool single_precision = false;
};
constexpr int32_t kStagesAuto = -1;
constexpr int32_t kStagesOff = 0;

// How work that libllama may end is run: in this process, or by `program` started anew with the
// hidden command "worker". Children also give their memory back between two models.
struct Isolation {
    std::optional<std::filesystem::path> program;
};

// One core per thread; 0 becomes the number of cores this process may use.
uint32_t resolve_threads(uint32_t threads);

// How tokens of an answer are chosen.
struct SamplingOptions {
    float temperature = 0;  // 0: always the likeliest token; the rest is not looked at then
    int32_t top_k = 0;      // only the k likeliest; 0: all
    float top_p = 1;  // only the likeliest that reach this probability together [Holtzman 2020]
    float min_p = 0;  // only those with at least this share of the likeliest's probability
    // Logits of tokens among the last repeat_last are divided by it, or multiplied below zero
    // [Keskar 2019]; 1: nothing. Counts at temperature 0 too.
    float repeat_penalty = 1;
    int32_t repeat_last = 64;
};

class ProductObserver;  // engine/product_observer.h

class Model {
  public:
    // Throws Error(kInput) with libllama's own reason: damaged, of an architecture it does not
    // know, too large for memory.
    // `prediction`: the layers that predict further tokens (nextn) as well, which a context of the
    // usual kind does not use.
    static Model load(const std::filesystem::path& path, const EngineOptions& options,
                      bool prediction = false);
    // The tokenizer alone; such a model cannot be evaluated.
    static Model load_vocabulary(const std::filesystem::path& path);

    ~Model();
    Model(Model&&) noexcept;
    Model& operator=(Model&&) noexcept;

    // `add_special` puts BOS (and what else the model asks for) around the text; `parse_special`
    // reads "<|im_start|>" as the token of that name. Error(kInput) when the text is too long.
    std::vector<TokenId> tokenize(std::string_view text, bool add_special,
                                  bool parse_special) const;
    size_t token_bytes(TokenId token) const;  // length of the text that a token stands for
    // That text, maybe half a character; "" for tokens that stand for none (<|im_end|>).
    std::string token_text(TokenId token) const;
    bool ends_answer(TokenId token) const;  // end of text, of a turn, ...

    uint32_t vocabulary() const;
    uint32_t width() const;            // of the final hidden state
    uint32_t trained_context() const;  // tokens
    TokenId bos() const;               // -1 when the model has none
    bool adds_bos() const;
    std::string bos_text() const;
    std::string eos_text() const;
    std::string chat_template() const;  // "" when the file carries none

  private:
    friend class Context;
    friend class StagedModel;
    struct State;
    explicit Model(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

// One token of a batch, at `position` of sequence `sequence`; `output`: its state (or its logits)
// are wanted.
struct BatchToken {
    TokenId token = 0;
    int32_t position = 0;
    int32_t sequence = 0;
    bool output = false;
};

struct ContextShape {
    uint32_t window_tokens = 512;  // longest sequence
    uint32_t sequences = 1;        // at once; each has its own memory of earlier tokens
    uint32_t call_tokens = 512;    // most tokens of one decode(): evaluated as one graph
    bool prediction = false;       // evaluates the first layer that predicts further tokens, alone
    // All sequences share one memory of window_tokens * sequences tokens, so that one may be longer
    // than window_tokens where others are shorter, and copies of a beginning take no room.
    bool shared_memory = false;
    bool logits_only = false;      // states() stays empty; a little faster
    std::string key_type = "f16";  // of what is kept of earlier tokens; ggml's names
    std::string value_type = "f16";
};

// Reads tokens in a model's context and hands out what follows them. Keeps its model alive by
// reference: the model must outlive it.
class Context {
  public:
    // What a decode stops at: the final hidden state after the output norm, or the logits. A stage
    // that is not the last one stops at what it hands on, whatever is asked for.
    enum class Depth { kStates, kLogits };

    // Error(kEnvironment) when libllama makes none: memory, or a type whose blocks do not divide a
    // head.
    Context(const Model& model, const ContextShape& shape, const EngineOptions& options);
    ~Context();
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;

    // Forgets all tokens read so far.
    void clear();
    // Likewise of one sequence; or `to` goes on from what `from` has read so far.
    void forget(int32_t sequence);
    void copy(int32_t from, int32_t to);
    // Forgets what follows the first `tokens` of a sequence. False, and then it has to be forgotten
    // whole, where the memory cannot go back: recurrent layers, or layers that see a window which
    // has left those tokens behind.
    bool keep(int32_t sequence, int32_t tokens);

    // Reads `tokens`, sequence after sequence. Afterwards states() holds one row of width() floats
    // per token with `output`, in order; with kLogits logits(i) also holds vocabulary() floats for
    // the i-th of them. states() is empty where the architecture has no node "result_norm".
    // Error(kEnvironment) when libllama refuses (memory), Error(kInput) for a token it cannot read.
    //
    // In a stage that is not the first one, `handed_in` is what the stage before handed on for the
    // same tokens. In one that is not the last, states() holds one row per token, with `output` or
    // not: what the next stage takes in.
    //
    // In a context for the prediction layer `handed_in` is, for each token, the final state at the
    // position before: one row of width() floats. states() is what that layer gives in their place.
    void decode(std::span<const BatchToken> tokens, Depth depth,
                std::span<const float> handed_in = {});

    std::span<const float> states() const;
    std::span<const float> logits(size_t output_index) const;
    // Who is told of the inputs of the weights' products in every decode() from now on; nullptr:
    // nobody. Numbers do not depend on it.
    void observe_products(ProductObserver* observer);

    // Puts other content into a weight of a model that was loaded as a stage; later calls use it.
    // `tensor`: the original's name; `bytes`: all of it, in the type it has. Before the next
    // decode() comes clear(). Only after find_weights() and a decode(). Error(kInput) when that
    // decode used no such weight, or its size is another.
    void find_weights();
    void set_weight(const std::string& tensor, std::span<const std::byte> bytes);
    bool is_last_stage() const;  // a whole model is one stage: the last

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// libllama ends the process on some inputs instead of refusing them (GGML_ASSERT). Then `say` is
// called with its reason in place of a printed backtrace; it may end the process itself, not return
// to it. nullptr: as libllama has it.
void on_llama_abort(void (*say)(const char* reason));

// Versions and devices, as records print them.
struct EngineDescription {
    std::string llama;    // "0.5.0"
    std::string ggml;     // "0.25.3"
    std::string backend;  // "CPU", "CUDA0: NVIDIA H100"
    std::string cpu;      // "AMD EPYC ..."
};
EngineDescription describe_engine();
BuildIdentity build_identity(const EngineOptions& options);  // for records

}  // namespace bitgauge
