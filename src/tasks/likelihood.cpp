#include "tasks/likelihood.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/interrupt.h"
#include "stats/divergence.h"

namespace bitgauge {
namespace {

// A token to be read, and where the probability of what follows it goes.
struct Step {
    BatchToken token;
    size_t question = 0;  // of the pack
    size_t choice = 0;
    size_t follows = 0;  // index into the choice's own tokens; of all choices where `is_shared`
    bool is_shared = false;
};

struct Pack {
    const PromptGroup* group = nullptr;  // which they are of
    std::vector<ChoiceTokens> questions;
    std::vector<int32_t> first_sequence;
    std::vector<Answer> answers;
    size_t cells = 0;
    int32_t sequences = 0;
};

class ChoiceWeigher {
  public:
    ChoiceWeigher(TokenReader& reader, const ReaderRoom& room) : reader_(reader), room_(room) {}

    bool has_room(const Pack& pack, const ChoiceTokens& next) const {
        return pack.cells + next.required() - pack.group->shared <= room_.tokens &&
               static_cast<size_t>(pack.sequences) + next.own.size() <= room_.sequences;
    }

    void weigh(Pack& pack) {
        begin(pack);
        read(shared_steps(pack), pack);
        for (size_t q = 0; q < pack.questions.size(); ++q) share_beginning(pack, q);
        read(own_steps(pack), pack);
    }

  private:
    // Whatever the group shares is read with its first pack, and kept for the others.
    void begin(const Pack& pack) {
        const size_t shared = pack.group->shared;
        const auto kept = static_cast<int32_t>(room_.sequences);
        if (shared == 0 || kept_ != pack.group) {
            reader_.forget_all();
        } else {
            for (int32_t sequence = 0; sequence < kept; ++sequence) reader_.forget(sequence);
        }
        if (shared == 0) return;
        if (kept_ != pack.group) {
            read_beginning(reader_, Tokens(pack.questions.front().common).first(shared), kept);
        }
        kept_ = pack.group;
        for (const int32_t first : pack.first_sequence) reader_.copy(kept, first);
    }

    static std::vector<Step> shared_steps(const Pack& pack) {
        std::vector<Step> steps;
        for (size_t q = 0; q < pack.questions.size(); ++q) {
            const auto& common = pack.questions[q].common;
            for (size_t i = pack.group->shared; i < common.size(); ++i) {
                const bool last = i + 1 == common.size();
                steps.push_back({{common[i], static_cast<int32_t>(i), pack.first_sequence[q], last},
                                 q,
                                 0,
                                 0,
                                 last});
            }
        }
        return steps;
    }

    static std::vector<Step> own_steps(const Pack& pack) {
        std::vector<Step> steps;
        for (size_t q = 0; q < pack.questions.size(); ++q) {
            const auto& [common, own] = pack.questions[q];
            for (size_t c = 0; c < own.size(); ++c) {
                for (size_t i = 0; i + 1 < own[c].size(); ++i) {
                    steps.push_back({{own[c][i], static_cast<int32_t>(common.size() + i),
                                      pack.first_sequence[q] + static_cast<int32_t>(c), true},
                                     q,
                                     c,
                                     i + 1,
                                     false});
                }
            }
        }
        return steps;
    }

    void share_beginning(const Pack& pack, size_t q) {
        if (pack.questions[q].common.empty()) return;
        const int32_t first = pack.first_sequence[q];
        for (size_t c = 1; c < pack.questions[q].own.size(); ++c) {
            reader_.copy(first, first + static_cast<int32_t>(c));
        }
    }

    void read(const std::vector<Step>& steps, Pack& pack) {
        for (size_t begin = 0; begin < steps.size(); begin += reader_.call_tokens()) {
            throw_if_interrupted();
            const size_t end = std::min<size_t>(begin + reader_.call_tokens(), steps.size());
            std::vector<BatchToken> tokens;
            for (size_t i = begin; i < end; ++i) tokens.push_back(steps[i].token);
            reader_.read(tokens);
            size_t output = 0;
            for (size_t i = begin; i < end; ++i) {
                if (steps[i].token.output) take(steps[i], reader_.logits(output++), pack);
            }
        }
    }

    void take(const Step& step, std::span<const float> logits, Pack& pack) {
        constexpr float kNoFloor = -std::numeric_limits<float>::infinity();
        weights_.resize(logits.size());
        const ReferenceSums sums = reference_tile(logits, 0, kNoFloor, weights_);
        const double normalizer = sums.maximum + std::log(sums.sum);
        const auto& own = pack.questions[step.question].own;
        Answer& answer = pack.answers[step.question];
        const auto add = [&](size_t choice) {
            const auto token = static_cast<size_t>(own[choice][step.follows]);
            answer.log_likelihoods[choice] += logits[token] - normalizer;
            ++answer.choice_tokens[choice];
        };
        if (!step.is_shared) return add(step.choice);
        for (size_t c = 0; c < own.size(); ++c) add(c);
    }

