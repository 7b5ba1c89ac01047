#include "base/interrupt.h"

#include <csignal>
#include <cstdlib>

#include "bitgauge/error.h"

namespace bitgauge {
namespace {

// A signal handler can reach nothing but globals.
// NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables)
volatile std::sig_atomic_t terminated_flag = 0;
volatile std::sig_atomic_t ctrl_c_flag = 0;
// NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables)

void on_signal(int signal) {
    if (signal != SIGINT) {
        terminated_flag = 1;
        return;
    }
    if (ctrl_c_flag != 0) std::_Exit(static_cast<int>(ErrorKind::kInterrupted));
    ctrl_c_flag = 1;
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
    return terminated_flag != 0 || ctrl_c_flag != 0;
}

bool take_ctrl_c() {
    const bool there = ctrl_c_flag != 0;
    ctrl_c_flag = 0;
    return there;
}

void throw_if_interrupted(const char* hint) {
    if (interrupted()) throw Error(ErrorKind::kInterrupted, "interrupted", hint);
}

}  // namespace bitgauge
