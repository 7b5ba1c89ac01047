#!/usr/bin/env python3
"""Where a plan without sweep puts the bits of Qwen3.5-35B-A3B, beside recipes of the same size.

    plan_by_role.py --program build/release/bin/bitgauge > runs/DATE-HOST/plan-by-role.md

The model is a header only (tests/data/recipes/models/qwen3.5-35b-a3b.json with one vocabulary entry),
the sensitivities are the shipped prior of that model, and types err as on normally distributed
weights. Each recipe is resolved on the same header and judged by the same numbers; published
divergences are of the file with the recipe's name (Unsloth's table of 2026-02-27).
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from math import prod
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/cli"))

from gguf_edit import Gguf, Tensor  # noqa: E402

MODEL = ROOT / "tests/data/recipes/models/qwen3.5-35b-a3b.json"
TINYMOE = ROOT / "data/tinymoe/tinymoe-BF16.gguf"
KEYS = {"block_count": 40, "attention.head_count": 16, "attention.head_count_kv": 2,
        "expert_count": 256}
F32, BF16 = 0, 30
GIB = 1 << 30

# Preset -> mean divergence published for a file that has this recipe to the megabyte, if any.
RECIPES = {
    "Q2_K": None, "AesSedai-IQ3_S": 0.0613, "Q3_K_M": None, "AesSedai-IQ4_XS": 0.0235,
    "IQ4_XS": 0.0234, "Unsloth-MXFP4_MOE": 0.0272, "Unsloth-UD-Q4_K_XL-old": 0.0524,
    "Q4_K_M": None, "ubergarm-Q4_0": 0.0142, "noctrex-MXFP4_MOE_BF16": 0.0248,
    "AesSedai-Q4_K_M": 0.0096, "Q5_K_M": None, "AesSedai-Q5_K_M": 0.0058, "Q6_K": None}
# File whose recipe is not known -> GiB, mean divergence.
UNSLOTH = {
    "UD-IQ2_XXS": (9.09, 0.1846), "UD-Q2_K_XL": (12.04, 0.097), "UD-IQ3_XXS": (13.12, 0.0501),
    "UD-Q3_K_XL": (16.06, 0.0308), "UD-Q4_K_XL": (19.17, 0.0137), "UD-Q5_K_XL": (23.22, 0.0069),
    "UD-Q6_K_XL": (28.22, 0.0041)}
VOCABULARY = 11 << 20  # bytes, which the header here does not have
CLASSES = {"up, gate": r"ffn_(up|gate)_exps", "down": r"ffn_down_exps",
           "shared": r"ffn_.*_shexp", "qkv, gate": r"attn_(qkv|gate)", "ssm_out": r"ssm_out",
           "q, k, v, o": r"attn_(q|k|v|output)", "alpha, beta": r"ssm_(alpha|beta)",
           "embedding": r"token_embd", "head": r"output"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", type=Path, required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        header = Path(folder) / "qwen3.5-35b-a3b-BF16.gguf"
        write_header(header)
        pairs = [compare(options.program, header, recipe) for recipe in RECIPES]
        plans = {name: planned(options.program, header, "--size",
                               str(int(gib * GIB) - VOCABULARY))
                 for name, (gib, _) in UNSLOTH.items()}
    print_report(sorted(pairs, key=lambda pair: pair.bytes))
    print_unsloth(plans)


# --- the header -----------------------------------------------------------------------------------


def write_header(path: Path):
    model = Gguf(TINYMOE)
    for name, value in KEYS.items():
        model.keys[f"qwen35moe.{name}"] = (4, value)
    for key in [key for key in model.keys if key.startswith("tokenizer.")]:
        del model.keys[key]
    model.set_text("general.name", "Qwen3.5-35B-A3B")
    model.tensors.clear()
    offset = 0
    for name, shape, type_id in tensors():
        model.tensors.append(Tensor(name, shape, type_id, offset))
        offset += -(-prod(shape) * (4 if type_id == F32 else 2) // 32) * 32
    path.write_bytes(model.header())


def tensors():
    for entry in json.loads(MODEL.read_text())["tensors"]:
        kind = entry.get("type", "bf16" if len(entry["shape"]) > 1 else "f32")
        for layer in layers(entry.get("layers", "")):
            yield (entry["name"].replace("*", str(layer)), entry["shape"],
                   F32 if kind == "f32" else BF16)


def layers(ranges: str):
    for one in ranges.split(","):
        first, _, last = one.partition("-")
        yield from range(int(first), int(last or first) + 1) if first else [""]


# --- plans ----------------------------------------------------------------------------------------


@dataclass
class Pair:
    """A recipe's file and the plan of its size."""

    recipe: str
    bytes: int
    bits: dict  # class -> bits per weight, of the recipe
    nats: float
    planned: dict  # tensor -> type
    planned_nats: float


