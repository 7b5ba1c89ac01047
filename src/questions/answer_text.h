#pragma once

// What a generated answer names: without its reasoning, the last box, the last block of code.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace bitgauge {

// Without white space at both ends.
std::string trimmed(std::string_view text);

// What follows the last "</think>"; nothing where reasoning has begun after it and did not end.
std::optional<std::string> without_reasoning(const std::string& answer);

// The content of the last "\boxed{...}" or "\fbox{...}" whose braces are closed; also of
// "\boxed 5", up to the first character that is no letter or digit.
std::optional<std::string> last_boxed(const std::string& text);

// The letter, "A" to "Z", by the rules of verdict.h; "" for none.
std::string named_letter(const std::string& text);

// The value, by the rules of verdict.h; "" for none.
std::string named_value(const std::string& text);

// The content of the last block of Python; nothing where there is none. A block that was never
// closed reaches to the end.
std::optional<std::string> last_code_block(const std::string& text);

}  // namespace bitgauge
