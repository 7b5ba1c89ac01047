#!/usr/bin/env python3
"""Wall time and peak memory of bitgauge's main job against llama-perplexity, in pairs of runs.

    against_peer.py --program build/release/bin/bitgauge --original BF16.gguf --text TEXT
                    --windows N --types Q6_K Q5_K_M ... --out FOLDER [--window 512] [--pairs 3]

The files of the types are made by llama-quantize. Three comparisons, each over the same windows of
the same text with the same threads, A and B in turn so that a drifting machine hits both:
  baseline   bitgauge baseline            against  llama-perplexity --kl-divergence-base (writing)
  one file   bitgauge measure FILE        against  llama-perplexity --kl-divergence on it
  all files  bitgauge measure FILES       against  the sum of llama-perplexity's runs on each
Ratios are of pairs (median quoted); the peer's folder comes from scripts/build_peer. Whole processes
are timed; memory is the largest single process's resident set, mapped model included.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MIB = 1 << 20


@dataclass
class Cost:
    wall_s: float
    cpu_s: float
    peak_mib: float


def run(command, log) -> Cost:
    """Times a whole process with its descendants; what it prints goes to `log`."""
    begin = time.monotonic()
    with log.open("a", encoding="utf-8") as out:
        out.write("$ " + " ".join(map(str, command)) + "\n")
        out.flush()
        child = subprocess.Popen([str(word) for word in command], stdout=out, stderr=out,
                                 stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"status {child.returncode}: {' '.join(map(str, command))}; see {log}")
    return Cost(time.monotonic() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def total(costs) -> Cost:
    return Cost(sum(c.wall_s for c in costs), sum(c.cpu_s for c in costs),
                max(c.peak_mib for c in costs))


class Task:
    def __init__(self, options):
        self.options = options
        self.work = options.work
        self.work.mkdir(parents=True, exist_ok=True)
        self.log = self.work / "log.txt"
        self.base = self.work / "peer.base"
        self.folder = self.work / "baseline"
        self.files = [self.make(kind) for kind in options.types]

    def make(self, kind) -> Path:
        path = self.work / f"{self.options.original.stem}-{kind}.gguf"
        if not path.exists():
            run([self.options.peer / "llama-quantize", self.options.original, path, kind], self.log)
        return path

    def perplexity(self, model, *arguments):
        o = self.options
        return run([o.peer / "llama-perplexity", "-m", model, "-f", o.text, "-c", o.window,
                    "--chunks", o.windows, "-t", o.threads, "--kl-divergence-base", self.base,
                    *arguments], self.log)

    def bitgauge(self, *arguments):
        o = self.options
        return run([o.program, *arguments, "--threads", o.threads], self.log)

    def own_baseline(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        o = self.options
        return self.bitgauge("baseline", o.original, "-t", o.text, "--protocol", "llama-perplexity",
                             "--window", o.window, "--max-windows", o.windows, "-o", self.folder)

    def peer_baseline(self):
        self.base.unlink(missing_ok=True)
        return self.perplexity(self.options.original)

    def own_measure(self, files):
        return self.bitgauge("measure", *files, "-b", self.folder, "--again", "--store",
                             self.work / "records.db")

    def peer_measure(self, files):
        return total([self.perplexity(f, "--kl-divergence") for f in files])

    def comparisons(self):
        yield "baseline", self.own_baseline, self.peer_baseline, self.options.original
        one, all_files = self.files[:1], self.files
        yield "one file", lambda: self.own_measure(one), lambda: self.peer_measure(one), one[0]
        if len(all_files) > 1:
            yield (f"{len(all_files)} files", lambda: self.own_measure(all_files),
                   lambda: self.peer_measure(all_files), max(all_files, key=lambda f: f.stat().st_size))

    def sizes(self):
        """Bytes of the head, of the rest of the baseline, and of the peer's base file."""
        head = sum(f.stat().st_size for f in self.folder.glob("head*.gguf"))
        every = sum(f.stat().st_size for f in self.folder.rglob("*") if f.is_file())
        return {"head_bytes": head, "states_bytes": every - head,
                "peer_bytes": self.base.stat().st_size}


