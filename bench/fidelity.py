#!/usr/bin/env python3
"""Planned files against all presets of at most their size, same importance, on texts nobody has used.

    fidelity.py --program build/release/bin/bitgauge --original BF16.gguf --imatrix FILE
                --sweep-text TEXT --held-out NAME=TEXT [--held-out NAME=TEXT] --work FOLDER
                --out FOLDER [--sizes-of Q2_K,IQ3_XXS,...] [--verify-windows N] [--dynamic TEXTS]

The original is swept (all tensors), every preset of the program becomes a file, and for the size of
each of --sizes-of a plan becomes a file: at most that size, and to the byte the size it was planned
for. All are measured against the original's baseline on every held-out text. The first of these
should be of the sweep's domain: it is where the plan's promise is held to what was measured.

Ratios are planned / preset with the least divergence of all that are no larger, with a 95 % interval
from resampling documents. A second table has every preset beside the plan of its size: predicted,
and measured where preset and prediction are near each other.

With --dynamic the files are those of one `bitgauge dynamic -t TEXTS`, which rounds with error feedback,
held out from it is the first text; --sweep-text is not read then, and the second table is left out.

What was measured is kept in --work: the same call goes on where one was stopped, and with another
program only what it plans differently is made again. Presets are made and measured once.
"""

import argparse
import hashlib
import json
import math
import random
import sys
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "bench")]

from against_peer import machine  # noqa: E402
from kept import Kept  # noqa: E402
from program import Program, Refused, add_sweep_options, content_hash  # noqa: E402

SIZES = "Q2_K,IQ3_XXS,Q3_K_M,IQ4_XS,Q4_K_M,Q5_K_M"
PROMISE_MARGIN = 0.15
NEAR_PREDICTED = 1.1  # presets predicted within so much of the plan of their size are checked
NEAR_MEASURED = 1.3   # or measured so near to what the plan promises
RESAMPLES = 4000


# What is made and measured.


class HeldOut:
    def __init__(self, argument: str):
        self.name, _, text = argument.partition("=")
        self.text = Path(text)
        self.key = f"{self.name}-{content_hash(self.text)[:8]}"


