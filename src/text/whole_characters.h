#pragma once

// Text that arrives in pieces of bytes, given on in whole characters.

#include <string>
#include <string_view>

namespace bitgauge {

// What add() and finish() give is valid UTF-8, piece by piece. Bytes that are none become U+FFFD;
// the beginning of a character waits for its rest, at most three bytes.
class WholeCharacters {
  public:
    std::string add(std::string_view bytes);
    std::string finish();  // what still waits, as U+FFFD

  private:
    std::string waiting_;
};

}  // namespace bitgauge
