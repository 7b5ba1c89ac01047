#pragma once

// Values that are equal without any mathematics.

#include <optional>
#include <string>

namespace bitgauge {

// A plain decimal number in its shortest form: "1,234.50" -> "1234.5", "-0" -> "0", "007" -> "7".
// Commas have to stand at thousands. Nothing for everything else.
std::optional<std::string> plain_number(const std::string& text);

// Without what only changes the looks of LaTeX: $, blanks, \left, \right, \!, \text{} around words;
// \dfrac and \tfrac become \frac.
std::string plain_latex(const std::string& text);

// Equal in one of these forms.
bool equal_as_text(const std::string& a, const std::string& b);

}  // namespace bitgauge