    TokenReader& reader_;
    ReaderRoom room_;
    const PromptGroup* kept_ = nullptr;  // whose beginning the sequence after the choices' holds
    std::vector<float> weights_;         // of the last row of logits: not used, but asked for
};

void append(Pack& pack, const std::string& key, const ChoiceTokens& tokens) {
    const size_t choices = tokens.own.size();
    pack.first_sequence.push_back(pack.sequences);
    pack.sequences += static_cast<int32_t>(choices);
    pack.cells += tokens.required() - pack.group->shared;
    pack.answers.push_back({.key = key,
                            .log_likelihoods = std::vector<double>(choices),
                            .choice_tokens = std::vector<uint32_t>(choices)});
    pack.questions.push_back(tokens);
}

std::vector<TokenizedChoices> tokenize_all(const Model& model,
                                           std::span<const ChoicePrompt> prompts) {
    std::vector<TokenizedChoices> all;
    for (const ChoicePrompt& prompt : prompts) {
        std::vector<std::vector<TokenId>> whole;
        for (const std::string& text : prompt.texts) {
            whole.push_back(model.tokenize(text, /*add_special=*/true, /*parse_special=*/false));
        }
        all.push_back({prompt.key, choice_tokens(whole)});
    }
    return all;
}

}  // namespace

size_t ChoiceTokens::required() const {
    size_t n = common.size();
    for (const auto& choice : own) n += choice.size();
    return n;
}

ChoiceTokens choice_tokens(std::span<const std::vector<TokenId>> whole) {
    size_t shortest = SIZE_MAX;
    for (const auto& tokens : whole) shortest = std::min(shortest, tokens.size());
    size_t common = 0;
    const auto all_share = [&](size_t i) {
        return std::all_of(whole.begin(), whole.end(),
                           [&](const auto& tokens) { return tokens[i] == whole.front()[i]; });
    };
    while (common + 1 < shortest && all_share(common)) ++common;
    ChoiceTokens split;
    split.common.assign(whole.front().begin(),
                        whole.front().begin() + static_cast<ptrdiff_t>(common));
    for (const auto& tokens : whole) {
        split.own.emplace_back(tokens.begin() + static_cast<ptrdiff_t>(common), tokens.end());
    }
    return split;
}

std::vector<PromptGroup> group_choices(std::span<const TokenizedChoices> questions) {
    std::vector<Tokens> beginnings;
    beginnings.reserve(questions.size());
    for (const TokenizedChoices& question : questions) {
        beginnings.emplace_back(question.tokens.common);
    }
    return group_by_beginning(beginnings);
}

void weigh_choices(TokenReader& reader, const ReaderRoom& room, const GroupedChoices& grouped,
                   const std::function<void(Answer)>& on_answer) {
    ChoiceWeigher weigher(reader, room);
    for (const PromptGroup& group : grouped.groups) {
        for (size_t next = 0; next < group.prompts.size();) {
            Pack pack = {.group = &group};
            for (; next < group.prompts.size(); ++next) {
                const TokenizedChoices& question = grouped.questions[group.prompts[next]];
                if (!weigher.has_room(pack, question.tokens)) break;
                append(pack, question.key, question.tokens);
            }
            weigher.weigh(pack);
            for (Answer& answer : pack.answers) on_answer(std::move(answer));
        }
    }
}

void weigh_choices(const Model& model, std::span<const ChoicePrompt> prompts,
                   const EngineOptions& engine, const std::function<void(Answer)>& on_answer) {
    const auto questions = tokenize_all(model, prompts);
    const auto groups = group_choices(questions);
    ReaderRoom room;
    for (const TokenizedChoices& question : questions) {
        room.tokens = std::max(room.tokens, question.tokens.required());
        room.sequences = std::max(room.sequences, question.tokens.own.size());
    }
    const size_t kept = longest_shared(groups);
    const auto sequences = static_cast<uint32_t>(room.sequences + (kept > 0 ? 1 : 0));
    const auto each = static_cast<uint32_t>((room.tokens + kept + sequences - 1) / sequences);
    const auto reader = reader_of(
        model,
        {.window_tokens = each, .sequences = sequences, .call_tokens = 1, .shared_memory = true},
        engine);
    weigh_choices(*reader, room, {questions, groups}, on_answer);
}

}  // namespace bitgauge
