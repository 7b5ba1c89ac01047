#pragma once

// Ctrl-C as a flag that long work asks for between two steps, so that nothing is left half written.

namespace bitgauge {

// Turns SIGINT and SIGTERM into the flag; a second SIGINT ends the process at once.
void install_interrupt_handler();

// For work that cannot ask: the signals end the process at once again.
void end_at_interrupt();

bool interrupted();

// For a program that goes on after Ctrl-C: whether there was one, which is forgotten thereby.
// SIGTERM is not: interrupted() stays true.
bool take_ctrl_c();

// Throws Error(kInterrupted) once the flag is set; `hint` says how to go on.
void throw_if_interrupted(const char* hint = "run the same command again to go on");

}  // namespace bitgauge
