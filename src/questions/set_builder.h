#pragma once

// Questions and skipped questions of one file, as a format's reader meets them.

#include <cstddef>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>

#include "bitgauge/questions.h"

namespace bitgauge {

// Thrown by readers of single questions: what is wrong with this one.
struct BadQuestion {
    std::string reason;
};

// Thread-compatible.
class SetBuilder {
  public:
    explicit SetBuilder(std::string name) { set_.name = std::move(name); }

    // Takes what `read` returns under this id, or skips it with the reason of its BadQuestion.
    template <class Read>
    void take(const std::string& id, Read read) {
        try {
            Question question = read();
            question.id = id;
            question.set = set_.name;
            add(std::move(question));
        } catch (const BadQuestion& bad) {
            set_.skipped.push_back({id, bad.reason});
        }
    }

    size_t seen() const { return set_.questions.size() + set_.skipped.size(); }

    // Error(kInput) where no question is left.
    QuestionSet finish(const std::filesystem::path& path) &&;

  private:
    void add(Question question);

    QuestionSet set_;
    std::set<std::string> ids_;
};

// Error(kInput): "'path' line 3: why".
[[noreturn]] void reject_line(const std::filesystem::path& path, size_t line,
                              const std::string& why);

// Error(kInput) for text that is not UTF-8.
void require_utf8(const std::filesystem::path& path, const std::string& text);

}  // namespace bitgauge
