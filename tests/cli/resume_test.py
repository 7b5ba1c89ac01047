#!/usr/bin/env python3
"""What was killed or interrupted at any moment ends as if nothing had happened.

    resume_test.py PROGRAM

Makes a baseline and measures two files without disturbance, then again with `kill -9` and Ctrl-C
after growing times: for the whole process group as a terminal does, for the program alone, which
leaves its child behind, and for the child alone. The same command is run until it is done. Every file of the folders must be
equal byte for byte (but for times of creation), and so must every number of the records.
"""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
MODEL = ROOT / "tests/data/babyllama105/babyllama105-f32.gguf"
TEXT = ROOT / "tests/data/babyllama105/tinystories.excerpt.txt"
TYPES = ("Q8_0", "Q4_0")
INTERRUPTED = 130
NO_MEMORY = 3
GOES_ON = "bitgauge: error: interrupted\n  hint: run the same command again to go on\n"
SKIPPED = 77
MOMENTS = (0.3, 0.7)  # of the time an undisturbed run takes
PROGRAM = ""


def kill_child(pid: int, sent: signal.Signals):
    """The child that has a model in memory, as the kernel does when that runs out."""
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        os.kill(int(child), sent)


# Who is hit, by what, and the status that leaves.
EVENTS = {
    "kill -9 of the child": (kill_child, signal.SIGKILL, NO_MEMORY),
    "kill -9 of all": (os.killpg, signal.SIGKILL, -signal.SIGKILL),
    "kill -9 of the program alone": (os.kill, signal.SIGKILL, -signal.SIGKILL),
    "Ctrl-C": (os.killpg, signal.SIGINT, INTERRUPTED),
    "an interrupt of the program alone": (os.kill, signal.SIGINT, INTERRUPTED),
}


def start(command: list) -> subprocess.Popen:
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, start_new_session=True)


def finish(command: list) -> str:
    process = start(command)
    out, err = process.communicate(timeout=300)
    if process.returncode != 0:
        raise AssertionError(f"status {process.returncode}: {err}")
    return out


def timed(command: list):
    begin = time.monotonic()
    out = finish(command)
    return out, time.monotonic() - begin


def disturb(command: list, after_s: float, event: str) -> int:
    """Status of the command when it is hit after a while; an interrupt is told in one sentence."""
    hit, sent, _ = EVENTS[event]
    process = start(command)
    time.sleep(after_s)
    if process.poll() is None:
        hit(process.pid, sent)
    said = process.communicate(timeout=60)[1]
    if process.returncode == INTERRUPTED and said != GOES_ON:
        raise AssertionError(f"said {said!r} of an interrupt")
    return process.returncode


def contents(folder: Path) -> dict:
    """Name -> hash of every file; times of creation in JSON do not count."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        raw = path.read_bytes()
        if path.suffix == ".json":
            raw = re.sub(rb'"(created_utc|elapsed_s)":\s*("[^"]*"|[0-9.e+-]+)', b"", raw)
        found[str(path.relative_to(folder))] = hashlib.sha256(raw).hexdigest()
    return found


def without_times(value):
    if isinstance(value, dict):
        return {key: without_times(entry) for key, entry in value.items()
                if key not in ("created_utc", "elapsed_s")}
    return [without_times(entry) for entry in value] if isinstance(value, list) else value


class Resume(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="bitgauge-resume-")
        cls.folder = Path(cls.scratch.name)
        cls.whole = cls.folder / "whole"
        _, cls.baseline_s = timed(cls.baseline(cls.whole))
        cls.candidates = []
        for name in TYPES:
            cls.candidates.append(str(cls.folder / f"{name}.gguf"))
            finish([PROGRAM, "quantize", str(MODEL), "-r", name, "-o", cls.candidates[-1]])
        out, cls.measure_s = timed(cls.measure("undisturbed.db"))
        cls.records = without_times(json.loads(out))

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    @classmethod
    def baseline(cls, folder: Path) -> list:
        return [PROGRAM, "baseline", str(MODEL), "-t", str(TEXT), "-o", str(folder), "--threads",
                "1"]

    @classmethod
    def measure(cls, store: str) -> list:
        return [PROGRAM, "measure", *cls.candidates, "-b", str(cls.whole), "--store",
                str(cls.folder / store), "--threads", "1", "--json"]

    def disturb_until_done(self, command: list, duration_s: float, event: str) -> str:
        """What the command prints when it is left alone at last."""
        statuses = [disturb(command, moment * duration_s, event) for moment in MOMENTS]
        self.assertIn(EVENTS[event][2], statuses)
        return finish(command)

    def test_a_baseline_in_stages_goes_on(self):
        command = self.baseline(self.folder / "staged") + ["--stages", "5"]
        finish(command)  # the cut is checked once
        expected = contents(self.folder / "staged")
        for event in ("kill -9 of all", "Ctrl-C"):
            with self.subTest(event=event):
                folder = self.folder / f"staged {event}"
                self.disturb_until_done(self.baseline(folder) + ["--stages", "5"], self.baseline_s,
                                        event)
                self.assertEqual(contents(folder), expected)

    def test_importance_goes_on(self):
        for stages in ("off", "5"):
            expected, duration_s = self.importance(stages, "undisturbed")
            for event in ("kill -9 of all", "Ctrl-C"):
                with self.subTest(stages=stages, event=event):
                    out = self.folder / f"{stages} {event}.gguf"
                    self.disturb_until_done(self.imatrix(out, stages), duration_s, event)
                    self.assertEqual(out.read_bytes(), expected)
                    self.assertEqual(list(self.folder.glob("*.work")), [])

    def importance(self, stages: str, name: str) -> tuple:
        out = self.folder / f"{stages} {name}.gguf"
        _, duration_s = timed(self.imatrix(out, stages))
        return out.read_bytes(), duration_s

    @staticmethod
    def imatrix(out: Path, stages: str) -> list:
        return [PROGRAM, "imatrix", str(MODEL), "-t", str(TEXT), "-o", str(out), "--stages", stages,
                "--threads", "1"]

    def test_a_baseline_goes_on(self):
        whole = contents(self.whole)
        for event in EVENTS:
            with self.subTest(event=event):
                folder = self.folder / event.replace(" ", "-")
                self.disturb_until_done(self.baseline(folder), self.baseline_s, event)
                self.assertEqual(contents(folder), whole)

    def test_a_measurement_goes_on(self):
        whole = contents(self.whole)
        for event in EVENTS:
            with self.subTest(event=event):
                command = self.measure(event.replace(" ", "-") + ".db")
                out = self.disturb_until_done(command, self.measure_s, event)
                self.assertEqual(without_times(json.loads(out)), self.records)
                self.assertEqual(contents(self.whole), whole)

    def test_a_complete_baseline_is_left_alone(self):
        before = {path: path.stat().st_mtime_ns for path in self.whole.rglob("*")}
        finish(self.baseline(self.whole))
        after = {path: path.stat().st_mtime_ns for path in self.whole.rglob("*")}
        self.assertEqual(before, after)


if __name__ == "__main__":
    PROGRAM = str(Path(sys.argv.pop(1)).resolve())
    if not (MODEL.exists() and TEXT.exists()):
        print("skipped: the small model is not here")
        sys.exit(SKIPPED)
    unittest.main()
