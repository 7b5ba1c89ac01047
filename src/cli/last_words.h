#pragma once

// What the program says when libllama ends it.

namespace bitgauge {

// From now on such an end is one sentence on stderr and status 2 (bad input), not a backtrace.
void install_last_words();

}  // namespace bitgauge