def compare(name, ours, peers, largest, pairs):
    runs = []
    for i in range(pairs):
        a, b = ours(), peers()
        runs.append({"bitgauge": asdict(a), "peer": asdict(b), "ratio": a.wall_s / b.wall_s})
        print(f"{name} {i + 1}/{pairs}: bitgauge {a.wall_s:.1f} s, peer {b.wall_s:.1f} s, "
              f"ratio {a.wall_s / b.wall_s:.3f}; peak {a.peak_mib:.0f} and {b.peak_mib:.0f} MiB",
              flush=True)
    return {"comparison": name, "model_mib": largest.stat().st_size / MIB, "runs": runs}


def summary(result) -> str:
    lines = [f"# {result['title']}", "", result["machine"], "",
             "| comparison | bitgauge, s | peer, s | ratio (min … max) | peak, MiB | model + 20 % + 500 MiB |",
             "|---|---|---|---|---|---|"]
    for c in result["comparisons"]:
        ratios = [r["ratio"] for r in c["runs"]]
        median = lambda side, field: statistics.median(r[side][field] for r in c["runs"])
        lines.append(f"| {c['comparison']} | {median('bitgauge', 'wall_s'):.1f} | "
                     f"{median('peer', 'wall_s'):.1f} | {statistics.median(ratios):.3f} "
                     f"({min(ratios):.3f} … {max(ratios):.3f}) | {median('bitgauge', 'peak_mib'):.0f} | "
                     f"{1.2 * c['model_mib'] + 500:.0f} |")
    s = result["sizes"]
    now = s["peer_bytes"] / (s["states_bytes"] + s["head_bytes"])
    scale = result["amortised_windows"] / result["windows"]
    later = s["peer_bytes"] * scale / (s["states_bytes"] * scale + s["head_bytes"])
    lines += ["", f"Baseline: {s['states_bytes'] / MIB:.1f} MiB of states for {result['windows']} windows and "
              f"{s['head_bytes'] / MIB:.1f} MiB of head; the peer's base file has {s['peer_bytes'] / MIB:.1f} MiB. "
              f"{now:.1f} times smaller here, {later:.1f} times over {result['amortised_windows']} windows "
              "(the head is stored once).", ""]
    return "\n".join(lines)


def machine(threads) -> str:
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
                  if line.startswith("model name")), "unknown CPU")
    return f"{model}, {os.cpu_count()} cores, {threads} threads for both programs."


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--original", type=Path, required=True)
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--types", nargs="+", required=True)
    parser.add_argument("--windows", type=int, required=True)
    parser.add_argument("--window", type=int, default=512)
    parser.add_argument("--amortised-windows", type=int, default=580,
                        help="over which the stored head is shared out (WikiText-2 test has 580)")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--title", default="bitgauge against llama-perplexity")
    parser.add_argument("--work", type=Path, default=ROOT / "out/bench")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.peer = Path(subprocess.run([ROOT / "scripts/build_peer"], check=True, text=True,
                                       stdout=subprocess.PIPE).stdout.strip())
    task = Task(options)
    result = {"title": options.title, "machine": machine(options.threads), "windows": options.windows,
              "amortised_windows": options.amortised_windows, "types": options.types,
              "comparisons": [compare(*c, options.pairs) for c in task.comparisons()],
              "sizes": task.sizes()}
    options.out.mkdir(parents=True, exist_ok=True)
    stem = options.title.replace(" ", "-").replace(",", "").lower()
    (options.out / f"{stem}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    (options.out / f"{stem}.md").write_text(summary(result), encoding="utf-8")
    print(summary(result))


if __name__ == "__main__":
    main()
