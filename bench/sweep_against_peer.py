#!/usr/bin/env python3
"""`bitgauge sweep --full` against brute force: a file and a llama-perplexity run for each tensor.

    sweep_against_peer.py --program build/release/bin/bitgauge --out FOLDER [--original BF16.gguf]
                          [--text TEXT] [--imatrix FILE] [--windows 16] [--pairs 3] [--decoded]

For each tensor of the sweep, in the type of its first probe: llama-quantize makes a file with that
one tensor quantized, llama-perplexity --kl-divergence measures it on the same windows, second half
scored; the file is deleted. One thread for both. Prints the rank correlation of both, the
quartiles of sweep / brute force, the times and the tensors that differ most.

Brute force computes with the quantized blocks (and activations rounded to 8 bits), the sweep with
the blocks' decoded values. --decoded adds a third column: files whose one tensor was quantized and
decoded to BF16 again, as the sweep does, so that nothing but the program differs.

Afterwards --pairs times, in turn: the sweep into an empty store, and 8 tensors of brute force.
Times are wall times of whole processes, and CPU times for machines that are shared. What was
measured is kept in --work; the same call goes on where one was stopped.
"""

import argparse
import json
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "bench")]

from against_peer import MIB, Cost, machine, run, total  # noqa: E402
from kept import Kept  # noqa: E402

REFERENCE_TOKENS = 1020  # of whole mixes: few, brute force has nothing like them
TIMED_TENSORS = 8
PRINTED = 5e-7  # llama-perplexity prints six decimals


