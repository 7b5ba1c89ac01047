#!/usr/bin/env python3
"""bitgauge bench against llama-bench: the same tokens per second, for prompts and for generation.

    speed_test.py --program build/dev/bin/bitgauge [--model FILE] [--depth N] [--threads N]

Both time the same file with one thread, in turns and in alternating order; each pair gives the
ratio of the medians of a few repetitions. Pairs are repeated until the 95 % interval of the median
ratio (of order statistics) is narrower than the tolerance on either side. It then must lie within
the tolerance of 1. A machine on which it stays wider is too noisy to say, which skips the test.
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

    def intervals(self) -> dict:
        return {test: median_interval(ratios) for test, ratios in self.ratios.items()}


def compare(pairs: Pairs) -> int:
    while len(pairs.ratios["prompt"]) < pairs.options.most_pairs:
        pairs.add(ours_first=len(pairs.ratios["prompt"]) % 2 == 0)
        if all(is_narrow(interval) for interval in pairs.intervals().values()):
            break
    return verdict(pairs)


def verdict(pairs: Pairs) -> int:
    failures, unknown = 0, 0
    for test, (low, high) in pairs.intervals().items():
        ratios = pairs.ratios[test]
        agrees = 1 - TOLERANCE <= statistics.median(ratios) <= 1 + TOLERANCE
        narrow = is_narrow((low, high))
        word = "too noisy to say" if not narrow else "agrees" if agrees else "differs"
        print(f"{test}: bitgauge / llama-bench {statistics.median(ratios):.4f} "
              f"({low:.4f} to {high:.4f}, {len(ratios)} pairs): {word}", flush=True)
        failures += narrow and not agrees
        unknown += not narrow
    if failures:
        return 1
    if unknown:
        print(f"skipped: the machine is too noisy to tell {TOLERANCE:.0%} apart")
    return SKIPPED if unknown else 0


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


def is_narrow(interval: tuple) -> bool:
    return interval[1] / max(interval[0], 1e-9) < 1 + TOLERANCE


def run(command: list) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