class Bench:
    def __init__(self, options):
        self.options = options
        options.work.mkdir(parents=True, exist_ok=True)
        self.program = Program(options.program, options.work / "log.txt", options.threads)
        self.sweep = options.work / "sweep.db"
        self.held_out = [HeldOut(argument) for argument in options.held_out]
        setting = {"original": options.original.name, "bytes": options.original.stat().st_size,
                   "imatrix": content_hash(options.imatrix), "window": options.window,
                   "windows": options.verify_windows}
        self.presets = Kept(options.work / "presets.json", setting)
        self.plans = Kept(options.work / "plans.json", setting)

    def prepare(self):
        if not self.options.dynamic:
            self.program.sweep(self.options, self.sweep, "--full", "--size", self.sizes())
        for text in self.held_out:
            self.program.say("baseline", self.options.original, "-t", text.text, "--window",
                             self.options.window, "--max-windows", self.options.verify_windows,
                             "-o", self.baseline(text), "--quiet", *self.program.threads)

    def sizes(self) -> str:
        """Of the presets whose sizes are planned for, in bytes."""
        names = self.options.sizes_of.split(",")
        return ",".join(str(self.presets.once("sizes", name, lambda: self.preset_size(name))["bytes"])
                        for name in names)

    def baseline(self, text: HeldOut) -> Path:
        return self.options.work / "baselines" / text.key

    def quantize(self, recipe, file: Path, *arguments):
        return self.program.json("quantize", self.options.original, "-r", recipe, "-i", self.options.imatrix,
                                 "-o", file, *arguments, "--quiet", *self.program.threads)

    def measure(self, file: Path, text: HeldOut) -> dict:
        print(f"{text.name}: {file.parent.name}/{file.name}", flush=True)
        record, = self.program.json("measure", file, "-b", self.baseline(text), "--store",
                                    self.options.work / "records.db", "--quiet", *self.program.threads)
        return {"kld_nats": record["kld_nats"]["mean"], "noise_floor_nats": record["noise_floor_nats"],
                "documents": record["corpus"]["documents"], "positions": record["scored_positions"],
                "sums": record["clusters"]["kld_sum_nats"]}

    # Presets.

    def all_presets(self) -> dict:
        """Name: bytes and divergences, of presets that make a file smaller than the original."""
        lines = self.program.say("recipe", "list").split("\n")
        names = [line.split()[0] for line in lines[1:] if line.strip()]
        rows = {name: self.preset(name) for name in names}
        return {name: row for name, row in rows.items() if row}

    def preset(self, name: str) -> dict:
        size = self.presets.once("sizes", name, lambda: self.preset_size(name))
        if size.get("bytes", math.inf) >= self.options.original.stat().st_size:
            return {}
        file = self.options.work / "presets" / f"{name}.gguf"
        return {"bytes": size["bytes"],
                "measured": {text.name: self.presets.once(text.key, name, lambda: self.measure(
                    self.preset_file(name, file, size["bytes"]), text)) for text in self.held_out}}

    def preset_size(self, name: str) -> dict:
        try:
            return {"bytes": self.quantize(name, "unwritten.gguf", "--dry-run")["bytes"]}
        except Refused as reason:
            return {"refused": str(reason)}

    def preset_file(self, name: str, file: Path, size: int) -> Path:
        file.parent.mkdir(exist_ok=True)
        if not file.exists():
            self.quantize(name, file)
        require_size(file, size)
        return file

    # Plans.

    @cached_property
    def dynamic_files(self) -> dict:
        """Size asked for: what `bitgauge dynamic` says of its file. It goes on by itself."""
        sizes = self.sizes()
        made = self.program.json(
            "dynamic", self.options.original, "--size", sizes, "-t", self.options.dynamic, "-i",
            self.options.imatrix, "--held-out", self.held_out[0].text, "--tokens", self.options.tokens,
            "--reference-tokens", self.options.reference_tokens, "--window", self.options.window,
            "--verify-tokens", self.options.verify_windows * self.options.window,
            "-o", self.options.work / "dynamic", "--quiet", *self.program.threads)
        return dict(zip(map(int, sizes.split(",")), made["files"]))

    def dynamic_file(self, size: int) -> dict:
        said = self.dynamic_files[size]
        path = Path(said["file"])
        if path.stat().st_size > size:
            sys.exit(f"{path} has {path.stat().st_size} bytes, asked were {size}")
        key = content_hash(path)[:16]
        return {"key": key, "bytes": path.stat().st_size, "promised_nats": said["promised_kld_nats"],
                "bound_gap": said["bound_gap"], "types": {},
                "measured": {text.name: self.plans.once(text.key, key, lambda: self.measure(path, text))
                             for text in self.held_out}}

    def plan(self, size: int) -> dict:
        """The plan of at most `size` bytes; its file has the hash of its recipe as a name."""
        if self.options.dynamic:
            return self.dynamic_file(size)
        unread = self.options.work / "plans/new/plan.recipe"
        unread.parent.mkdir(parents=True, exist_ok=True)
        plan = self.program.plan(self.options, self.sweep, "--size", size, "-o", unread)
        if plan["file_bytes"] > size:
            sys.exit(f"planned {plan['file_bytes']} bytes for {size}")
        key = hashlib.sha256(unread.read_bytes()).hexdigest()[:16]
        folder = self.options.work / "plans" / key
        folder.mkdir(exist_ok=True)
        unread.replace(folder / "plan.recipe")
        return {"key": key, "bytes": plan["file_bytes"], "promised_nats": plan["predicted_kld_nats"],
                "bound_gap": plan["bound_gap"], "types": plan["types"],
                "measured": {text.name: self.plans.once(text.key, key, lambda: self.measure(
                    self.plan_file(folder, plan["file_bytes"]), text)) for text in self.held_out}}

    def plan_file(self, folder: Path, size: int) -> Path:
        file = folder / "plan.gguf"
        if not file.exists():
            self.quantize(folder / "plan.recipe", file)
        require_size(file, size)
        return file

    def prediction(self, preset: str) -> dict:
        """What is predicted of a preset, and of the plan of its size. None: types without an error."""
        try:
            plan = self.program.plan(self.options, self.sweep, "--against", preset)
            return {"plan": plan["predicted_kld_nats"]["value"],
                    "preset": plan["against"]["predicted_kld_nats"]["value"]}
        except Refused as reason:
            return {"refused": str(reason)}


def require_size(file: Path, size: int):
    if file.stat().st_size != size:
        sys.exit(f"{file} has {file.stat().st_size} bytes, promised were {size}")


# Comparison.