class Task:
    def __init__(self, options):
        self.options = options
        self.work = options.work
        self.work.mkdir(parents=True, exist_ok=True)
        self.log = self.work / "log.txt"
        self.base = self.work / "peer.base"
        self.kept = Kept(self.work / "results.json", {
            "original": options.original.name, "text": options.text.name,
            "imatrix": options.imatrix.name if options.imatrix else "",
            "windows": options.windows, "window": options.window})

    def scored(self) -> int:
        return self.options.windows * (self.options.window // 2 - 1)

    # The sweep.

    def sweep(self) -> dict:
        """One whole sweep into an empty store."""
        o = self.options
        store, printed = self.work / "sweep.db", self.work / "sweep.json"
        for stale in self.work.glob("sweep.db*"):
            shutil.rmtree(stale) if stale.is_dir() else stale.unlink()
        printed.unlink(missing_ok=True)
        importance = ["-i", o.imatrix] if o.imatrix else []
        cost = run([o.program, "sweep", o.original, "-t", o.text, *importance, "--full",
                    "--protocol", "llama-perplexity", "--window", o.window, "--tokens",
                    self.scored(), "--reference-tokens", REFERENCE_TOKENS, "--threads", 1,
                    "--quiet", "--json", "--store", store], printed)
        table = json.loads(printed.read_text(encoding="utf-8").split("\n", 1)[1])
        if table["corpus"]["scored_tokens"] != self.scored():
            sys.exit(f"the sweep scored {table['corpus']['scored_tokens']} positions, "
                     f"not {self.scored()}")
        return {"cost": asdict(cost), "load": os.getloadavg()[0],
                "tensors": {t["tensor"]: t["probes"] for t in table["tensors"]}}

    # Brute force.

    def quantize(self, source: Path, target: Path, tensor: str, kind: str, *arguments) -> Cost:
        """`tensor` in `kind`, all others in BF16. The first pattern that matches counts; they are
        looked at only where the file's type, here Q8_0, is a quantized one."""
        o = self.options
        importance = ["--imatrix", o.imatrix] if o.imatrix else []
        return run([o.peer / "llama-quantize", *arguments, *importance, "--tensor-type",
                    f"^{re.escape(tensor)}$={kind.lower()}", "--tensor-type", ".*=bf16", source,
                    target, "Q8_0", 1], self.log)

    def perplexity(self, model: Path, *arguments) -> tuple[Cost, float]:
        """Time and, where there is one, the mean divergence."""
        o, printed = self.options, self.work / "perplexity.txt"
        printed.unlink(missing_ok=True)
        cost = run([o.peer / "llama-perplexity", "-m", model, "-f", o.text, "-c", o.window,
                    "--chunks", o.windows, "-t", 1, "--kl-divergence-base", self.base, *arguments],
                   printed)
        found = re.search(r"Mean\s+KLD:\s+(\S+)", printed.read_text(encoding="utf-8"))
        return cost, float(found[1]) if found else math.nan

    def brute_base(self) -> dict:
        self.base.unlink(missing_ok=True)
        return {"cost": asdict(self.perplexity(self.options.original)[0]),
                "base_bytes": self.base.stat().st_size}

    def brute(self, tensor: str, kind: str) -> dict:
        model = self.work / "one.gguf"
        making = self.quantize(self.options.original, model, tensor, kind)
        size = model.stat().st_size
        measuring, kld = self.perplexity(model, "--kl-divergence")
        model.unlink()
        return {"type": kind, "kld_nats": kld, "cost": asdict(total([making, measuring])),
                "bytes_written": size, "load": os.getloadavg()[0]}

    def decoded(self, tensor: str, kind: str) -> dict:
        blocks, model = self.work / "one.gguf", self.work / "one-decoded.gguf"
        self.quantize(self.options.original, blocks, tensor, kind)
        self.quantize(blocks, model, tensor, "bf16", "--allow-requantize")
        _, kld = self.perplexity(model, "--kl-divergence")
        blocks.unlink()
        model.unlink()
        return {"type": kind, "kld_nats": kld}

    # All of it.

    def measure_all(self):
        sweep = self.kept.once("sweep", "full", self.sweep)
        self.kept.once("base", "brute", self.brute_base)
        self.kept.once("base", "floor", lambda: {
            "kld_nats": self.perplexity(self.options.original, "--kl-divergence")[1]})
        for name, probes in sweep["tensors"].items():
            row = self.kept.once("brute", name, lambda: self.brute(name, probes[0]["type"]))
            print(f"{name} {row['type']}: {row['kld_nats']:.6f} "
                  f"(sweep {probes[0]['kld_nats']['value']:.6f})", flush=True)
            if self.options.decoded:
                self.kept.once("decoded", name, lambda: self.decoded(name, probes[0]["type"]))

    def time_in_turn(self):
        probes = self.kept.data["sweep"]["full"]["tensors"]
        names = list(probes)
        some = names[:: max(1, len(names) // TIMED_TENSORS)][:TIMED_TENSORS]
        for i in range(self.options.pairs):
            self.kept.once("pairs", str(i), lambda: {
                "load": os.getloadavg()[0],
                "sweep": self.sweep()["cost"],
                "brute": [self.brute(name, probes[name][0]["type"])["cost"] for name in some]})


# Statistics.


def ranks(values) -> list:
    """From 1; equal values share the mean of theirs."""
    order = sorted(range(len(values)), key=values.__getitem__)
    found = [0.0] * len(values)
    first = 0
    while first < len(order):
        last = first
        while last + 1 < len(order) and values[order[last + 1]] == values[order[first]]:
            last += 1
        for i in order[first:last + 1]:
            found[i] = (first + last) / 2 + 1
        first = last + 1
    return found


def rank_correlation(a, b) -> float:
    return statistics.correlation(ranks(a), ranks(b))


def comparison(ours, theirs) -> str:
    """One row of the table: ours / theirs, tensor by tensor."""
    ratios = sorted(a / b for a, b in zip(ours, theirs) if b > 0)
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return (f"{rank_correlation(ours, theirs):.4f} | {middle:.3f} | {low:.3f} … {high:.3f} | "
            f"{ratios[0]:.3f} … {ratios[-1]:.3f} | {len(ratios)}")


# The page.


def accuracy(data) -> list:
    sweep = {name: probes[0]["kld_nats"]["value"] for name, probes in data["sweep"]["full"]["tensors"].items()}
    brute = {name: row["kld_nats"] for name, row in data["brute"].items()}
    decoded = {name: row["kld_nats"] for name, row in data.get("decoded", {}).items()}
    pairs = [("sweep / brute force", sweep, brute)]
    if len(decoded) > 2:
        pairs += [("sweep / brute force with decoded values", sweep, decoded),
                  ("brute force with decoded values / brute force", decoded, brute)]
    lines = ["| mean KLD of each tensor | rank correlation | median ratio | quartiles | extremes | tensors |",
             "|---|---:|---:|---|---|---:|"]
    for title, a, b in pairs:
        both = [n for n in a if n in b]
        lines.append(f"| {title} | {comparison([a[n] for n in both], [b[n] for n in both])} |")
    small = sum(value < 100 * PRINTED for value in brute.values())
    lines += ["", f"Brute force of the original itself: {data['base']['floor']['kld_nats']:.6f} nats. "
              f"llama-perplexity prints six decimals: {small} tensors are below {100 * PRINTED:.5f} nats, "
              "where that alone is more than 1 %.", ""]
    return lines + differing(data, sweep, brute, decoded)


def differing(data, sweep, brute, decoded) -> list:
    distance = {n: abs(math.log(sweep[n] / brute[n])) for n in sweep if brute[n] > 0 and sweep[n] > 0}
    lines = ["The ten that differ most:", "",
             "| tensor | type | sweep, nats | brute force | decoded values | sweep / brute force |",
             "|---|---|---:|---:|---:|---:|"]
    for name in sorted(distance, key=distance.__getitem__, reverse=True)[:10]:
        lines.append(f"| {name} | {data['brute'][name]['type']} | {sweep[name]:.6f} | {brute[name]:.6f} | "
                     f"{f'{decoded[name]:.6f}' if name in decoded else ''} | {sweep[name] / brute[name]:.3f} |")
    return lines + [""]


def timing_row(title, load, sweep, brute, base, n) -> str:
    """`brute`: costs of some tensors, scaled to all `n`, and of the base file."""
    cells = [title, f"{load:.1f}"]
    for field in ("wall_s", "cpu_s"):
        theirs = base[field] + n * statistics.mean(cost[field] for cost in brute)
        cells += [f"{sweep[field]:.1f}", f"{theirs:.1f}", f"{theirs / sweep[field]:.2f}"]
    return f"| {' | '.join(cells)} |"


def times(data) -> list:
    sweep, brute, base = data["sweep"]["full"], data["brute"], data["base"]["brute"]
    n = len(brute)
    probes = sum(len(p) for p in sweep["tensors"].values())
    lines = ["| run | load | sweep, s | brute force, s | ratio | sweep, CPU s | brute force, CPU s | ratio |",
             "|---|---:|---:|---:|---:|---:|---:|---:|",
             timing_row("all tensors", statistics.mean(row["load"] for row in brute.values()),
                        sweep["cost"], [row["cost"] for row in brute.values()], base["cost"], n),
             timing_row("all probes of the sweep, brute force scaled", statistics.mean(row["load"] for row in brute.values()),
                        sweep["cost"], [row["cost"] for row in brute.values()], base["cost"], probes)]
    for i, pair in data.get("pairs", {}).items():
        lines.append(timing_row(f"in turn, {int(i) + 1} ({len(pair['brute'])} tensors × {n / len(pair['brute']):.2f})",
                                pair["load"], pair["sweep"], pair["brute"], base["cost"], n))
    written = sum(row["bytes_written"] for row in brute.values())
    return lines + ["", f"Load is the machine's average over a minute before. The sweep did {probes} probes of {n} tensors, "
                    f"the error of every type for each, and whole mixes ({REFERENCE_TOKENS} positions): all of "
                    f"that is in its time; brute force did one type of each. Brute force wrote {written / MIB:,.0f} MiB of "
                    f"models and {base['base_bytes'] / MIB:.0f} MiB of logits, the sweep no model. "
                    f"Peak memory: {sweep['cost']['peak_mib']:.0f} MiB, brute force "
                    f"{max(row['cost']['peak_mib'] for row in brute.values()):.0f}.", ""]


def summary(options, data) -> str:
    setting = data["setting"]
    scored = setting["windows"] * (setting["window"] // 2 - 1)
    lines = ["# Sweep against brute force", "", machine(1).replace("threads", "thread") + (f" {options.note}" if options.note else ""), "",
             f"{setting['original']}, {setting['text']}, {setting['windows']} windows of {setting['window']}, "
             f"{scored:,} positions, importance: {setting['imatrix'] or 'none'}. Brute force computes with "
             "quantized blocks and activations of 8 bits, the sweep with decoded values.", ""]
    return "\n".join(lines + accuracy(data) + times(data))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--original", type=Path, default=ROOT / "data/tinymoe/tinymoe-BF16.gguf")
    parser.add_argument("--text", type=Path, default=ROOT / "data/text/wiki.test.excerpt.raw")
    parser.add_argument("--imatrix", type=Path)
    parser.add_argument("--windows", type=int, default=16)
    parser.add_argument("--window", type=int, default=512)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--decoded", action="store_true")
    parser.add_argument("--note", default="", help="about the machine, for the page")
    parser.add_argument("--work", type=Path, default=ROOT / "out/bench/sweep")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.peer = Path(subprocess.run([ROOT / "scripts/build_peer"], check=True, text=True,
                                       stdout=subprocess.PIPE).stdout.strip())
    task = Task(options)
    task.measure_all()
    task.time_in_turn()
    options.out.mkdir(parents=True, exist_ok=True)
    page = summary(options, task.kept.data)
    (options.out / "sweep-against-peer.md").write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
