#pragma once

// A result of several parts, for the terminal or as Markdown.

#include <string>
#include <string_view>

#include "report/grid.h"

namespace bitgauge {

// Parts come out in the order of the calls; names out of files are made printable here.
class Page {
  public:
    enum class Form { kTerminal, kMarkdown };

    explicit Page(Form form) : form_(form) {}

    void title(std::string_view text);
    void heading(std::string_view text);
    void fact(std::string_view name, const std::string& value);  // nothing where the value is empty
    void item(std::string_view text);
    void quote(std::string_view text);  // below an item
    void table(const Grid& grid);

    const std::string& text() const { return text_; }

  private:
    bool markdown() const { return form_ == Form::kMarkdown; }

    Form form_;
    std::string text_;
};

}  // namespace bitgauge
