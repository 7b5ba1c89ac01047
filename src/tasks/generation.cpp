#include "tasks/generation.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "base/hash.h"
#include "base/interrupt.h"
#include "engine/sampler.h"

namespace bitgauge {
namespace {

// One answer being written in its own sequence.
struct Slot {
    const TokenizedPrompt* prompt = nullptr;  // null: free
    size_t read = 0;                          // tokens of the prompt that were read
    int32_t position = 0;                     // of the next token
    TokenId last = 0;                         // what was written last, not read yet
    Answer answer;
    std::optional<Sampler> sampler;
};

struct Waiting {
    const TokenizedPrompt* prompt;
    const PromptGroup* group;
};

std::vector<Waiting> in_order(std::span<const TokenizedPrompt> prompts,
                              std::span<const PromptGroup> groups) {
    std::vector<Waiting> waiting;
    for (const PromptGroup& group : groups) {
        for (const size_t i : group.prompts) waiting.push_back({&prompts[i], &group});
    }
    return waiting;
}

class Writer {
  public:
    Writer(TokenReader& reader, const TokenWords& words, const ContextShape& shape,
           const AnswerSettings& settings, const std::function<void(Answer)>& on_answer)
        : reader_(reader),
          words_(words),
          window_(shape.window_tokens),
          settings_(settings),
          on_answer_(on_answer),
          slots_(shape.sequences) {}

    void write(std::span<const Waiting> waiting) {
        size_t next = 0;
        while (true) {
            for (Slot& slot : slots_) {
                if (slot.prompt == nullptr && next < waiting.size()) begin(slot, waiting[next++]);
            }
            close_gaps();
            if (!step()) return;
        }
    }

  private:
    void begin(Slot& slot, const Waiting& waiting) {
        const TokenizedPrompt& prompt = *waiting.prompt;
        reader_.forget(sequence_of(slot));
        slot = {.prompt = &prompt, .answer = {.key = prompt.key, .text = prompt.begun}};
        slot.sampler.emplace(settings_.sampling, settings_.seed ^ hash_number(prompt.key));
        if (waiting.group->shared > 0) go_on_from_beginning(slot, *waiting.group);
    }

    void go_on_from_beginning(Slot& slot, const PromptGroup& group) {
        const auto shared = Tokens(slot.prompt->tokens).first(group.shared);
        if (kept_ != &group) read_beginning(reader_, shared, kept_sequence());
        kept_ = &group;
        reader_.copy(kept_sequence(), sequence_of(slot));
        slot.read = shared.size();
        slot.position = static_cast<int32_t>(shared.size());
    }

    int32_t kept_sequence() const { return static_cast<int32_t>(slots_.size()); }

    // Libllama evaluates sequences together whose numbers follow each other, and those beyond a
    // number that is missing in another graph: the last answers move to the front.
    void close_gaps() {
        size_t used = slots_.size();
        for (size_t i = 0; i < used; ++i) {
            if (slots_[i].prompt != nullptr) continue;
            do {
                --used;
            } while (used > i && slots_[used].prompt == nullptr);
            if (used > i) move_slot(slots_[used], slots_[i]);
        }
    }

    void move_slot(Slot& from, Slot& to) {
        reader_.forget(sequence_of(to));
        reader_.copy(sequence_of(from), sequence_of(to));
        reader_.forget(sequence_of(from));
        to = std::exchange(from, {});
    }

    int32_t sequence_of(const Slot& slot) const {
        return static_cast<int32_t>(&slot - slots_.data());
    }

    // One call; false when nobody has anything to read.
    bool step() {
        throw_if_interrupted();
        tokens_.clear();
        speakers_.clear();
        const auto writing = static_cast<size_t>(std::ranges::count_if(slots_, is_writing));
        size_t room = reader_.call_tokens() - writing;
        for (Slot& slot : slots_) add_next(slot, room);
        if (tokens_.empty()) return false;
        reader_.read(tokens_);
        for (size_t i = 0; i < speakers_.size(); ++i) take(*speakers_[i], reader_.logits(i));
        return true;
    }

    static bool is_reading(const Slot& slot) {
        return slot.prompt != nullptr && slot.read < slot.prompt->tokens.size();
    }

