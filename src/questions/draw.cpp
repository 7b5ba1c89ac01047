#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "bitgauge/error.h"
#include "bitgauge/questions.h"

#include "base/hash.h"

namespace bitgauge {
namespace {

struct Ticket {
    std::string number;  // what the draw is ordered by
    const Question* question;
};

std::vector<Ticket> tickets_of(const QuestionSet& set, uint64_t seed) {
    std::vector<Ticket> tickets;
    for (const Question& question : set.questions) {
        tickets.push_back(
            {hash_text(fmt::format("{}\n{}", seed, question_key(question))), &question});
    }
    // Equal questions are equal in number; the first of the file stays.
    std::stable_sort(tickets.begin(), tickets.end(),
                     [](const Ticket& a, const Ticket& b) { return a.number < b.number; });
    const auto end =
        std::unique(tickets.begin(), tickets.end(),
                    [](const Ticket& a, const Ticket& b) { return a.number == b.number; });
    tickets.erase(end, tickets.end());
    return tickets;
}

const QuestionSet* set_named(std::span<const QuestionSet> sets, const std::string& name) {
    for (const QuestionSet& set : sets) {
        if (set.name == name) return &set;
    }
    return nullptr;
}

std::string words_for(uint64_t count) {
    return count == 0 ? "the questions" : fmt::format("{} questions", count);
}

void miss(const MixPart& part, const QuestionMix& mix, DrawnQuestions& drawn) {
    if (!part.optional) {
        throw Error(ErrorKind::kInput,
                    fmt::format("the mix '{}' needs {} of '{}', and there is no such set", mix.name,
                                words_for(part.count), part.set),
                    "put its file into the folder of question sets; docs/formats/questions.md says "
                    "under which name");
    }
    drawn.shortfalls.push_back(fmt::format("{} of '{}' are left out: there is no such set",
                                           words_for(part.count), part.set));
}

using Likes = std::pair<AnswerKind, std::string>;  // kind and category

Likes likes_of(const Question& question) {
    return {question.kind, question.category};
}

// What may stand before others of its kind and category, last first: those at the end of the order
// are the last to be asked.
std::map<Likes, std::vector<Ticket>> examples_of(std::span<const Ticket> tickets) {
    std::map<Likes, std::vector<Ticket>> examples;
    for (auto ticket = tickets.rbegin(); ticket != tickets.rend(); ++ticket) {
        examples[likes_of(*ticket->question)].push_back(*ticket);
    }
    return examples;
}

// The same for all that are alike, but that none is its own example. Programs have none to show.
void give_examples(Question& question, const Ticket& own, std::span<const Ticket> examples,
                   uint32_t shots) {
    if (question.kind == AnswerKind::kCode) return;
    for (const Ticket& each : examples) {
        if (question.examples.size() == shots) return;
        if (each.number != own.number) question.examples.push_back(*each.question);
    }
}

void draw_part(const QuestionSet& set, const MixPart& part, const QuestionMix& mix,
               DrawnQuestions& drawn) {
    const std::vector<Ticket> tickets = tickets_of(set, mix.seed);
    const auto examples = examples_of(tickets);
    const size_t count =
        part.count == 0 ? tickets.size() : std::min<uint64_t>(part.count, tickets.size());
    for (size_t i = 0; i < count; ++i) {
        Question& question = drawn.questions.emplace_back(*tickets[i].question);
        give_examples(question, tickets[i], examples.at(likes_of(question)), mix.shots);
    }
    if (count >= part.count) return;
    drawn.shortfalls.push_back(fmt::format("{} of {} questions of '{}': the set has no more", count,
                                           part.count, part.set));
}

}  // namespace

DrawnQuestions draw_questions(std::span<const QuestionSet> sets, const QuestionMix& mix) {
    DrawnQuestions drawn;
    for (const MixPart& part : mix.parts) {
        const QuestionSet* set = set_named(sets, part.set);
        if (set == nullptr) {
            miss(part, mix, drawn);
        } else {
            draw_part(*set, part, mix, drawn);
        }
    }
    if (drawn.questions.empty()) {
        throw Error(ErrorKind::kInput, fmt::format("the mix '{}' draws no question", mix.name),
                    "put files of its sets into the folder of question sets");
    }
    return drawn;
}

}  // namespace bitgauge
