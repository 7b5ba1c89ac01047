#!/usr/bin/env python3
"""`bitgauge sweep --full` against brute force: a file and a llama-perplexity run for each tensor.

    sweep_against_peer.py --program build/release/bin/bitgauge --out FOLDER [--original BF16.gguf]
                          [--text TEXT] [--imatrix FILE] [--windows 32] [--tokens 2048 4096 8192]
                          [--reference-tokens 8192] [--protocol documents] [--pairs 3] [--decoded]

The text is cut to the lines that fill the windows of brute force. For each tensor of the sweep, in
the type of its first probe: llama-quantize makes a file with that one tensor quantized,
llama-perplexity --kl-divergence measures it on all of that text, second half of each window scored;
the file is deleted. The sweep disturbs its tensors on --tokens positions of the text and measures
whole mixes on --reference-tokens of it; its divergences times the ratio of the mixes on both (two
phases) are compared with brute force's. Of several --tokens the first is the one compared in full.
One thread for both. Prints the rank correlation of both, the quartiles of sweep / brute force, the
times and the tensors that differ most.

Brute force computes with the quantized blocks (and activations rounded to 8 bits), the sweep with
the blocks' decoded values. --decoded adds a third column: files whose one tensor was quantized and
decoded to BF16 again, as the sweep does, so that nothing but the program and the text differs.

Afterwards --pairs times, in turn: the sweep into an empty store, and 8 tensors of brute force.
Times are wall times of whole processes, and CPU times for machines that are shared. What was
measured is kept in --work; the same call goes on where one was stopped.
"""

import argparse
import math
import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "bench")]

from against_peer import MIB, machine  # noqa: E402
from brute_force import (BruteForce, Kept, Setting, SweepCall, built_peer, cut_text,  # noqa: E402
                         files_line, sweep)

TIMED_TENSORS = 8
PRINTED = 5e-7  # llama-perplexity prints six decimals


