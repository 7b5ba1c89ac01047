#include "text/renderer.h"

#include <fmt/format.h>

#include "bitgauge/error.h"

namespace bitgauge {

void fail_renderer(const std::string& interpreter, int status, int signal,
                   const std::string& last_errors) {
    std::string why =
        fmt::format("ended with status {}, signal {}: {}", status, signal, last_errors);
    if (signal == 0 && status == kStatusNoJinja) why = "has no Jinja2";
    if (signal == 0 && status == kStatusNoProgram) why = "cannot be started";
    throw Error(ErrorKind::kEnvironment,
                fmt::format("chats cannot be rendered: '{}' {}", interpreter, why),
                "run scripts/setup, or set BITGAUGE_PYTHON to a Python with Jinja2");
}

}  // namespace bitgauge