def planned(program: Path, header: Path, *arguments: str) -> dict:
    command = [program, "plan", header, "--no-sweep", "--with-importance", "--priors",
               header.parent / "none", "--json", *arguments]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def compare(program: Path, header: Path, recipe: str) -> Pair:
    plan = planned(program, header, "--against", recipe)
    against = plan["against"]
    return Pair(recipe, against["file_bytes"], bits_of(against["types"]),
                against["predicted_kld_nats"]["value"], plan["types"],
                plan["predicted_kld_nats"]["value"])


BITS = {"bf16": 16, "f16": 16, "f32": 32, "q8_0": 8.5, "q6_K": 6.5625, "q5_K": 5.5, "q5_1": 6,
        "q5_0": 5.5, "q4_K": 4.5, "q4_1": 5, "q4_0": 4.5, "iq4_nl": 4.5, "iq4_xs": 4.25,
        "mxfp4": 4.25, "q3_K": 3.4375, "iq3_s": 3.4375, "iq3_xxs": 3.0625, "q2_K": 2.625,
        "iq2_s": 2.5625, "iq2_xs": 2.3125, "iq2_xxs": 2.0625, "iq1_m": 1.75, "iq1_s": 1.5625}


def bits_of(types: dict) -> dict:
    """Class -> mean bits per weight."""
    bits, weights = defaultdict(float), defaultdict(float)
    counts = {name: prod(shape) for name, shape, _ in tensors()}
    for name, kind in types.items():
        role = re.sub(r"^blk\.\d+\.|\.weight$", "", name)
        group = next(g for g, pattern in CLASSES.items() if re.fullmatch(pattern, role))
        bits[group] += counts[name] * BITS[kind]
        weights[group] += counts[name]
    return {group: bits[group] / weights[group] for group in bits}


# --- the report -----------------------------------------------------------------------------------


def print_report(pairs: list):
    print("# Where a plan without sweep puts the bits of Qwen3.5-35B-A3B\n")
    print("Bits per weight by class; each plan is as large as the recipe above it. Nats are "
          "predicted by the same\nnumbers for both; published: of the file of that name.\n")
    print("| | GiB | " + " | ".join(CLASSES) + " | predicted nats | published |")
    print("|---|" + "---:|" * (len(CLASSES) + 3))
    for pair in pairs:
        published = RECIPES[pair.recipe]
        print(row(pair.recipe, f"{pair.bytes / GIB:.2f}", pair.bits, pair.nats,
                  f"{published:.4f}" if published else ""))
        print(row("*plan*", "", bits_of(pair.planned), pair.planned_nats, ""))
    print_ranks(pairs)
    print_depth(pairs)


def row(name: str, size: str, bits: dict, nats: float, published: str) -> str:
    cells = [f"{bits[group]:.2f}" for group in CLASSES]
    return f"| {name} | {size} | " + " | ".join(cells) + f" | {nats:.4f} | {published} |"


def print_depth(pairs: list):
    parts = {"0-4": range(5), "5-9": range(5, 10), "10-19": range(10, 20), "20-29": range(20, 30),
             "30-37": range(30, 38), "38-39": range(38, 40)}
    print("\nRouted experts of the plans by layer, bits per weight:\n")
    print("| as large as | " + " | ".join(parts) + " |")
    print("|---|" + "---:|" * len(parts))
    for pair in pairs:
        cells = []
        for layers_of_part in parts.values():
            experts = {name: kind for name, kind in pair.planned.items()
                       if "_exps" in name and int(name.split(".")[1]) in layers_of_part}
            cells.append(f"{sum(BITS[kind] for kind in experts.values()) / len(experts):.2f}")
        print(f"| {pair.recipe} | " + " | ".join(cells) + " |")


def print_unsloth(plans: dict):
    print("\nAt the sizes of Unsloth's files, whose recipes are not published:\n")
    print("| as large as | GiB | " + " | ".join(CLASSES) + " | predicted nats | published |")
    print("|---|" + "---:|" * (len(CLASSES) + 3))
    for name, plan in plans.items():
        gib, published = UNSLOTH[name]
        print(row(name, f"{gib:.2f}", bits_of(plan["types"]),
                  plan["predicted_kld_nats"]["value"], f"{published:.4f}"))


def print_ranks(pairs: list):
    known = [pair for pair in pairs if RECIPES[pair.recipe]]
    ratios = sorted(pair.nats / RECIPES[pair.recipe] for pair in known)
    ours, theirs = ([sorted(values).index(v) for v in values] for values in
                    ([p.nats for p in known], [RECIPES[p.recipe] for p in known]))
    n = len(known)
    spearman = 1 - 6 * sum((a - b) ** 2 for a, b in zip(ours, theirs)) / (n * (n * n - 1))
    gains = sorted(pair.planned_nats / pair.nats for pair in pairs)
    print(f"\nPredicted over published, {n} files: median {ratios[n // 2]:.2f}, from {ratios[0]:.2f} "
          f"to {ratios[-1]:.2f}; rank correlation {spearman:.2f}.")
    print(f"Plan over recipe, as predicted: median {gains[len(gains) // 2]:.2f}, from {gains[0]:.2f} "
          f"to {gains[-1]:.2f}.")


if __name__ == "__main__":
    main()