class Task:
    def __init__(self, options):
        self.options = options
        options.work.mkdir(parents=True, exist_ok=True)
        self.setting = Setting(options.original, options.text, options.imatrix, options.windows,
                               options.window, options.peer, options.work)
        self.kept = Kept(options.work / "results.json", {
            "original": options.original.name, "text": options.text.name,
            "imatrix": options.imatrix.name if options.imatrix else "",
            "windows": options.windows, "window": options.window})
        self.setting.text = cut_text(self.setting, options.text)
        self.brute = BruteForce(self.setting)
        self.calls = [SweepCall(options.program, tokens, options.reference_tokens, options.protocol)
                      for tokens in options.tokens]

    def sweep_once(self, call: SweepCall) -> dict:
        return self.kept.once("sweep", call.name(), lambda: sweep(self.setting, call))

    def measure_all(self):
        found = self.sweep_once(self.calls[0])
        self.kept.once("base", "brute", self.brute.base)
        self.kept.once("base", "floor", self.brute.floor)
        for name, probes in found["tensors"].items():
            kind, nats = probes[0]["type"], probes[0]["kld_nats"]["value"] * found["ratio"]
            row = self.kept.once("brute", name, lambda: self.brute.one(name, kind))
            print(f"{name} {kind}: {row['kld_nats']:.6f} (sweep {nats:.6f})", flush=True)
            if self.options.decoded:
                self.kept.once("decoded", name, lambda: self.brute.decoded(name, kind))
        for call in self.calls[1:]:
            self.sweep_once(call)

    def time_in_turn(self):
        probes = self.sweep_once(self.calls[0])["tensors"]
        names = list(probes)
        some = names[:: max(1, len(names) // TIMED_TENSORS)][:TIMED_TENSORS]
        for i in range(self.options.pairs):
            self.kept.once("pairs", str(i), lambda: {
                "load": os.getloadavg()[0],
                "sweep": sweep(self.setting, self.calls[0])["cost"],
                "brute": [self.brute.one(name, probes[name][0]["type"])["cost"] for name in some]})


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
            f"{ratios[0]:.3f} … {ratios[-1]:.3f}")


# The page.


def swept(run: dict) -> dict:
    """The nats of each tensor's first probe, on the text of the whole mixes."""
    return {name: probes[0]["kld_nats"]["value"] * run["ratio"] for name, probes in run["tensors"].items()}


def brute_cpu(data) -> float:
    """Of all tensors and of the original's logits."""
    return data["base"]["brute"]["cost"]["cpu_s"] + sum(row["cost"]["cpu_s"] for row in data["brute"].values())


def of_both(a: dict, b: dict) -> str:
    both = [n for n in a if n in b]
    return f"{comparison([a[n] for n in both], [b[n] for n in both])} | {len(both)}"


def accuracy(data, run) -> list:
    ours = swept(run)
    brute = {name: row["kld_nats"] for name, row in data["brute"].items()}
    decoded = {name: row["kld_nats"] for name, row in data.get("decoded", {}).items()}
    pairs = [("sweep / brute force", ours, brute)]
    if len(decoded) > 2:
        pairs += [("sweep / brute force with decoded values", ours, decoded),
                  ("brute force with decoded values / brute force", decoded, brute)]
    lines = ["| mean KLD of each tensor | rank correlation | median ratio | quartiles | extremes | tensors |",
             "|---|---:|---:|---|---|---:|"]
    lines += [f"| {title} | {of_both(a, b)} |" for title, a, b in pairs]
    small = sum(value < 100 * PRINTED for value in brute.values())
    lines += ["", f"Brute force of the original itself: {data['base']['floor']['kld_nats']:.6f} nats. "
              f"llama-perplexity prints six decimals: {small} tensors are below {100 * PRINTED:.5f} nats, "
              "where that alone is more than 1 %.", ""]
    return lines + differing(data, ours, brute, decoded)


def differing(data, ours, brute, decoded) -> list:
    distance = {n: abs(math.log(ours[n] / brute[n])) for n in ours if brute[n] > 0 and ours[n] > 0}
    lines = ["The ten that differ most:", "",
             "| tensor | type | sweep, nats | brute force | decoded values | sweep / brute force |",
             "|---|---|---:|---:|---:|---:|"]
    for name in sorted(distance, key=distance.__getitem__, reverse=True)[:10]:
        lines.append(f"| {name} | {data['brute'][name]['type']} | {ours[name]:.6f} | {brute[name]:.6f} | "
                     f"{f'{decoded[name]:.6f}' if name in decoded else ''} | {ours[name] / brute[name]:.3f} |")
    return lines + [""]


def of_tokens(data, calls) -> list:
    """One row for each number of tokens."""
    brute = {name: row["kld_nats"] for name, row in data["brute"].items()}
    lines = ["| probes on, positions | mixes on | ratio of both texts | rank correlation | median ratio | quartiles | "
             "extremes | sweep, CPU s | brute force, CPU s | ratio |",
             "|---:|---:|---:|---:|---:|---|---|---:|---:|---:|"]
    for call in calls:
        run, ours = data["sweep"][call.name()], swept(data["sweep"][call.name()])
        cpu = run["cost"]["cpu_s"]
        lines.append(f"| {run['scored']:,} | {call.reference_tokens:,} | {run['ratio']:.3f} | "
                     f"{comparison([ours[n] for n in brute], list(brute.values()))} | {cpu:.1f} | "
                     f"{brute_cpu(data):.1f} | {brute_cpu(data) / cpu:.2f} |")
    return lines + [""]


def timing_row(fields, title, load, ours, brute, base, n) -> str:
    """`brute`: costs of some tensors, scaled to all `n`, and of the base file."""
    cells = [title, f"{load:.1f}"]
    for field in fields:
        theirs = base[field] + n * statistics.mean(cost[field] for cost in brute)
        cells += [f"{ours[field]:.1f}", f"{theirs:.1f}", f"{theirs / ours[field]:.2f}"]
    return f"| {' | '.join(cells)} |"


def times(data, run, fields) -> list:
    """`fields`: which times of Cost."""
    brute, base = data["brute"], data["base"]["brute"]["cost"]
    costs, n = [row["cost"] for row in brute.values()], len(brute)
    heads = {"wall_s": "s", "cpu_s": "CPU s"}
    columns = "".join(f" sweep, {heads[f]} | brute force, {heads[f]} | ratio |" for f in fields)
    lines = ["| run | load |" + columns, "|---|---:|" + "---:|---:|---:|" * len(fields),
             timing_row(fields, "all tensors", statistics.mean(row["load"] for row in brute.values()),
                        run["cost"], costs, base, n)]
    for i, pair in data.get("pairs", {}).items():
        some = len(pair["brute"])
        lines.append(timing_row(fields, f"in turn, {int(i) + 1} ({some} tensors × {n / some:.2f})",
                                pair["load"], pair["sweep"], pair["brute"], base, n))
    return lines + ["", *volume(data, run), ""]


def volume(data, run) -> list:
    """What was done and written for those times."""
    brute, base = data["brute"], data["base"]["brute"]
    probes = sum(len(p) for p in run["tensors"].values())
    written = sum(row["bytes_written"] for row in brute.values())
    return [f"Load is the machine's average over a minute before. The sweep did {probes} probes of "
            f"{len(run['tensors'])} tensors, the errors of every type for each, and whole mixes: all of that is in "
            f"its time; brute force did one type of each. Brute force wrote {written / MIB:,.0f} MiB of models and "
            f"{base['base_bytes'] / MIB:.0f} MiB of logits. {files_line(run)} Peak memory: "
            f"{run['cost']['peak_mib']:.0f} MiB, brute force "
            f"{max(row['cost']['peak_mib'] for row in brute.values()):.0f}."]


def summary(options, data, calls) -> str:
    setting, run = data["setting"], data["sweep"][calls[0].name()]
    scored = setting["windows"] * (setting["window"] // 2 - 1)
    lines = ["# Sweep against brute force", "", machine(1).replace("threads", "thread") + (f" {options.note}" if options.note else ""), "",
             f"{setting['original']}, {setting['text']}, importance: {setting['imatrix'] or 'none'}. Brute force: the "
             f"first {setting['windows']} windows of {setting['window']}, {scored:,} positions, quantized blocks and "
             f"activations of 8 bits. Sweep, as {calls[0].protocol} of the same text: {run['scored']:,} positions for each "
             f"tensor, {calls[0].reference_tokens:,} for whole mixes, decoded values. Its divergences are multiplied by "
             f"what the mixes have on the longer text beside the shorter one, {run['ratio']:.3f}.", ""]
    lines += accuracy(data, run)
    if len(calls) > 1:
        lines += of_tokens(data, calls)
    fields = ("cpu_s",) if options.cpu_only else ("wall_s", "cpu_s")
    return "\n".join(lines + times(data, run, fields))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--original", type=Path, default=ROOT / "data/tinymoe/tinymoe-BF16.gguf")
    parser.add_argument("--text", type=Path, default=ROOT / "data/text/wiki.test.excerpt.raw")
    parser.add_argument("--imatrix", type=Path)
    parser.add_argument("--windows", type=int, default=32, help="of brute force")
    parser.add_argument("--window", type=int, default=512)
    parser.add_argument("--tokens", type=int, nargs="+", default=[2048], help="of the sweep, scored for each tensor")
    parser.add_argument("--reference-tokens", type=int, default=8192, help="of the sweep, scored for whole mixes")
    parser.add_argument("--protocol", choices=("documents", "llama-perplexity"), default="documents", help="of the sweep")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--decoded", action="store_true")
    parser.add_argument("--cpu-only", action="store_true", help="no wall times: the machine is shared")
    parser.add_argument("--note", default="", help="about the machine, for the page")
    parser.add_argument("--peer", type=Path, help="folder of llama.cpp's tools [that of scripts/build_peer]")
    parser.add_argument("--work", type=Path, default=ROOT / "out/bench/sweep")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.peer = options.peer or built_peer(ROOT)
    task = Task(options)
    task.measure_all()
    task.time_in_turn()
    options.out.mkdir(parents=True, exist_ok=True)
    page = summary(options, task.kept.data, task.calls)
    (options.out / "sweep-against-peer.md").write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
