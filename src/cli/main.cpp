#include <csignal>

#include "base/interrupt.h"
#include "cli/program.h"

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);  // Console::print() sees EPIPE and ends with success
    bitgauge::install_interrupt_handler();
    return bitgauge::run_program(argc, argv);
}