    static bool is_writing(const Slot& slot) { return slot.prompt != nullptr && !is_reading(slot); }

    void add(Slot& slot, TokenId token, bool output) {
        tokens_.push_back({token, slot.position++, sequence_of(slot), output});
        if (output) speakers_.push_back(&slot);
    }

    // What was written last, or as much of the prompt as there is room for.
    void add_next(Slot& slot, size_t& room) {
        if (is_writing(slot)) return add(slot, slot.last, true);
        while (is_reading(slot) && room > 0) {
            const TokenId token = slot.prompt->tokens[slot.read++];
            add(slot, token, !is_reading(slot));
            --room;
        }
    }

    void take(Slot& slot, std::span<const float> logits) {
        const auto is_nan = [](float logit) { return std::isnan(logit); };
        if (std::any_of(logits.begin(), logits.end(), is_nan)) {
            return finish(slot, Answer::End::kNotFinite);
        }
        slot.last = slot.sampler->next(logits);
        ++slot.answer.tokens;
        slot.answer.token_ids.push_back(slot.last);
        if (words_.ends_answer(slot.last)) return finish(slot, Answer::End::kComplete);
        slot.answer.text += words_.text(slot.last);
        const bool full = static_cast<uint32_t>(slot.position) >= window_;
        if (full || slot.answer.tokens >= settings_.answer_tokens) {
            finish(slot, Answer::End::kBudget);
        }
    }

    void finish(Slot& slot, Answer::End end) {
        slot.answer.end = end;
        slot.prompt = nullptr;
        on_answer_(std::move(slot.answer));
    }

    static uint64_t hash_number(const std::string& key) {
        return std::stoull(hash_text(key).substr(0, 16), nullptr, 16);
    }

    TokenReader& reader_;
    const TokenWords& words_;
    uint32_t window_;
    const AnswerSettings& settings_;
    const std::function<void(Answer)>& on_answer_;
    std::vector<Slot> slots_;
    const PromptGroup* kept_ = nullptr;  // whose beginning the sequence after the slots' holds
    std::vector<BatchToken> tokens_;
    std::vector<Slot*> speakers_;
};

}  // namespace

void generate_answers(const Model& model, std::span<const TokenizedPrompt> prompts,
                      const AnswerSettings& settings, const EngineOptions& engine,
                      const std::function<void(Answer)>& on_answer) {
    std::vector<TokenizedPrompt> fitting;
    size_t longest = 0;
    for (const TokenizedPrompt& prompt : prompts) {
        if (prompt.tokens.empty() || prompt.tokens.size() >= model.trained_context()) {
            on_answer({.key = prompt.key, .end = Answer::End::kTooLong});
            continue;
        }
        longest = std::max(longest, prompt.tokens.size());
        fitting.push_back(prompt);
    }
    if (fitting.empty()) return;
    const auto window =
        std::min<uint64_t>(longest + settings.answer_tokens, model.trained_context());
    const auto sequences = std::min<size_t>(std::max(settings.parallel, 1U), fitting.size());
    const ContextShape shape = {.window_tokens = static_cast<uint32_t>(window),
                                .sequences = static_cast<uint32_t>(sequences),
                                .call_tokens = static_cast<uint32_t>(sequences)};
    const auto groups = group_by_beginning(tokens_of(fitting));
    ContextShape with_kept = shape;
    if (longest_shared(groups) > 0) ++with_kept.sequences;
    const auto reader = reader_of(model, with_kept, engine);
    write_answers(*reader, *words_of(model), shape, {fitting, groups}, settings, on_answer);
}

std::vector<Tokens> tokens_of(std::span<const TokenizedPrompt> prompts) {
    std::vector<Tokens> tokens;
    tokens.reserve(prompts.size());
    for (const TokenizedPrompt& prompt : prompts) tokens.emplace_back(prompt.tokens);
    return tokens;
}

void write_answers(TokenReader& reader, const TokenWords& words, const ContextShape& shape,
                   const GroupedPrompts& grouped, const AnswerSettings& settings,
                   const std::function<void(Answer)>& on_answer) {
    Writer(reader, words, shape, settings, on_answer)
        .write(in_order(grouped.prompts, grouped.groups));
}

}  // namespace bitgauge
