#include "questions/csv.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "questions/set_builder.h"

namespace bitgauge {
namespace {

class CsvReader {
  public:
    CsvReader(const std::filesystem::path& path, std::string_view text)
        : path_(path), text_(text) {}

    bool at_end() const { return position_ >= text_.size(); }

    CsvRow row() {
        CsvRow row{line_, {cell()}};
        while (peek() == ',') {
            ++position_;
            row.cells.push_back(cell());
        }
        end_line();
        return row;
    }

  private:
    // '\0' at the end.
    char peek() const { return at_end() ? '\0' : text_[position_]; }

    std::string cell() { return peek() == '"' ? quoted_cell() : plain_cell(); }

    std::string plain_cell() {
        const size_t end = std::min(text_.find_first_of(",\"\r\n", position_), text_.size());
        std::string cell(text_.substr(position_, end - position_));
        position_ = end;
        if (peek() == '"') reject_line(path_, line_, "a quote inside a cell that is not quoted");
        return cell;
    }

    std::string quoted_cell() {
        const size_t begin_line = line_;
        std::string cell;
        for (++position_;; position_ += 2) {  // the two of a doubled quote
            const size_t quote = text_.find('"', position_);
            if (quote == std::string_view::npos) {
                reject_line(path_, begin_line, "a quote that is not closed");
            }
            take(quote, cell);
            if (position_ + 1 >= text_.size() || text_[position_ + 1] != '"') break;
            cell += '"';
        }
        ++position_;
        return cell;
    }

    void take(size_t end, std::string& cell) {
        for (; position_ < end; ++position_) {
            if (text_[position_] == '\n') ++line_;
            cell += text_[position_];
        }
    }

    void end_line() {
        if (at_end()) return;
        if (peek() == '\r') ++position_;
        if (at_end()) return;
        if (peek() != '\n') {
            reject_line(
                path_, line_,
                fmt::format("'{}' where a comma or the end of the line is expected", peek()));
        }
        ++position_;
        ++line_;
    }

    const std::filesystem::path& path_;
    std::string_view text_;
    size_t position_ = 0;
    size_t line_ = 1;
};

}  // namespace

std::vector<CsvRow> parse_csv(const std::filesystem::path& path, std::string_view text) {
    std::vector<CsvRow> rows;
    CsvReader reader(path, text);
    while (!reader.at_end()) {
        CsvRow row = reader.row();
        if (row.cells.size() > 1 || !row.cells[0].empty()) rows.push_back(std::move(row));
    }
    return rows;
}

}  // namespace bitgauge