def paired_ratio(ours: dict, theirs: dict) -> dict:
    """Of mean divergences over the same documents: percentiles of resampled documents."""
    dice = random.Random(1)
    a, b, n = ours["sums"], theirs["sums"], range(len(ours["sums"]))
    found = []
    for _ in range(RESAMPLES):
        drawn = dice.choices(n, k=len(n))
        found.append(sum(a[i] for i in drawn) / sum(b[i] for i in drawn))
    found.sort()
    return {"value": sum(a) / sum(b), "low": found[int(0.025 * RESAMPLES)],
            "high": found[int(0.975 * RESAMPLES)]}


def promise(plan: dict, text: str) -> dict:
    """Differences below the noise floor mean nothing."""
    measured, promised = plan["measured"][text], plan["promised_nats"]["value"]
    off = measured["kld_nats"]["value"] - promised
    return {"off": off / promised, "noise_floor_nats": measured["noise_floor_nats"],
            "kept": abs(off) <= PROMISE_MARGIN * promised + measured["noise_floor_nats"]}


def best_preset(presets: dict, size: int, text: str) -> str:
    fitting = [name for name, row in presets.items() if row["bytes"] <= size]
    return min(fitting, key=lambda name: presets[name]["measured"][text]["kld_nats"]["value"])


def compare(presets: dict, size: int, plan: dict, text: str) -> dict:
    best = best_preset(presets, size, text)
    ours, theirs = plan["measured"][text], presets[best]["measured"][text]
    return {"best": best, "best_nats": theirs["kld_nats"], "plan_nats": ours["kld_nats"],
            "ratio": paired_ratio(ours, theirs), "promise": promise(plan, text)}


def is_near(row: dict, prediction: dict, text: str) -> bool:
    if "refused" in prediction:
        return True
    measured = row["measured"][text]["kld_nats"]["value"]
    return (prediction["preset"] < NEAR_PREDICTED * prediction["plan"]
            or measured < NEAR_MEASURED * prediction["plan"])


def planned(bench: Bench, presets: dict, name: str) -> dict:
    """Plan and comparisons at the size of one preset."""
    size = presets[name]["bytes"]
    plan = bench.plan(size)
    texts = {text.name: compare(presets, size, plan, text.name) for text in bench.held_out}
    return {"bytes": size, "texts": texts,
            "plan": {key: plan[key] for key in ("key", "bytes", "promised_nats", "bound_gap", "types")}}


def along_the_curve(bench: Bench, presets: dict) -> dict:
    """Every preset beside the plan of its size, which is made where the two are near."""
    curve, first = {}, bench.held_out[0].name
    for name, row in sorted(presets.items(), key=lambda item: item[1]["bytes"]):
        prediction = bench.prediction(name)
        curve[name] = {"bytes": row["bytes"], "predicted": prediction,
                       "measured": {text: m["kld_nats"] for text, m in row["measured"].items()}}
        if is_near(row, prediction, first):
            try:
                plan = bench.plan(row["bytes"])
            except Refused as reason:
                curve[name]["no_plan"] = str(reason)
                continue
            curve[name]["plan"] = {text: {"nats": plan["measured"][text]["kld_nats"], "ratio": paired_ratio(
                plan["measured"][text], m)} for text, m in row["measured"].items()}
    return curve


def geometric_mean(values) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


# The page.


def size_row(name: str, at: dict, text: str) -> str:
    """The promise is of the first text's domain: elsewhere there is no verdict."""
    is_promised = text == next(iter(at["texts"]))
    c, plan = at["texts"][text], at["plan"]
    ratio, held = c["ratio"], c["promise"]
    return (f"| {name} | {at['bytes']:,} | {c['best']} | {c['best_nats']['value']:.5f} | {plan['bytes']:,} | "
            f"{c['plan_nats']['value']:.5f} | {ratio['value']:.3f} | {ratio['low']:.3f} … {ratio['high']:.3f} | "
            f"{plan['promised_nats']['value']:.5f} | {100 * held['off']:+.1f} % | "
            f"{('yes' if held['kept'] else 'no') if is_promised else ''} |")


def size_table(result: dict, text: str) -> list:
    sizes = result["sizes"]
    ratios = [at["texts"][text]["ratio"] for at in sizes.values()]
    measured = result["held_out"][text]
    return [f"## {text}: {measured['positions']:,} positions of {measured['documents']} documents", "",
            "| size of | bytes | best preset | KLD, nats | planned bytes | KLD, nats | ratio | 95 % | promised | "
            "measured / promised − 1 | within 15 % and the floor |",
            "|---|---:|---|---:|---:|---:|---:|---|---:|---:|---|",
            *(size_row(name, at, text) for name, at in sizes.items()), "",
            f"**Geometric mean {geometric_mean([r['value'] for r in ratios]):.3f}**, largest "
            f"{max(r['value'] for r in ratios):.3f}, largest upper bound {max(r['high'] for r in ratios):.3f}. "
            f"Noise floor {measured['noise_floor_nats']:.1g} nats.", ""]


