#!/usr/bin/env python3
"""Says which pairs of mathematical expressions are equal, by the package math-verify.

    judge_values.py            the job is behind file descriptor 3

The job is JSON: {"seconds": number, "pairs": [{"right": str, "found": str}, ...]}, expressions in
LaTeX. Writes one JSON line per pair, {"equal": bool, "note": str}; the note says why a pair could
not be compared.

Exit status: 0 all lines were written, 3 this Python has no math-verify.

Expressions are foreign: 9^{9^{9^9}} takes more time and memory than there are. Pairs are compared
in a process with a limit on memory, which is killed and started anew when a pair takes too long.
"""

import ctypes
import json
import logging
import os
import resource
import select
import signal
import sys

MEMORY_BYTES = 2 << 30
PR_SET_PDEATHSIG = 1


def end_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def parsed(expression):
    """Only as LaTeX: math-verify gives other forms to eval()."""
    import math_verify
    return math_verify.parse(f"${expression}$", [math_verify.LatexExtractionConfig()],
                             parsing_timeout=None)


def compare(pair):
    import math_verify
    try:
        right, found = parsed(pair["right"]), parsed(pair["found"])
        if not right or not found:
            return {"equal": False, "note": "not understood as an expression"}
        return {"equal": bool(math_verify.verify(right, found, timeout_seconds=None)), "note": ""}
    except MemoryError:
        return {"equal": False, "note": "out of memory while it was compared"}
    except Exception as error:  # of whatever library: this pair cannot be compared
        return {"equal": False, "note": f"not understood: {type(error).__name__}"}


class Worker:
    """A process that compares one pair after the other."""

    def __init__(self):
        to_read, self.to_worker = os.pipe()
        self.from_worker, to_write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.to_worker)
            os.close(self.from_worker)
            self.serve(to_read, to_write)
        os.close(to_read)
        os.close(to_write)

    @staticmethod
    def serve(to_read, to_write):
        status = 1
        try:
            end_with_parent()
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
            with open(to_read, encoding="utf-8") as pairs, \
                    open(to_write, "w", encoding="utf-8") as answers:
                for line in pairs:
                    answers.write(json.dumps(compare(json.loads(line))) + "\n")
                    answers.flush()
            status = 0
        finally:
            os._exit(status)

    def ask(self, pair, seconds):
        """The answer; None when the worker has to be ended."""
        os.write(self.to_worker, (json.dumps(pair) + "\n").encode())
        ready, _, _ = select.select([self.from_worker], [], [], seconds)
        if not ready:
            return None
        line = os.read(self.from_worker, 65536)
        return json.loads(line) if line else {"equal": False, "note": "its comparison crashed",
                                              "dead": True}

    def end(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.to_worker)
        os.close(self.from_worker)


def judge(pairs, seconds):
    worker = Worker()
    for pair in pairs:
        answer = worker.ask(pair, seconds)
        if answer is None or answer.pop("dead", False):
            worker.end()
            worker = Worker()
        yield answer or {"equal": False, "note": f"not compared within {seconds:g} s"}
    worker.end()


def main():
    end_with_parent()
    logging.disable(logging.CRITICAL)
    try:
        import math_verify  # noqa: F401, before the workers, so that none of them loads it again
    except ImportError as error:
        print(error, file=sys.stderr)
        return 3
    with open(3, encoding="utf-8") as file:
        job = json.load(file)
    for answer in judge(job["pairs"], job["seconds"]):
        print(json.dumps(answer), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
