#include "questions/gpqa.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/hash.h"

#include "questions/answer_text.h"
#include "questions/csv.h"
#include "questions/set_builder.h"

namespace bitgauge {
namespace {

constexpr const char* kQuestion = "Question";
constexpr const char* kRight = "Correct Answer";
constexpr const char* kRecord = "Record ID";
constexpr const char* kDomain = "High-level domain";
constexpr const char* kWrong[] = {"Incorrect Answer 1", "Incorrect Answer 2", "Incorrect Answer 3"};

using Row = std::map<std::string, std::string>;  // column -> cell

Row row_of(const CsvRow& header, const CsvRow& cells) {
    Row row;
    for (size_t i = 0; i < header.cells.size() && i < cells.cells.size(); ++i) {
        row[trimmed(header.cells[i])] = trimmed(cells.cells[i]);
    }
    return row;
}

std::string cell_of(const Row& row, const char* column) {
    const auto found = row.find(column);
    if (found == row.end() || found->second.empty()) {
        throw BadQuestion{fmt::format("no \"{}\"", column)};
    }
    return found->second;
}

std::string cell_or_nothing(const Row& row, const char* column) {
    const auto found = row.find(column);
    return found == row.end() ? std::string() : found->second;
}

std::string id_of(const Row& row, size_t line) {
    const std::string id = cell_or_nothing(row, kRecord);
    return id.empty() ? fmt::format("line {}", line) : id;
}

void shuffle_choices(Question& question, const std::string& seed) {
    std::sort(question.choices.begin(), question.choices.end(),
              [&](const std::string& a, const std::string& b) {
                  return hash_text(seed + '\n' + a) < hash_text(seed + '\n' + b);
              });
}

Question question_of(const Row& row) {
    Question question;
    question.category = cell_or_nothing(row, kDomain);
    question.prompt = cell_of(row, kQuestion);
    const std::string right = cell_of(row, kRight);
    question.choices = {right};
    for (const char* wrong : kWrong) question.choices.push_back(cell_of(row, wrong));
    const std::string record = cell_or_nothing(row, kRecord);
    shuffle_choices(question, record.empty() ? question.prompt : record);
    question.correct =
        static_cast<int32_t>(std::find(question.choices.begin(), question.choices.end(), right) -
                             question.choices.begin());
    return question;
}

// "gpqa_diamond.csv" -> "gpqa-diamond"; a file of another name is the whole of GPQA.
std::string set_of(const std::filesystem::path& path) {
    const bool diamond = path.filename().string().find("diamond") != std::string::npos;
    return diamond ? "gpqa-diamond" : "gpqa";
}

}  // namespace

bool is_gpqa(const std::string& text) {
    const std::string_view header = std::string_view(text).substr(0, text.find('\n'));
    return header.find(kRight) != std::string_view::npos &&
           header.find(kQuestion) != std::string_view::npos &&
           header.find(',') != std::string_view::npos && !header.starts_with('{');
}

QuestionSet read_gpqa(const std::filesystem::path& path, const std::string& text,
                      const std::string& set) {
    require_utf8(path, text);
    const std::vector<CsvRow> rows = parse_csv(path, text);
    SetBuilder builder(set.empty() ? set_of(path) : set);
    for (size_t i = 1; i < rows.size(); ++i) {
        const Row row = row_of(rows[0], rows[i]);
        builder.take(id_of(row, rows[i].line), [&] { return question_of(row); });
    }
    return std::move(builder).finish(path);
}

}  // namespace bitgauge
