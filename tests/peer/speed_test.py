#!/usr/bin/env python3
"""bitgauge bench against llama-bench: the same tokens per second, for prompts and for generation.

    speed_test.py --program build/dev/bin/bitgauge [--model FILE] [--depth N] [--threads N]

Both time the same file with one thread, in turns and in alternating order; each pair gives the
ratio of the medians of a few repetitions. Pairs are repeated until the 95 % interval of the median
ratio (of order statistics) lies within 5 % of 1, which agrees, or wholly outside, which differs. A
machine on which it does neither is too noisy to say, which skips the test.
Exit status 0 agrees, 1 differs, 77 skipped (no llama-bench, or too noisy).
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from peer_test import ROOT, SKIPPED, tools_folder

TOLERANCE = 0.05
AGREES, DIFFERS, NOISY = "agrees", "differs", "too noisy to say"
LEAST_PAIRS = 6  # below six the extremes cover less than 95 %


def main() -> int:
    options = parse_arguments()
    tools = tools_folder()
    if tools is None:
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="bitgauge-speed-") as folder:
        model = options.model or quantized(tools, Path(folder))
        return compare(Pairs(options, tools / "llama-bench", model))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--model", type=Path, help="instead of tinymoe in Q8_0")
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--generate", type=int, default=128)
    parser.add_argument("--depth", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repetitions", type=int, default=5, help="within a run of a program")
    parser.add_argument("--most-pairs", type=int, default=40)
    return parser.parse_args()


def quantized(tools: Path, folder: Path) -> Path:
    model = folder / "tinymoe-Q8_0.gguf"
    run([tools / "llama-quantize", ROOT / "data/tinymoe/tinymoe-BF16.gguf", model, "Q8_0", "1"])
    return model


class Pairs:
    """Ratios of tokens per second, ours over theirs, by test."""

    def __init__(self, options, llama_bench: Path, model: Path):
        self.options, self.llama_bench, self.model = options, llama_bench, model
        self.ratios = {"prompt": [], "generation": []}

    def add(self, ours_first: bool) -> None:
        if ours_first:
            ours, theirs = self.ours(), self.theirs()
        else:
            theirs, ours = self.theirs(), self.ours()
        for test, ratios in self.ratios.items():
            ratios.append(ours[test] / theirs[test])

    def ours(self) -> dict:
        o = self.options
        record = json.loads(run([o.program, "bench", self.model, "--prompt", o.prompt, "--generate",
                                 o.generate, "--depth", o.depth, "--threads", o.threads,
                                 "--repetitions", o.repetitions, "--json", "--quiet"]))
        return {test["kind"]: test["files"][0]["tokens_per_second"]["median"]
                for test in record["tests"]}

    def theirs(self) -> dict:
        o = self.options
        tests = json.loads(run([self.llama_bench, "-m", self.model, "-p", o.prompt, "-n",
                                o.generate, "-d", o.depth, "-t", o.threads, "-r", o.repetitions,
                                "-o", "json"]))
        return {"prompt" if test["n_prompt"] else "generation":
                statistics.median(test["samples_ts"]) for test in tests}


def compare(pairs: Pairs) -> int:
    while len(pairs.ratios["prompt"]) < pairs.options.most_pairs:
        pairs.add(ours_first=len(pairs.ratios["prompt"]) % 2 == 0)
        if all(verdict(ratios) != NOISY for ratios in pairs.ratios.values()):
            break
    verdicts = [report(test, ratios) for test, ratios in pairs.ratios.items()]
    if DIFFERS in verdicts:
        return 1
    if NOISY in verdicts:
        print(f"skipped: the machine is too noisy to tell {TOLERANCE:.0%} apart")
    return SKIPPED if NOISY in verdicts else 0


def report(test: str, ratios: list) -> str:
    low, high = median_interval(ratios)
    print(f"{test}: bitgauge / llama-bench {statistics.median(ratios):.4f} "
          f"({low:.4f} to {high:.4f}, {len(ratios)} pairs): {verdict(ratios)}", flush=True)
    return verdict(ratios)


def verdict(ratios: list) -> str:
    low, high = median_interval(ratios)
    if low > 1 + TOLERANCE or high < 1 - TOLERANCE:
        return DIFFERS
    return AGREES if low > 1 - TOLERANCE and high < 1 + TOLERANCE else NOISY


def median_interval(values: list) -> tuple:
    """At least 95 %, from order statistics [Thompson 1936]; infinite for too few values."""
    n = len(values)
    if n < LEAST_PAIRS:
        return 0.0, math.inf
    below, k = 0.0, -1  # k: the most values that may be left out at each end
    while below + math.comb(n, k + 1) / 2 ** n <= 0.025:
        k += 1
        below += math.comb(n, k) / 2 ** n
    ordered = sorted(values)
    return ordered[k], ordered[n - 1 - k]


def run(command: list) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
