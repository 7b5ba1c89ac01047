#!/usr/bin/env python3
"""Every command's help page is complete, and fits a terminal of 80 columns.

    help_test.py PROGRAM
"""

import re
import subprocess
import sys
import unittest
from pathlib import Path

PROGRAM = ""


def run(*arguments: str):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=60)


def commands() -> list:
    """Names under the heading of the program's help that lists commands."""
    block = re.split(r"^(?:Subc|C)ommands:\n", run("--help").stdout, flags=re.MULTILINE)[1]
    return re.findall(r"^  ([a-z]+)\b", block.split("\n\n", 1)[0], flags=re.MULTILINE)


def options(page: str) -> dict:
    """First line of each option -> its description, wherever that is broken."""
    found, name = {}, ""
    for line in page.split("Examples:", 1)[0].splitlines():
        start = re.match(r"^  (-\S.*?|[A-Z][A-Z.]*)(?:\s{2,}(.*))?$", line)
        if start:
            name = start.group(1)
            found[name] = (start.group(2) or "").strip()
        elif name and line.startswith("      "):
            found[name] = f"{found[name]} {line.strip()}".strip()
        else:
            name = ""
    return found


class Help(unittest.TestCase):
    def pages(self):
        self.assertIn("inspect", commands())
        for command in commands():
            with self.subTest(command=command):
                done = run(command, "--help")
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                yield command, done.stdout

    def test_each_page_has_examples_that_call_the_command(self):
        for command, page in self.pages():
            self.assertRegex(page, r"Examples:?\n  (bitgauge|\(none\))")

    def test_each_page_says_the_exit_statuses(self):
        for command, page in self.pages():
            self.assertRegex(page, r"Exit status:?\n  0 ")

    def test_no_line_is_longer_than_80_columns(self):
        for command, page in [("", run("--help").stdout), *self.pages()]:
            long = [line for line in page.splitlines() if len(line) > 80]
            self.assertEqual(long, [], command)

    def test_each_option_has_a_help_text(self):
        for command, page in self.pages():
            found = options(page)
            self.assertIn("-h,--help", found)
            self.assertEqual([name for name, text in found.items() if not text], [], command)

    def test_help_is_a_result_and_goes_to_stdout(self):
        done = run("--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    PROGRAM = str(Path(sys.argv.pop(1)).resolve())
    unittest.main()
