#include <algorithm>
#include <sched.h>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/gguf.h"

#include "engine/llama_log.h"
#include "engine/model_state.h"

namespace bitgauge {
namespace {

uint32_t stated_context(const std::filesystem::path& path) {
    const GgufFile file = GgufFile::open(path);
    const auto tokens = file.integer(file.architecture() + ".context_length");
    return static_cast<uint32_t>(std::clamp<int64_t>(tokens.value_or(0), 0, UINT32_MAX));
}

bool has_token(const llama_vocab* vocab, std::string_view character) {
    try {
        llama_tokenize(vocab, character.data(), static_cast<int32_t>(character.size()), nullptr, 0,
                       /*add_special=*/false, /*parse_special=*/false);
        return true;
    } catch (const std::out_of_range&) {
        return false;
    }
}

// Tokenizers without a token for every byte throw on what they cannot write; says where.
[[noreturn]] void refuse_text(const llama_vocab* vocab, std::string_view text) {
    size_t at = 0;
    const auto size_at = [&](size_t begin) {
        size_t end = begin + 1;
        while (end < text.size() && (static_cast<uint8_t>(text[end]) & 0xC0U) == 0x80U) ++end;
        return end - begin;
    };
    while (at < text.size() && has_token(vocab, text.substr(at, size_at(at)))) at += size_at(at);
    const auto bytes = text.substr(at, at < text.size() ? size_at(at) : 0);
    throw Error(
        ErrorKind::kInput,
        fmt::format("the model's tokenizer has no token for the character {:?} (byte {} of a "
                    "document)",
                    bytes, at),
        "remove such characters from the text: the model has never seen them");
}

std::string special_text(const llama_vocab* vocab, TokenId token) {
    if (token < 0) return {};
    std::string text(256, '\0');
    const int n = llama_token_to_piece(vocab, token, text.data(), static_cast<int>(text.size()), 0,
                                       /*special=*/true);
    text.resize(n > 0 ? static_cast<size_t>(n) : 0);
    return text;
}

}  // namespace

Error loading_error(const std::string& what, const std::string& hint) {
    const std::string reason = llama_complaint();
    const bool memory = is_about_memory(reason);
    return {memory ? ErrorKind::kEnvironment : ErrorKind::kInput,
            fmt::format("libllama {} cannot load {}: {}", llama_version(), what,
                        reason.empty() ? "no reason given" : reason),
            memory ? "close other programs, or give this one more memory" : hint};
}

ModelHandle load_handle(const std::filesystem::path& path, llama_model_params params) {
    start_libllama();
    forget_llama_complaints();
    ModelHandle model(llama_model_load_from_file(path.c_str(), params));
    if (model) return model;
    throw loading_error(
        fmt::format("'{}'", path.string()),
        "bitgauge inspect shows what the file holds; a newer llama.cpp may know it");
}

uint32_t resolve_threads(uint32_t threads) {
    if (threads > 0) return threads;
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 1;
    return static_cast<uint32_t>(std::max(1, CPU_COUNT(&allowed)));
}

Model::Model(std::unique_ptr<State> state) : state_(std::move(state)) {
    state_->vocab = llama_model_get_vocab(state_->model.get());
}
Model::~Model() = default;
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;

Model Model::load(const std::filesystem::path& path, const EngineOptions& options,
                  bool prediction) {
    llama_model_params params = llama_model_default_params();
    params.load_mtp = prediction;
    const WeightPlaces places(options);
    places.set(params);
    auto state = std::make_unique<State>();
    state->model = load_handle(path, params);
    state->trained_context = static_cast<uint32_t>(llama_model_n_ctx_train(state->model.get()));
    return Model(std::move(state));
}

Model Model::load_vocabulary(const std::filesystem::path& path) {
    llama_model_params params = llama_model_default_params();
    params.vocab_only = true;
    auto state = std::make_unique<State>();
    state->model = load_handle(path, params);
    state->trained_context = stated_context(path);  // libllama skips it with the weights
    return Model(std::move(state));
}

std::vector<TokenId> Model::tokenize(std::string_view text, bool add_special,
                                     bool parse_special) const {
    if (text.size() > size_t{1} << 30) {
        throw Error(ErrorKind::kInput,
                    fmt::format("a document of {} bytes is too long to tokenize", text.size()),
                    "split it into several documents");
    }
    const auto length = static_cast<int32_t>(text.size());
    std::vector<TokenId> tokens(text.size() / 2 + 16);
    const auto run = [&] {
        try {
            return llama_tokenize(state_->vocab, text.data(), length, tokens.data(),
                                  static_cast<int32_t>(tokens.size()), add_special, parse_special);
        } catch (const std::out_of_range&) {
            refuse_text(state_->vocab, text);
        }
    };
    int32_t n = run();
    if (n < 0) {
        tokens.resize(static_cast<size_t>(-n));
        n = run();
    }
    tokens.resize(static_cast<size_t>(std::max(n, 0)));
    return tokens;
}

size_t Model::token_bytes(TokenId token) const {
    const int n = llama_token_to_piece(state_->vocab, token, nullptr, 0, 0, /*special=*/false);
    return static_cast<size_t>(std::abs(n));
}

std::string Model::token_text(TokenId token) const {
    std::string text(token_bytes(token), '\0');
    llama_token_to_piece(state_->vocab, token, text.data(), static_cast<int32_t>(text.size()), 0,
                         /*special=*/false);
    return text;
}

bool Model::ends_answer(TokenId token) const {
    return llama_vocab_is_eog(state_->vocab, token);
}

uint32_t Model::vocabulary() const {
    return static_cast<uint32_t>(llama_vocab_n_tokens(state_->vocab));
}
uint32_t Model::width() const {
    return static_cast<uint32_t>(llama_model_n_embd_out(state_->model.get()));
}
uint32_t Model::trained_context() const {
    return state_->trained_context;
}
TokenId Model::bos() const {
    return llama_vocab_bos(state_->vocab);
}
bool Model::adds_bos() const {
    return llama_vocab_get_add_bos(state_->vocab);
}
std::string Model::bos_text() const {
    return special_text(state_->vocab, bos());
}
std::string Model::eos_text() const {
    return special_text(state_->vocab, llama_vocab_eos(state_->vocab));
}
std::string Model::chat_template() const {
    const char* text = llama_model_chat_template(state_->model.get(), nullptr);
    return text == nullptr ? "" : text;
}

}  // namespace bitgauge
