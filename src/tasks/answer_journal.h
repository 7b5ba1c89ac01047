#pragma once

// Answers as they come, one line of JSON each, so that a killed run goes on with the next question.

#include <filesystem>
#include <map>
#include <string>

#include "bitgauge/tasks.h"

#include "tasks/ask.h"

namespace bitgauge {

// The answers in a journal by key; a last line that was cut off is left out. None where there is no
// such file. Error(kInput) where it is of another model or other settings than `identity`, or a
// line is damaged.
std::map<std::string, Answer> read_journal(const std::filesystem::path& path,
                                           const std::string& identity);

// Adds lines; Error(kEnvironment) when one cannot be written whole. One process at a time
// (the second gets an Error). Thread-compatible.
class AnswerJournal {
  public:
    // Erases a last line that was cut off.
    explicit AnswerJournal(const JournalName& name);
    ~AnswerJournal();
    AnswerJournal(const AnswerJournal&) = delete;
    AnswerJournal& operator=(const AnswerJournal&) = delete;

    void add(const Answer& answer);

  private:
    void write(const std::string& line);

    std::filesystem::path path_;
    int descriptor_ = -1;
};

}  // namespace bitgauge
