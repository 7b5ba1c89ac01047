#!/usr/bin/env python3
"""Error feedback against rounding to the nearest: the same types, importance text and bytes.

    feedback.py --program build/release/bin/bitgauge --original BF16.gguf --text TEXT
                --held-out NAME=TEXT [--held-out NAME=TEXT] --work FOLDER --out FOLDER
                [--types Q2_K,Q4_0,...] [--mixtures IQ2_S,...] [--window N] [--tokens N]
                [--verify-windows N]

--text gives the importance of both and the second moments of the feedback. Every type becomes two
files (--pure), and every mixture; both are measured against the original's baseline on each held-out
text. Ratios are feedback / nearest of the mean divergence, with a 95 % interval from resampling
documents. What was measured is kept in --work: the same call goes on where one was stopped.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "bench")]

from against_peer import machine  # noqa: E402
from fidelity import HeldOut, paired_ratio  # noqa: E402
from kept import Kept  # noqa: E402
from program import Program, content_hash  # noqa: E402

TYPES = "Q2_K,Q3_K_S,Q4_K_S,Q5_K_S,Q4_0,IQ4_XS,IQ3_S"
LEARNT = ("Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q4_0", "IQ4_XS")  # of the summary: K, legacy and IQ4


class Bench:
    def __init__(self, options):
        self.options = options
        options.work.mkdir(parents=True, exist_ok=True)
        self.program = Program(options.program, options.work / "log.txt", options.threads)
        self.held_out = [HeldOut(argument) for argument in options.held_out]
        self.imatrix = options.work / "importance.gguf"
        self.kept = Kept(options.work / "results.json", {
            "original": options.original.name, "bytes": options.original.stat().st_size,
            "text": content_hash(options.text), "window": options.window,
            "windows": options.verify_windows})

    def prepare(self):
        if not self.imatrix.exists():
            self.program.say("imatrix", self.options.original, "-t", self.options.text, "--window",
                             self.options.window, "-o", self.imatrix, "--quiet", *self.program.threads)
        for text in self.held_out:
            self.program.say("baseline", self.options.original, "-t", text.text, "--window",
                             self.options.window, "--max-windows", self.options.verify_windows,
                             "-o", self.baseline(text), "--quiet", *self.program.threads)

    def baseline(self, text: HeldOut) -> Path:
        return self.options.work / "baselines" / text.key

    def file(self, recipe: str, pure: bool, rounding: str) -> dict:
        path = self.options.work / f"{recipe}-{rounding}.gguf"
        extra = ["--pure"] if pure else []
        if rounding == "feedback":
            extra += ["--rounding", "feedback", "-t", self.options.text, "--window", self.options.window,
                      "--tokens", self.options.tokens]
        begun = time.monotonic()
        made = self.program.json("quantize", self.options.original, "-r", recipe, "-i", self.imatrix,
                                 "-o", path, *extra, "--quiet", *self.program.threads)
        row = {"seconds": time.monotonic() - begun, "bytes": made["bytes"],
               "rounding": made.get("rounding"), "measured": {}}
        for text in self.held_out:
            row["measured"][text.name] = self.measure(path, text)
        path.unlink()
        return row

    def measure(self, file: Path, text: HeldOut) -> dict:
        record, = self.program.json("measure", file, "-b", self.baseline(text), "--store",
                                    self.options.work / "records.db", "--quiet", *self.program.threads)
        return {"kld_nats": record["kld_nats"]["mean"]["value"],
                "positions": record["scored_positions"], "sums": record["clusters"]["kld_sum_nats"]}

    def pair(self, recipe: str, pure: bool) -> dict:
        row = {}
        for rounding in ("nearest", "feedback"):
            row[rounding] = self.kept.once(rounding, recipe, lambda: self.file(recipe, pure, rounding))
        said = ", ".join(f"{text.name} {self.ratio(row, text)['value']:.3f}" for text in self.held_out)
        print(f"{recipe}: {said}", flush=True)
        return row

    @staticmethod
    def ratio(row: dict, text: HeldOut) -> dict:
        return paired_ratio(row["feedback"]["measured"][text.name], row["nearest"]["measured"][text.name])


def table(bench: Bench, rows: dict, text: HeldOut) -> list:
    lines = [f"## {text.name}", "", "| type | bytes | nearest, nats | feedback, nats | "
             "ratio | 95 % | seconds |", "|---|---:|---:|---:|---:|---|---:|"]
    ratios = {}
    for name, row in rows.items():
        found = ratios[name] = bench.ratio(row, text)
        lines.append(f"| {name} | {row['feedback']['bytes']:,} | "
                     f"{row['nearest']['measured'][text.name]['kld_nats']:.5f} | "
                     f"{row['feedback']['measured'][text.name]['kld_nats']:.5f} | {found['value']:.3f} | "
                     f"{found['low']:.3f} … {found['high']:.3f} | {row['feedback']['seconds']:.0f} |")
    learnt = [r["value"] for name, r in ratios.items() if name.removesuffix("_S") in LEARNT]
    if learnt:
        lines += ["", f"**Geometric mean of K types, Q4_0 and IQ4_XS {statistics.geometric_mean(learnt):.3f}**; "
                  f"largest upper bound of all {max(r['high'] for r in ratios.values()):.3f}."]
    return lines + [""]


def page(bench: Bench, rows: dict) -> str:
    options = bench.options
    tokens = next(iter(rows.values()))["feedback"]["rounding"]["tokens"]
    lines = [f"# Error feedback against rounding to the nearest: {options.original.name}", "",
             machine(options.threads).replace(" for both programs", "").replace("1 threads", "1 thread"), "",
             f"Importance and second moments from {tokens:,} tokens of text that is none of the below. Types are pure, "
             "mixtures as llama-quantize makes them; a token embedding is rounded to the nearest in both files.", ""]
    for text in bench.held_out:
        lines += table(bench, rows, text)
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--original", type=Path, required=True)
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--held-out", action="append", required=True, metavar="NAME=TEXT")
    parser.add_argument("--types", default=TYPES)
    parser.add_argument("--mixtures", default="IQ2_S,Q3_K_M,Q4_K_M")
    parser.add_argument("--window", type=int, default=512)
    parser.add_argument("--tokens", type=int, default=0, help="of --text for feedback; 0: all")
    parser.add_argument("--verify-windows", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    bench = Bench(options)
    bench.prepare()
    rows = {name: bench.pair(name, True) for name in options.types.split(",") if name}
    rows |= {name: bench.pair(name, False) for name in options.mixtures.split(",") if name}
    options.out.mkdir(parents=True, exist_ok=True)
    stem = f"feedback-{options.original.stem.lower()}"
    (options.out / f"{stem}.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    (options.out / f"{stem}.md").write_text(page(bench, rows), encoding="utf-8")
    print(page(bench, rows))


if __name__ == "__main__":
    main()
