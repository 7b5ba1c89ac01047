#!/usr/bin/env python3
"""Runs a generated program and its tests. Only ever started inside the sandbox.

    run_answer.py              the job is behind file descriptor 3

The job is JSON: {"prelude", "starter", "answer", "tests": Python; "token": str; "memory_bytes",
"processes", "file_bytes", "seconds": limits; "user": number to become, or null}.
With tests, the last line of standard output is the token if, and only if, all of them were passed.
Without, the answer is a program of its own: exit status 0, or 1 with what it raised.

On failure the last line of standard error says why.
"""

import errno
import json
import os
import resource
import sys
import types


def limit(kind, value):
    resource.setrlimit(kind, (value, value))


def give_up_rights(job):
    """In this order: limits on processes do not hold for root."""
    if job["user"] is not None:
        os.setgroups([])
        os.setresgid(job["user"], job["user"], job["user"])
        os.setresuid(job["user"], job["user"], job["user"])
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_CPU, job["seconds"] + 1)
    limit(resource.RLIMIT_FSIZE, job["file_bytes"])
    limit(resource.RLIMIT_NPROC, job["processes"])
    limit(resource.RLIMIT_AS, job["memory_bytes"])


def compiled(text, name):
    try:
        return compile(text, name, "exec")
    except (SyntaxError, ValueError):
        return None


def parts_of(job):
    """What runs, in order."""
    answer = compiled(job["answer"], "answer")
    starter = compiled(job["starter"], "starter")
    if answer is None:
        continued = compile_continuation(job)
        return [compile(job["prelude"], "prelude", "exec"), continued]
    return [compile(job["prelude"], "prelude", "exec")] + [starter] * (starter is not None) + [answer]


def compile_continuation(job):
    """Starter and answer as one text; the error is that of the answer alone."""
    joined = compiled(job["starter"] + job["answer"], "answer") if job["starter"] else None
    return joined or compile(job["answer"], "answer", "exec")


def new_module(name):
    module = types.ModuleType(name)
    sys.modules[name] = module
    return module.__dict__


def words_of(error, job):
    if isinstance(error, MemoryError):
        return f"MemoryError: it may have {job['memory_bytes'] >> 20} MiB"
    if isinstance(error, SystemExit):
        return "it ended before its tests were through"
    if isinstance(error, BlockingIOError) and error.errno == errno.EAGAIN:
        return f"{type(error).__name__}: {error}; it may have {job['processes']} processes"
    words = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return words.replace("\n", " ") + place_of(error)


def place_of(error):
    """Where in the texts of the job it was raised: the innermost place."""
    place = ""
    trace = error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if name in ("answer", "tests", "starter"):
            place = f" (line {trace.tb_lineno} of the {name})"
        trace = trace.tb_next
    return place


def run(parts, tests, job):
    space = new_module("answer" if tests else "__main__")
    for part in parts:
        exec(part, space)
    if tests:
        exec(tests, space)


def fail(error, job):
    try:
        sys.stdout.flush()
        print(words_of(error, job), file=sys.stderr, flush=True)
    except BaseException:
        pass
    os._exit(1)


def main():
    sys.path.pop(0)
    with open(3, encoding="utf-8") as file:
        job = json.load(file)
    token = job.pop("token")
    me = os.getpid()
    give_up_rights(job)
    try:
        tests = compile(job["tests"], "tests", "exec") if job["tests"] else None
        run(parts_of(job), tests, job)
    except SystemExit as end:
        if job["tests"]:
            fail(end, job)
        raise
    except BaseException as error:
        fail(error, job)
    if not job["tests"]:
        return
    sys.stdout.flush()
    if os.getpid() == me:  # and no copy of it
        os.write(1, f"\n{token}\n".encode())
    os._exit(0)


if __name__ == "__main__":
    main()