def planned_cell(row: dict, text: str) -> str:
    if "plan" not in row:
        return "| no plan so small " if "no_plan" in row else "| "
    ratio = row["plan"][text]["ratio"]
    worse = ", **worse**" if ratio["low"] > 1 else ""
    return f"| {ratio['value']:.3f} ({ratio['low']:.3f} … {ratio['high']:.3f}){worse} "


def curve_row(name: str, row: dict, texts) -> str:
    p = row["predicted"]
    predicted = "| | " if "refused" in p else f"| {p['preset']:.5f} | {p['plan']:.5f} "
    return (f"| {name} | {row['bytes']:,} " + predicted
            + "".join(f"| {row['measured'][text]['value']:.5f} {planned_cell(row, text)}" for text in texts) + "|")


def curve_table(result: dict) -> list:
    texts, curve = list(result["held_out"]), result["curve"]
    checked = [row for row in curve.values() if "plan" in row]
    above = [name for name, row in curve.items() if "plan" in row
             and any(of["ratio"]["value"] > 1 for of in row["plan"].values())]
    return ["## Every preset beside the plan of its size", "",
            "| preset | bytes | predicted, nats | plan predicted |"
            + "".join(f" {text}, nats | plan / preset (95 %) |" for text in texts),
            "|---|---:|---:|---:|" + "---:|---|" * len(texts),
            *(curve_row(name, row, texts) for name, row in curve.items()), "",
            f"{len(curve)} presets make a file smaller than the original. Plans were made here for {len(checked)} of them: where "
            f"the preset is predicted within {NEAR_PREDICTED - 1:.0%} of the plan, or measured within "
            f"{NEAR_MEASURED - 1:.0%} of what the plan promises. Above 1: {', '.join(above) or 'none'}.", ""]


def how(options) -> str:
    if options.dynamic:
        return (f"`bitgauge dynamic` with error feedback over {options.dynamic.name}, which is none of the below; its "
                f"promises are of that text's domain. {options.tokens:,} positions for each disturbed tensor.")
    return (f"Importance and sweep from texts that are none of the below; all tensors swept, {options.tokens:,} "
            f"positions each, windows of {options.window}. Promises are of the first text's domain.")


def page(options, result: dict) -> str:
    setting = result["setting"]
    return "\n".join([
        f"# Planned files of {setting['original']} against presets", "",
        machine(options.threads).replace(" for both programs", "").replace("1 threads", "1 thread"), "",
        how(options), "",
        *(line for text in result["held_out"] for line in size_table(result, text)),
        *(curve_table(result) if result["curve"] else [])])


def held_out_facts(presets: dict) -> dict:
    some = next(iter(presets.values()))["measured"]
    return {text: {key: m[key] for key in ("positions", "documents", "noise_floor_nats")}
            for text, m in some.items()}


def measure_all(options) -> dict:
    bench = Bench(options)
    bench.prepare()
    presets = bench.all_presets()
    return {"setting": bench.presets.data["setting"], "held_out": held_out_facts(presets),
            "sizes": {name: planned(bench, presets, name) for name in options.sizes_of.split(",")},
            "curve": {} if options.dynamic else along_the_curve(bench, presets)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    add_sweep_options(parser)
    parser.add_argument("--held-out", action="append", required=True, metavar="NAME=TEXT")
    parser.add_argument("--verify-windows", type=int, default=64, help="of each held-out text; 0: all")
    parser.add_argument("--sizes-of", default=SIZES)
    parser.add_argument("--dynamic", type=Path, metavar="TEXTS", help="files by `bitgauge dynamic`")
    parser.add_argument("--title", help="of the page's files [fidelity of the original]")
    options = parser.parse_args()
    try:
        result = measure_all(options)
    except Refused as reason:
        sys.exit(str(reason))
    options.out.mkdir(parents=True, exist_ok=True)
    stem = options.title or f"fidelity-{options.original.stem.lower()}"
    (options.out / f"{stem}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    (options.out / f"{stem}.md").write_text(page(options, result), encoding="utf-8")
    print(page(options, result))


if __name__ == "__main__":
    main()
