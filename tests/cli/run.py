#!/usr/bin/env python3
"""Runs the program as a user would and compares what it says with what the test file says.

    run.py --program build/dev/bin/bitgauge TEST...            compares
    run.py --program build/dev/bin/bitgauge --update TEST...   rewrites the expectations

A test is a transcript (cases/*.test):

    # A comment.
    @label slow                    fast (default) or slow; read by CMake
    @requires tmpfs                skipped with a word where that is missing
    % truncate cut.gguf $TINYMOE 5000          makes an input with a function of inputs.py
    $ bitgauge inspect cut.gguf                a command line for bash
    a line of stdout
    ! a line of stderr
    [2]                            exit status, when it is not 0

Each test runs in a scratch folder of its own; `bitgauge` is on the PATH, $ROOT is the project,
$DATA is tests/data, $TINYMOE and $BABY are the models. Paths of the scratch folder and of the
project are printed as $SCRATCH and $ROOT. A line that ends in ' (re)' is a regular expression, one
that ends in ' (glob)' has * and ?; a line '...' stands for any number of lines. --update keeps such
lines where they still match. Exit status 0 as expected, 1 differs, 77 all skipped.
"""

import argparse
import difflib
import fnmatch
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import inputs

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SKIPPED = 77
TIMEOUT_S = 300


@dataclass
class Step:
    """One command with what is expected of it; `lines` are stdout and '! ' stderr lines."""

    command: str
    lines: list = field(default_factory=list)


class Skip(Exception):
    pass


def main() -> int:
    options = parse_arguments()
    outcomes = [run_test(Path(test), options.program.resolve(), options.update)
                for test in options.tests]
    if "failed" in outcomes:
        return 1
    return SKIPPED if all(outcome == "skipped" for outcome in outcomes) else 0


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", type=Path, required=True, help="the bitgauge to run")
    parser.add_argument("--update", action="store_true", help="rewrite the expectations")
    parser.add_argument("tests", nargs="*", default=sorted((HERE / "cases").glob("*.test")))
    return parser.parse_args()


def run_test(path: Path, program: Path, update: bool) -> str:
    preamble, parts = parse_test(path)
    scratch = Path(tempfile.mkdtemp(prefix="bitgauge-cli-"))
    try:
        check_requirements(preamble)
        actual = run_parts(parts, scratch, program)
    except Skip as reason:
        print(f"skipped: {path.name}: {reason}")
        return "skipped"
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if update:
        path.write_text("".join(preamble) + "".join(merge(parts, actual)), encoding="utf-8")
        return "passed"
    return compare(path, parts, actual)


# --- the file -------------------------------------------------------------------------------------


def parse_test(path: Path):
    """The lines before the first command, then steps and verbatim lines in order."""
    preamble, parts = [], []
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        if line.startswith("$ "):
            parts.append(Step(line[2:].rstrip("\n")))
        elif line.startswith(("% ", "# ")) or line == "#\n" or (not parts and line[0] in "@\n"):
            (parts if parts or line.startswith("% ") else preamble).append(line)
        elif parts and isinstance(parts[-1], Step):
            parts[-1].lines.append(line.rstrip("\n"))
        else:
            sys.exit(f"{path}: a line of output stands before any command: {line!r}")
    for part in parts:
        if isinstance(part, Step):
            part.lines = without_blank_end(part.lines)
    return preamble, parts


def without_blank_end(lines: list) -> list:
    """Blank lines between a command's output and what follows belong to the layout."""
    while lines and not lines[-1]:
        lines = lines[:-1]
    return lines


def merge(parts: list, actual: list) -> list:
    merged, outputs = [], iter(actual)
    for position, part in enumerate(parts):
        if not isinstance(part, Step):
            merged.append(part)
            continue
        lines = next(outputs)
        if not matches(part.lines, lines):
            part.lines = keep_patterns(part.lines, lines)
        merged.append(f"$ {part.command}\n" + "".join(f"{line}\n" for line in part.lines))
        if position + 1 < len(parts):
            merged.append("\n")
    return merged


def keep_patterns(expected: list, actual: list) -> list:
    patterns = [line for line in expected if line.endswith((" (re)", " (glob)"))]
    return [next((p for p in patterns if line_matches(p, line)), line) for line in actual]


# --- running --------------------------------------------------------------------------------------


def check_requirements(preamble: list):
    for line in preamble:
        if line.startswith("@requires "):
            for need in line.split()[1:]:
                inputs.REQUIREMENTS[need](Skip)


def environment(scratch: Path, program: Path) -> dict:
    kept = {key: os.environ[key] for key in ("HOME", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS",
                                             "LSAN_OPTIONS", "XDG_CACHE_HOME") if key in os.environ}
    return kept | {
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "LC_ALL": "C.UTF-8",
        "XDG_DATA_HOME": str(scratch / "data"),
        "ROOT": str(ROOT),
        "DATA": str(ROOT / "tests/data"),
        "TINYMOE": str(inputs.TINYMOE),
        "BABY": str(inputs.BABY),
        "SCRATCH": str(scratch),
    }


def run_parts(parts: list, scratch: Path, program: Path) -> list:
    variables = environment(scratch, program)
    actual = []
    for part in parts:
        if isinstance(part, Step):
            actual.append(run_command(part.command, scratch, variables))
        elif part.startswith("% "):
            inputs.make(part[2:], scratch, variables, Skip)
    return actual


def run_command(command: str, scratch: Path, variables: dict) -> list:
    done = subprocess.run(["bash", "-c", command], cwd=scratch, env=variables, timeout=TIMEOUT_S,
                          stdin=subprocess.DEVNULL, capture_output=True)
    lines = output_lines(done.stdout, scratch)
    lines += ["! " + line if line else "!" for line in output_lines(done.stderr, scratch)]
    if done.returncode != 0:
        lines.append(f"[{done.returncode}]")
    return without_blank_end(lines)


def output_lines(raw: bytes, scratch: Path) -> list:
    text = raw.decode("utf-8", errors="backslashreplace")
    text = text.replace(str(scratch), "$SCRATCH").replace(str(ROOT), "$ROOT")
    return [line.rstrip() for line in text.splitlines()]


# --- comparing ------------------------------------------------------------------------------------


def compare(path: Path, parts: list, actual: list) -> str:
    steps = [part for part in parts if isinstance(part, Step)]
    outcome = "passed"
    for step, lines in zip(steps, actual):
        if matches(step.lines, lines):
            continue
        outcome = "failed"
        print(f"{path.name}: $ {step.command}")
        print("\n".join(difflib.unified_diff(step.lines, lines, "expected", "printed",
                                             lineterm="", n=100)))
    return outcome


def matches(expected: list, actual: list) -> bool:
    if not expected:
        return not actual
    if expected[0] in ("...", "! ..."):
        same_stream = [line.startswith("!") == expected[0].startswith("!") for line in actual]
        longest = same_stream.index(False) if False in same_stream else len(actual)
        return any(matches(expected[1:], actual[n:]) for n in range(longest + 1))
    return bool(actual) and line_matches(expected[0], actual[0]) and \
        matches(expected[1:], actual[1:])


def line_matches(expected: str, actual: str) -> bool:
    if expected.endswith(" (re)"):
        return re.fullmatch(expected[:-5], actual) is not None
    if expected.endswith(" (glob)"):
        return fnmatch.fnmatchcase(actual, expected[:-7].replace("[", "[[]"))
    return expected == actual


if __name__ == "__main__":
    sys.exit(main())
