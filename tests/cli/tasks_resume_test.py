#!/usr/bin/env python3
"""Questions to a model that is killed again and again: none is asked twice, none is lost.

    tasks_resume_test.py PROGRAM

Some questions are answered in words and some by likelihood, once without disturbance and once with
`kill -9` of the program or of its child whenever a few more answers are there. The answers on disk must
be the same, each question must stand there once, and what stood there before a kill must be the
beginning of what stands there after it.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
MODEL = ROOT / "data/tinymoe/tinymoe-BF16.gguf"
VALUES, CHOICES = 24, 24
MORE = 9  # answers between two kills
PROGRAM = ""


def write_questions(path: Path):
    rows = [{"id": f"sum-{n}", "kind": "value", "question": f"What is {n} + {3 * n + 1}?", "answer": str(4 * n + 1)}
            for n in range(VALUES)]
    rows += [{"id": f"letter-{n}", "kind": "letter", "question": f"Which of these is {n}?", "category": f"c{n % 5}",
              "choices": [str(n + step) for step in range(4)], "correct": 0} for n in range(CHOICES)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def command(questions: Path, store: Path) -> list:
    return [PROGRAM, "tasks", str(MODEL), "--questions", str(questions), "--store", str(store), "--threads", "1",
            "--answer-tokens", "24", "--parallel", "4", "--json", "--quiet"]


def journals(store: Path) -> dict:
    """Name: whole lines."""
    return {path.name: path.read_text(encoding="utf-8").split("\n")[:-1]
            for path in sorted(Path(f"{store}.answers").glob("*.jsonl"))}


def answered(store: Path) -> int:
    return sum(max(len(lines) - 1, 0) for lines in journals(store).values())


def kill_after(process: subprocess.Popen, store: Path, wanted: int, child: bool):
    while process.poll() is None and answered(store) < wanted:
        time.sleep(0.005)
    if process.poll() is not None:
        return
    if child:
        for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
            os.kill(int(pid), signal.SIGKILL)
    else:
        process.kill()
    process.communicate(timeout=60)


class Resume(unittest.TestCase):
    def test_no_question_is_asked_twice(self):
        with tempfile.TemporaryDirectory(prefix="bitgauge-tasks-resume-") as name:
            folder = Path(name)
            questions = folder / "questions.jsonl"
            write_questions(questions)
            whole = json.loads(subprocess.run(command(questions, folder / "whole.db"), check=True,
                                              capture_output=True, text=True).stdout)
            store, kills, before = folder / "killed.db", 0, {}
            while True:
                process = subprocess.Popen(command(questions, store), stdout=subprocess.PIPE,
                                           stderr=subprocess.PIPE, text=True)
                kill_after(process, store, answered(store) + MORE, child=kills % 2 == 1)
                now = journals(store)
                for journal, lines in before.items():
                    self.assertEqual(now[journal][:len(lines)], lines, "an answer was lost or changed")
                before = now
                if process.returncode == 0:
                    break
                kills += 1
                self.assertLess(kills, 20)
            self.assertGreaterEqual(kills, 3)
            for lines in before.values():
                keys = [json.loads(line)["key"] for line in lines[1:]]
                self.assertEqual(len(keys), len(set(keys)), "asked twice")
            self.assertEqual(answered(store), VALUES + CHOICES)
            resumed = json.loads(process.communicate()[0] or "null")
            record = (resumed or self.again(questions, store))["records"][0]
            self.assertEqual(sum(record["answers"]["right"]), sum(whole["records"][0]["answers"]["right"]))
            self.assertEqual(record["answers"]["question"], whole["records"][0]["answers"]["question"])

    @staticmethod
    def again(questions: Path, store: Path) -> dict:
        return json.loads(subprocess.run(command(questions, store), check=True, capture_output=True,
                                         text=True).stdout)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
