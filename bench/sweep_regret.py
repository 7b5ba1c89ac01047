#!/usr/bin/env python3
"""What it costs to sweep only some layers: plans from such a sweep, judged by the full one.

    sweep_regret.py --program build/release/bin/bitgauge --original BF16.gguf --imatrix FILE
                    --sweep-text TEXT --work FOLDER --out FOLDER [--bits 3,4,5] [--every 8]

Two sweeps of the same text into stores of their own: all tensors, and those that `bitgauge sweep`
takes by itself. For each number of bits per weight both give a plan; the full table predicts the
divergence of both. The regret is how much more the subsampled sweep's plan has than the full one's
of at most the same size. --work may be fidelity.py's, whose full sweep is then taken.
"""

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "bench")]

from against_peer import machine  # noqa: E402
from program import Program, Refused, add_sweep_options  # noqa: E402


def regret(program: Program, options, full: Path, some: Path, bits: str) -> dict:
    recipe = options.work / f"regret/{bits}-bits/plan.recipe"  # its name stands in the file, too
    recipe.parent.mkdir(parents=True, exist_ok=True)
    try:
        ours = program.plan(options, some, "--bpw", bits, "-o", recipe)
    except Refused as reason:
        return {"refused": str(reason)}
    judged = program.plan(options, full, "--size", ours["file_bytes"], "--against", recipe)
    theirs, best = judged["against"]["predicted_kld_nats"]["value"], judged["predicted_kld_nats"]["value"]
    types = judged["against"]["types"]
    return {"bits": bits, "bytes": ours["file_bytes"], "bytes_of_full": judged["file_bytes"],
            "own_prediction_nats": ours["predicted_kld_nats"]["value"], "nats": theirs, "best_nats": best,
            "regret": theirs / best - 1, "bound_gap": judged["bound_gap"],
            "differing": sum(types[t] != judged["types"].get(t, types[t]) for t in types),
            "tensors": len(types)}


def row(r: dict) -> str:
    return (f"| {r['bits']} | {r['bytes']:,} | {r['own_prediction_nats']:.5f} | {r['nats']:.5f} | {r['best_nats']:.5f} | "
            f"{100 * r['regret']:+.2f} % | {100 * r['bound_gap']:.3f} % | {r['differing']} of {r['tensors']} |")


def page(options, result: dict) -> str:
    possible = [r for r in result["regrets"].values() if "refused" not in r]
    refused = {bits: r["refused"] for bits, r in result["regrets"].items() if "refused" in r}
    probed = result["probed_tensors"]
    return "\n".join([
        f"# Regret of sweeping only some layers: {options.original.name}", "",
        machine(options.threads).replace(" for both programs", "").replace("1 threads", "1 thread"), "",
        f"{probed['subsampled']} of {probed['full']} tensors were disturbed (--every {options.every}: the first two "
        f"and last two layers of each role, and each {options.every}-th), {options.tokens:,} positions each.", "",
        "| bits per weight | bytes | predicted by its own sweep, nats | by the full sweep | full sweep's plan | regret | "
        "gap of that plan | tensors in another type |", "|---|---:|---:|---:|---:|---:|---:|---|",
        *map(row, possible), "", *(f"{bits} bits: {reason}\n" for bits, reason in refused.items())])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    add_sweep_options(parser)
    parser.add_argument("--bits", default="3,4,5")
    parser.add_argument("--every", type=int, default=8)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    program = Program(options.program, options.work / "log.txt", options.threads)
    full, some = options.work / "sweep.db", options.work / f"every-{options.every}.db"
    tables = {"full": program.sweep(options, full, "--full"),
              "subsampled": program.sweep(options, some, "--every", options.every)}
    result = {"probed_tensors": {name: sum(bool(t["probes"]) for t in table["tensors"])
                                 for name, table in tables.items()},
              "regrets": {bits: regret(program, options, full, some, bits) for bits in options.bits.split(",")}}
    options.out.mkdir(parents=True, exist_ok=True)
    stem = f"sweep-regret-{options.original.stem.lower()}"
    (options.out / f"{stem}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    (options.out / f"{stem}.md").write_text(page(options, result), encoding="utf-8")
    print(page(options, result))


if __name__ == "__main__":
    main()
