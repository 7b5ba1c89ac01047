#!/usr/bin/env python3
"""Wall time and peak memory of `bitgauge quantize` against llama-quantize, in pairs of runs.

    quantize_against_peer.py --program build/release/bin/bitgauge --original BF16.gguf --out FOLDER
                             [--types Q4_0 Q4_K_S ...] [--pairs 3] [--threads N] [--work FOLDER]

Every matrix becomes the file type's main type (--pure in both), with importance for every matrix,
made up. Whole processes are timed, A and B in turn so that a drifting machine hits both; the files
are compared byte for byte. bitgauge waits until its file is on the disk, llama-quantize does not: a
--work folder in memory (/dev/shm) takes the disk out of the comparison. The ratio is llama-quantize's
time over bitgauge's. The plot needs matplotlib.
"""

import argparse
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests/cli"), str(ROOT / "tests/peer")]

import imatrix_files  # noqa: E402
from against_peer import machine, run  # noqa: E402
from quantize_test import Header, difference  # noqa: E402

# File type -> how many times faster it is meant to be.
GOALS = {"Q8_0": 3, "MXFP4_MOE": 3, "Q4_0": 5, "Q4_1": None, "Q5_0": 5, "Q5_1": None, "Q2_K": 8,
         "Q3_K_S": 5, "Q4_K_S": 8, "Q5_K_S": 8, "Q6_K": 5, "IQ4_NL": 15, "IQ4_XS": 15, "IQ1_S": 3,
         "IQ1_M": 3, "IQ2_XXS": 5, "IQ2_XS": 5, "IQ2_S": 5, "IQ3_XXS": 5, "IQ3_S": 5}
MEAN_GOAL = 6
NEVER_MEASURED = ("token_embd.weight", "output.weight")  # by llama-imatrix; some types need them


class Task:
    def __init__(self, options):
        self.options = options
        options.work.mkdir(parents=True, exist_ok=True)
        self.log = options.work / "log.txt"
        self.imatrix = options.work / "imatrix.gguf"
        self.ours, self.theirs = options.work / "ours.gguf", options.work / "theirs.gguf"
        # Elsewhere: a child's peak memory counts what its parent had when it was started.
        self.elsewhere = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
        self.elsewhere.submit(write_importance, options.original, self.imatrix).result()

    def bitgauge(self, kind):
        o = self.options
        return run([o.program, "quantize", o.original, "-r", kind, "--pure", "-i", self.imatrix, "-o",
                    self.ours, "--threads", o.threads, "--quiet"], self.log)

    def peer_run(self, kind):
        o = self.options
        return run([o.peer / "llama-quantize", "--pure", "--imatrix", self.imatrix, o.original,
                    self.theirs, kind, o.threads], self.log)

    def compare(self, kind) -> dict:
        runs = []
        for _ in range(self.options.pairs):
            a, b = self.bitgauge(kind), self.peer_run(kind)
            runs.append({"bitgauge": asdict(a), "peer": asdict(b), "ratio": b.wall_s / a.wall_s})
            problem = self.elsewhere.submit(difference, self.ours, self.theirs).result()
            self.ours.unlink()
            self.theirs.unlink()
            if problem:
                sys.exit(f"{kind}: {problem}")
        ratios = [one["ratio"] for one in runs]
        print(f"{kind}: {statistics.median(ratios):.2f} ({min(ratios):.2f} … {max(ratios):.2f}), "
              f"bitgauge {runs[0]['bitgauge']['wall_s']:.2f} s, same bytes", flush=True)
        return {"type": kind, "goal": GOALS.get(kind), "runs": runs}


def write_importance(original: Path, path: Path):
    model = Header(original)
    entries = imatrix_files.entries_of(model, unseen_share=0)
    some = next(iter(entries.values()))
    for tensor in model.tensors:
        if tensor.name in NEVER_MEASURED:
            channels = tensor.shape[0]
            entries[tensor.name] = (channels, (list(some[1]) * channels)[:channels], some[2][:1])
    imatrix_files.write_gguf(path, entries)


def median(comparison, side, field) -> float:
    return statistics.median(one[side][field] for one in comparison["runs"])


def ratio_of(comparison) -> float:
    return statistics.median(one["ratio"] for one in comparison["runs"])


def summary(result) -> str:
    lines = [f"# {result['title']}", "", result["machine"], "", result["model"], "",
             "| type | bitgauge, s | llama-quantize, s | times faster (min … max) | goal | peak, MiB | its peak, MiB |",
             "|---|---|---|---|---|---|---|"]
    for c in result["comparisons"]:
        ratios = [one["ratio"] for one in c["runs"]]
        lines.append(f"| {c['type']} | {median(c, 'bitgauge', 'wall_s'):.2f} | "
                     f"{median(c, 'peer', 'wall_s'):.2f} | {ratio_of(c):.1f} "
                     f"({min(ratios):.1f} … {max(ratios):.1f}) | {c['goal'] or ''} | "
                     f"{median(c, 'bitgauge', 'peak_mib'):.0f} | {median(c, 'peer', 'peak_mib'):.0f} |")
    mean = statistics.geometric_mean(ratio_of(c) for c in result["comparisons"])
    goal = f" (goal {MEAN_GOAL})" if len(result["comparisons"]) == len(GOALS) else ""
    lines += ["", f"Geometric mean over {len(result['comparisons'])} types: {mean:.2f}{goal}. "
              "Every pair of files has the same bytes but for where it says it comes from.", ""]
    return "\n".join(lines)


def plot(result, path: Path):
    import matplotlib
    matplotlib.use("svg")
    from matplotlib import pyplot
    rows = sorted(result["comparisons"], key=ratio_of)
    figure, axes = pyplot.subplots(figsize=(7, 0.3 * len(rows) + 1.2))
    axes.barh([c["type"] for c in rows], [ratio_of(c) for c in rows], color="#4c78a8",
              label="measured")
    for i, c in enumerate(rows):
        if c["goal"]:
            axes.plot([c["goal"]] * 2, [i - 0.4, i + 0.4], color="#e45756", label="goal" if i == 0 else None)
    axes.set_xscale("log")
    ticks = [1, 2, 3, 5, 8, 15, 30]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.set_xlabel("times faster than llama-quantize (wall time, same bytes)")
    axes.legend(loc="lower right")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--original", type=Path, required=True)
    parser.add_argument("--types", nargs="+", default=list(GOALS))
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--title", default="Quantizing against llama-quantize")
    parser.add_argument("--work", type=Path, default=ROOT / "out/bench")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.peer = Path(subprocess.run([ROOT / "scripts/build_peer"], check=True, text=True,
                                       stdout=subprocess.PIPE).stdout.strip())
    task = Task(options)
    size = options.original.stat().st_size
    result = {"title": options.title, "machine": machine(options.threads),
              "model": f"Original: {options.original.name}, {size:,} bytes.",
              "comparisons": [task.compare(kind) for kind in options.types]}
    options.out.mkdir(parents=True, exist_ok=True)
    stem = options.title.replace(" ", "-").replace(",", "").lower()
    (options.out / f"{stem}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    (options.out / f"{stem}.md").write_text(summary(result), encoding="utf-8")
    plot(result, options.out / f"{stem}.svg")
    print(summary(result))


if __name__ == "__main__":
    main()
