#include "base/interrupt.h"

#include <csignal>
#include <cstdlib>

#include "bitgauge/error.h"

namespace bitgauge {
namespace {

// A signal handler can reach nothing but a global.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
volatile std::sig_atomic_t interrupt_flag = 0;

constexpr std::sig_atomic_t kTerminated = 1;
constexpr std::sig_atomic_t kCtrlC = 2;

void on_signal(int signal) {
    if (signal != SIGINT) {
        if (interrupt_flag == 0) interrupt_flag = kTerminated;
        return;
    }
    if (interrupt_flag == kCtrlC) std::_Exit(static_cast<int>(ErrorKind::kInterrupted));
    interrupt_flag = kCtrlC;
}

}  // namespace

void install_interrupt_handler() {
    std::signal(SIGINT, on_signal);
    std::signal(SIGTERM, on_signal);
}

void end_at_interrupt() {
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
}

bool interrupted() {
    return interrupt_flag != 0;
}

void throw_if_interrupted(const char* hint) {
    if (interrupted()) throw Error(ErrorKind::kInterrupted, "interrupted", hint);
}

}  // namespace bitgauge
