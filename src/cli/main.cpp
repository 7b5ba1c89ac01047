#include <csignal>

#include "base/interrupt.h"
#include "cli/last_words.h"
#include "cli/program.h"

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);  // Console::print() sees EPIPE and ends with success
    std::signal(SIGXFSZ, SIG_IGN);  // a limit of file sizes is an error like a full disk
    bitgauge::install_interrupt_handler();
    bitgauge::install_last_words();
    return bitgauge::run_program(argc, argv);
}
