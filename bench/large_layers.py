#!/usr/bin/env python3
"""Rounding with error feedback of two layers in the shapes of Qwen3.5-35B-A3B, with random weights.

    large_layers.py --program build/release/bin/bitgauge --out FOLDER [--type Q4_K] [--tokens 16384]
                    [--threads 2] [--work FOLDER] [--experts 256] [--layers 2]

A layer is 2048 wide and has 256 experts of 512 of which 8 are used, and a shared one; the first has a gated
delta net, the second attention. An embedding, a head and a tokenizer of 4,096 make it a model. Needs numpy, 4 GiB of disk and 8 GiB
of memory. Wall time is extrapolated to the 40 layers of that model. How near factorisation and feedback
come to the machine's matrix product is what build/release/bench/rounding measures.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "bench")]

from against_peer import MIB, machine  # noqa: E402
from deep_model import write_model  # noqa: E402

SHAPE = SimpleNamespace(  # --experts and --layers change it
    width=2048, expert_width=512, experts=256, used=8, layers=2, attention_every=2, seed=1)
LAYERS = 40


def round_layers(o, model: Path) -> dict:
    made = o.work / "rounded.gguf"
    begun = time.monotonic()
    done = subprocess.run(
        [o.program, "quantize", model, "-r", o.type, "--pure", "--rounding", "feedback", "-t", o.text, "--tokens", str(o.tokens), "-o", made,
         "--threads", str(o.threads), "--quiet", "--json"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr)
    made.unlink()
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"wall_s": time.monotonic() - begun, "cpu_s": usage.ru_utime + usage.ru_stime,
            "peak_mib": usage.ru_maxrss / 1024, "rounding": json.loads(done.stdout)["rounding"]}


def page(o, model: Path, found: dict) -> str:
    rounding = found["rounding"]
    hours = LAYERS / SHAPE.layers * found["wall_s"] / 3600
    idle_hours = LAYERS / SHAPE.layers * found["cpu_s"] / o.threads / 3600
    return "\n".join([
        f"# {SHAPE.layers} layers of Qwen3.5-35B-A3B's shapes, rounded with error feedback", "",
        machine(o.threads).replace(" for both programs", ""), "",
        f"Random weights: width {SHAPE.width}, {SHAPE.experts} experts of {SHAPE.expert_width}, {SHAPE.used} used, one "
        f"shared; {model.stat().st_size / MIB:,.0f} MiB in BF16. Type {o.type}, {rounding['tokens']:,} tokens of "
        f"{o.text.name}.", "",
        "| | |", "|---|---:|",
        f"| wall, s | {found['wall_s']:,.0f} |", f"| CPU, s | {found['cpu_s']:,.0f} |",
        f"| peak memory, MiB | {found['peak_mib']:,.0f} |",
        f"| {LAYERS} such layers, extrapolated from wall time, h | {hours:.1f} |",
        f"| the same from CPU time, were every thread always busy, h | {idle_hours:.1f} |", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--type", default="Q4_K")
    parser.add_argument("--text", type=Path, default=ROOT / "data/text/wiki.test.excerpt.raw")
    parser.add_argument("--tokens", type=int, default=16384)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--experts", type=int, default=SHAPE.experts)
    parser.add_argument("--layers", type=int, default=SHAPE.layers)
    parser.add_argument("--work", type=Path, default=ROOT / "out/bench/large-layers")
    parser.add_argument("--out", type=Path, required=True)
    o = parser.parse_args()
    o.work.mkdir(parents=True, exist_ok=True)
    SHAPE.experts, SHAPE.layers = o.experts, o.layers
    model = o.work / f"layers-{o.layers}x{o.experts}.gguf"
    if not model.exists():
        write_model(SHAPE, model)
    found = round_layers(o, model)
    o.out.mkdir(parents=True, exist_ok=True)
    text = page(o, model, found)
    (o.out / "large-layers.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
