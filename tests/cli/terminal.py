"""A program in a terminal of its own (a pseudo-terminal): what is typed, what it shows."""

import os
import pty
import re
import select
import signal
import termios
import time

ESCAPES = re.compile(rb"\x1b(\[[0-9;?]*[A-Za-z]|[=>()][0-9A-B]?)")


class Terminal:
    def __init__(self, command: list, environment: dict):
        self.shown = b""
        self.seen = 0  # up to here it was waited for
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], command, environment)

    def send(self, text: str):
        os.write(self.descriptor, text.encode("utf-8"))

    def type(self, text: str):
        """At a prompt: libedit shows it a moment before it takes keys itself and not by lines."""
        end = time.monotonic() + 30
        while termios.tcgetattr(self.descriptor)[3] & termios.ICANON:
            if time.monotonic() > end:
                raise AssertionError(f"nobody takes keys after {self.plain()[self.seen:]!r}")
            time.sleep(0.01)
        self.send(text)

    def wait_for(self, text: str, seconds: float = 60) -> str:
        """Until `text` is shown after what was waited for before; what came before it."""
        wanted = text.encode("utf-8")
        end = time.monotonic() + seconds
        while wanted not in self.plain()[self.seen:]:
            if not self.read(end - time.monotonic()):
                raise AssertionError(f"{text!r} was not shown, but {self.plain()[self.seen:]!r}")
        at = self.plain().index(wanted, self.seen)
        before = self.plain()[self.seen:at]
        self.seen = at + len(wanted)
        return before.decode("utf-8", errors="strict")

    def plain(self) -> bytes:
        return ESCAPES.sub(b"", self.shown)

    def forget(self):
        """What was waited for; a long session stays quick."""
        self.shown, self.seen = self.plain()[self.seen:], 0

    def read(self, seconds: float) -> bool:
        """False at the end, and when nothing comes in time."""
        if seconds <= 0 or not select.select([self.descriptor], [], [], seconds)[0]:
            return False
        try:
            piece = os.read(self.descriptor, 65536)
        except OSError:  # the other side was closed
            return False
        self.shown += piece
        return bool(piece)

    def end(self, seconds: float = 30) -> int:
        """Exit status, negative for a signal; the rest of what it shows is read."""
        end = time.monotonic() + seconds
        while self.read(end - time.monotonic()):
            pass
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.02)
        os.kill(self.pid, signal.SIGKILL)
        raise AssertionError(f"it goes on: {self.plain()[self.seen:]!r}")
