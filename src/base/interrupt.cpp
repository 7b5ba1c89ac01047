#include "base/interrupt.h"

#include <csignal>
#include <cstdlib>

#include "bitgauge/error.h"

namespace bitgauge {
namespace {

// A signal handler can reach nothing but a global.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
volatile std::sig_atomic_t interrupt_flag = 0;

void on_signal(int) {
    if (interrupt_flag != 0) std::_Exit(static_cast<int>(ErrorKind::kInterrupted));
    interrupt_flag = 1;
}

}  // namespace

void install_interrupt_handler() {
    std::signal(SIGINT, on_signal);
    std::signal(SIGTERM, on_signal);
}

bool interrupted() {
    return interrupt_flag != 0;
}

void throw_if_interrupted(const char* hint) {
    if (interrupted()) throw Error(ErrorKind::kInterrupted, "interrupted", hint);
}

}  // namespace bitgauge
