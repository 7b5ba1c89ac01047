#include "cli/last_words.h"

#include <cstdlib>

#include "bitgauge/engine.h"
#include "bitgauge/error.h"

#include "cli/console.h"

namespace bitgauge {
namespace {

void say_and_end(const char* reason) {
    Console().report_error(
        std::string("libllama gave up: ") + reason,
        "the file is damaged or needs a newer libllama; bitgauge inspect shows its "
        "header");
    std::_Exit(static_cast<int>(ErrorKind::kInput));
}

}  // namespace

void install_last_words() {
    on_llama_abort(say_and_end);
}

}  // namespace bitgauge
