#!/usr/bin/env python3
"""A quantization that is killed or interrupted at any moment: the file is absent or complete, and
the same command goes on to the same bytes.

    quantize_resume_test.py PROGRAM
"""

import random
import re
import signal
import sys
import tempfile
import unittest
from pathlib import Path

import resume_test as runs

ROOT = Path(__file__).resolve().parent.parent.parent
MODEL = ROOT / "data/tinymoe/tinymoe-BF16.gguf"
KILLS = 20
PROGRAM = ""


class QuantizeResume(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="bitgauge-quantize-resume-")
        cls.folder = Path(cls.scratch.name)
        cls.whole = cls.folder / "whole.gguf"
        _, cls.seconds = runs.timed(cls.command(cls.whole))

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    @classmethod
    def command(cls, out: Path, *options) -> list:
        return [PROGRAM, "quantize", str(MODEL), "-r", "Q4_K_M", "-o", str(out), "--threads", "1",
                *options]

    def complete_or_absent(self, out: Path):
        if out.exists():
            self.assertEqual(out.read_bytes(), self.whole.read_bytes())

    def finish(self, out: Path) -> int:
        """Tensors that the run before had finished."""
        said = runs.finish(self.command(out))
        self.assertEqual(out.read_bytes(), self.whole.read_bytes())
        self.assertEqual([path.name for path in self.folder.glob(f"{out.name}.*")], [])
        resumed = re.search(r"(\d+) of \d+ tensors were there", said)
        return int(resumed[1]) if resumed else 0

    def test_a_killed_run_goes_on_to_the_same_bytes(self):
        moments, resumed = random.Random(4), 0
        for number in range(KILLS):
            out = self.folder / f"killed-{number}.gguf"
            runs.disturb(self.command(out), moments.uniform(0, self.seconds), "kill -9 of all")
            self.complete_or_absent(out)
            resumed += self.finish(out)
        self.assertGreater(resumed, 0)

    def test_a_run_that_is_killed_again_and_again_ends(self):
        out = self.folder / "again.gguf"
        for number in range(KILLS):
            runs.disturb(self.command(out), self.seconds * (0.3 + 0.03 * number), "kill -9 of all")
            self.complete_or_absent(out)
        self.finish(out)

    def test_an_interrupt_leaves_what_it_needs_to_go_on(self):
        out = self.folder / "interrupted.gguf"
        status = runs.disturb(self.command(out), 0.5 * self.seconds, "Ctrl-C")
        self.assertIn(status, (0, runs.INTERRUPTED, -signal.SIGINT))
        self.complete_or_absent(out)
        self.finish(out)

    def test_damage_in_what_was_written_is_made_good(self):
        out = self.folder / "damaged.gguf"
        runs.disturb(self.command(out), 0.7 * self.seconds, "kill -9 of all")
        part = Path(f"{out}.part")
        if part.exists():
            raw = bytearray(part.read_bytes())
            raw[len(raw) // 10:len(raw) // 5] = bytes(len(raw) // 5 - len(raw) // 10)
            part.write_bytes(raw)
        self.finish(out)

    def test_another_recipe_starts_anew(self):
        out = self.folder / "other.gguf"
        other = [word if word != "Q4_K_M" else "Q4_0" for word in self.command(out)]
        runs.disturb(other, 0.5 * self.seconds, "kill -9 of all")
        out.unlink(missing_ok=True)
        self.finish(out)

    def test_shards_appear_with_the_first_one_last(self):
        first = self.folder / "split-00001-of-00003.gguf"
        command = self.command(self.folder / "split.gguf", "--split-max-size", "4M")
        moments = random.Random(5)
        for _ in range(6):
            runs.disturb(command, moments.uniform(0.2, 1) * self.seconds, "kill -9 of all")
            if first.exists():
                break
        runs.finish(command)
        joined = self.folder / "joined.gguf"
        runs.finish([PROGRAM, "quantize", str(MODEL), "-r", str(first), "-o", str(joined)])
        self.assertEqual(len(list(self.folder.glob("split*"))), 3)
        tail = 11_000_000
        self.assertEqual(joined.read_bytes()[-tail:], self.whole.read_bytes()[-tail:])


if __name__ == "__main__":
    PROGRAM = str(Path(sys.argv.pop(1)).resolve())
    if not MODEL.exists():
        print("skipped: the small model is not here")
        sys.exit(runs.SKIPPED)
    unittest.main()
