"""bitgauge called as a program, for benchmarks of what it makes."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

MISSED = 1  # exit status: the work is done, and a gate failed, as a promise of `dynamic` may
REFUSED = 2  # usage or bad input


class Refused(Exception):
    """The program says that this cannot be had; its sentence."""


class Program:
    def __init__(self, path: Path, log: Path, threads: int):
        self.path = path
        self.log = log
        self.threads = ["--threads", threads]

    def say(self, *arguments) -> str:
        """What the program prints; what it says beside goes to the log."""
        command = [str(word) for word in (self.path, *arguments)]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        with self.log.open("a", encoding="utf-8") as log:
            log.write("$ " + " ".join(command) + "\n" + done.stderr)
        if done.returncode == REFUSED:
            raise Refused(done.stderr.strip().split("\n")[0])
        if done.returncode not in (0, MISSED):
            sys.exit(f"status {done.returncode}: {' '.join(command)}; see {self.log}")
        return done.stdout

    def json(self, *arguments):
        return json.loads(self.say(*arguments, "--json"))

    def sweep(self, options, store: Path, *arguments) -> dict:
        """Sweeps into `store`, or finds that it has the sweep."""
        printed = self.say("sweep", options.original, "-t", options.sweep_text, "-i", options.imatrix,
                           "--tokens", options.tokens, "--reference-tokens", options.reference_tokens,
                           "--window", options.window, "--store", store, "--work", f"{store}.sweep",
                           "--json", "--quiet", *self.threads, *arguments)
        return json.loads(printed[printed.index("{"):])

    def plan(self, options, store: Path, *arguments) -> dict:
        return self.json("plan", options.original, "--store", store, "-i", options.imatrix, *arguments)


def add_sweep_options(parser):
    """What fidelity.py and sweep_regret.py share, so that one --work has one full sweep."""
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--original", type=Path, required=True)
    parser.add_argument("--imatrix", type=Path, required=True)
    parser.add_argument("--sweep-text", type=Path, required=True)
    parser.add_argument("--tokens", type=int, default=8192, help="of the sweep, per disturbed tensor")
    parser.add_argument("--reference-tokens", type=int, default=32768, help="of the sweep's whole mixes")
    parser.add_argument("--window", type=int, default=512)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--work", type=Path, required=True, help="kept, to go on from")
    parser.add_argument("--out", type=Path, required=True)


def content_hash(path: Path) -> str:
    """Of a file, or of the files of a folder."""
    digest = hashlib.sha256()
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        digest.update(file.read_bytes())
    return digest.hexdigest()
