#pragma once

// The wrappings in which LiveCodeBench publishes its tests.

#include <string>
#include <string_view>

namespace bitgauge {

// RFC 4648; stops at the first character that is none of it.
std::string decoded_base64(std::string_view text);

// The text in a pickle (protocols 2 to 5) that holds one text and nothing else; false for any
// other.
bool unpickle_text(std::string_view pickled, std::string& text);

}  // namespace bitgauge
