#!/usr/bin/env python3
"""A baseline that was killed or interrupted at any moment ends as if nothing had happened.

    resume_test.py PROGRAM

Makes a baseline without disturbance, then again with `kill -9` and with Ctrl-C after growing times,
running the same command until it is done. Every file of the two folders must be equal byte for byte
(but for times of creation), and measuring against either must give the same numbers.
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
MODEL = ROOT / "data/tinymoe/tinymoe-BF16.gguf"
TEXT = ROOT / "data/text/wiki.test.excerpt.raw"
INTERRUPTED = 130
SKIPPED = 77
WINDOWS = "40"
PROGRAM = ""


def baseline_command(folder: Path) -> list:
    return [PROGRAM, "baseline", str(MODEL), "-t", str(TEXT), "--max-windows", WINDOWS, "-o",
            str(folder)]


def start(command: list) -> subprocess.Popen:
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, start_new_session=True)


def finish(command: list):
    process = start(command)
    out, err = process.communicate(timeout=300)
    if process.returncode != 0:
        raise AssertionError(f"status {process.returncode}: {err}")
    return out


def disturb(command: list, after_s: float, sent: signal.Signals):
    """Status of the command when `sent` reaches its whole process group after a while."""
    process = start(command)
    time.sleep(after_s)
    if process.poll() is None:
        os.killpg(process.pid, sent)
    process.communicate(timeout=60)
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


class Resume(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="bitgauge-resume-")
        cls.folder = Path(cls.scratch.name)
        begin = time.monotonic()
        finish(baseline_command(cls.folder / "whole"))
        cls.duration_s = time.monotonic() - begin

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def disturb_until_done(self, name: str, sent: signal.Signals) -> Path:
        folder = self.folder / name
        statuses = [disturb(baseline_command(folder), share * self.duration_s, sent)
                    for share in (0.1, 0.3, 0.5, 0.7)]
        self.assertIn(INTERRUPTED if sent == signal.SIGINT else -sent, statuses)
        finish(baseline_command(folder))
        return folder

    def test_after_kill_9_the_folder_is_the_same(self):
        folder = self.disturb_until_done("killed", signal.SIGKILL)
        self.assertEqual(contents(folder), contents(self.folder / "whole"))

    def test_after_ctrl_c_the_folder_is_the_same(self):
        folder = self.disturb_until_done("interrupted", signal.SIGINT)
        self.assertEqual(contents(folder), contents(self.folder / "whole"))

    def test_a_complete_baseline_is_left_alone(self):
        before = {path: path.stat().st_mtime_ns for path in (self.folder / "whole").rglob("*")}
        finish(baseline_command(self.folder / "whole"))
        after = {path: path.stat().st_mtime_ns for path in (self.folder / "whole").rglob("*")}
        self.assertEqual(before, after)

    def test_a_measurement_that_was_killed_gives_the_same_numbers(self):
        candidate = self.folder / "q4.gguf"
        finish([PROGRAM, "quantize", str(MODEL), "-r", "Q4_K_M", "-o", str(candidate)])
        records = []
        for store, share in (("a.db", None), ("b.db", 0.5)):
            command = [PROGRAM, "measure", str(candidate), "-b", str(self.folder / "whole"),
                       "--store", str(self.folder / store), "--json"]
            if share:
                disturb(command, share * self.duration_s, signal.SIGKILL)
            records.append(without_times(json.loads(finish(command))))
        self.assertEqual(records[0], records[1])


def without_times(value):
    if isinstance(value, dict):
        return {key: without_times(entry) for key, entry in value.items()
                if key not in ("created_utc", "elapsed_s")}
    return [without_times(entry) for entry in value] if isinstance(value, list) else value


if __name__ == "__main__":
    PROGRAM = str(Path(sys.argv.pop(1)).resolve())
    if not (MODEL.exists() and TEXT.exists()):
        print("skipped: the embedded model is not here")
        sys.exit(SKIPPED)
    unittest.main()
