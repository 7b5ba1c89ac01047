#!/usr/bin/env python3
"""The subsampled sweep of a deep model against brute force, of which three tensors are run.

    deep_model.py --program build/release/bin/bitgauge --out FOLDER [--width 256] [--experts 64]
                  [--used 2] [--layers 40] [--text TEXT] [--tokens 2048] [--reference-tokens 8192]

Makes a model with random weights of Qwen3.5-35B-A3B's proportions: 40 layers, three of four with a
gated delta net, experts and a shared one in all. Beside the width W stand, as there: 4 W of queries,
keys and values and 2 W of output in the delta nets, 4 W of queries with their gates, W / 4 of keys and
of values in attention, 64 W of experts, 2 W of them used. Only an expert is W wide instead of W / 4, so
that rows fit blocks of 256, and there are a quarter as many. The tokenizer is that of the small model
in the tree.

Then `bitgauge sweep` without --full, and for an early, a middle and a late tensor llama-quantize and
llama-perplexity, as in sweep_against_peer.py; their mean stands for every tensor that is quantized
at all. Needs numpy. What was measured is kept in --work; the same call goes on where one was stopped.
"""

import argparse
import statistics
import sys
from math import prod
from pathlib import Path

import numpy

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tests/cli")]

from against_peer import MIB, machine  # noqa: E402
from brute_force import (BruteForce, Kept, Setting, SweepCall, built_peer, cut_text,  # noqa: E402
                         files_line, sweep)
from gguf_edit import ARRAY, Gguf, Tensor  # noqa: E402

TOKENIZER = ROOT / "data/tinymoe/tinymoe-BF16.gguf"
F32, BF16 = 0, 30
INT32 = 5
ATTENTION_EVERY = 4
HEAD, STATE = 64, 128  # widths of a head of attention and of a delta net


# --- the model ------------------------------------------------------------------------------------


def attention_every(o) -> int:
    return getattr(o, "attention_every", ATTENTION_EVERY)


def expert_width(o) -> int:
    return getattr(o, "expert_width", o.width)


def keys(o) -> dict:
    """Numbers of the architecture; what is not here is as in the small model."""
    return {"block_count": o.layers, "embedding_length": o.width, "context_length": 4096,
            "attention.head_count": 2 * o.width // HEAD,
            "attention.head_count_kv": o.width // 4 // HEAD, "attention.key_length": HEAD,
            "attention.value_length": HEAD, "rope.dimension_count": HEAD // 4,
            "expert_count": o.experts, "expert_used_count": o.used,
            "expert_feed_forward_length": expert_width(o),
            "expert_shared_feed_forward_length": expert_width(o),
            "ssm.state_size": STATE, "ssm.group_count": o.width // STATE,
            "ssm.time_step_rank": 2 * o.width // STATE, "ssm.inner_size": 2 * o.width,
            "full_attention_interval": attention_every(o)}


def delta_net(w: int) -> list:
    heads = 2 * w // STATE
    return [("attn_qkv.weight", [w, 4 * w]), ("attn_gate.weight", [w, 2 * w]),
            ("ssm_conv1d.weight", [4, 4 * w]), ("ssm_dt.bias", [heads]), ("ssm_a", [heads]),
            ("ssm_alpha.weight", [w, heads]), ("ssm_beta.weight", [w, heads]),
            ("ssm_norm.weight", [STATE]), ("ssm_out.weight", [2 * w, w])]


def attention(w: int) -> list:
    return [("attn_q.weight", [w, 4 * w]), ("attn_k.weight", [w, w // 4]),
            ("attn_v.weight", [w, w // 4]), ("attn_q_norm.weight", [HEAD]),
            ("attn_k_norm.weight", [HEAD]), ("attn_output.weight", [2 * w, w])]


def feed_forward(w: int, inner: int, experts: int) -> list:
    shapes = {"gate": [w, inner], "up": [w, inner], "down": [inner, w]}
    every = [(f"ffn_{part}_exps.weight", [*shape, experts]) for part, shape in shapes.items()]
    shared = [(f"ffn_{part}_shexp.weight", shape) for part, shape in shapes.items()]
    return [("ffn_gate_inp.weight", [w, experts]), *every, ("ffn_gate_inp_shexp.weight", [w]),
            *shared]


def tensors(o, vocabulary: int) -> list:
    """(name, shape) of all, in the file's order."""
    w, all_of = o.width, [("token_embd.weight", [o.width, vocabulary])]
    for layer in range(o.layers):
        mixer = attention(w) if (layer + 1) % attention_every(o) == 0 else delta_net(w)
        parts = [("attn_norm.weight", [w]), *mixer, ("post_attention_norm.weight", [w]),
                 *feed_forward(w, expert_width(o), o.experts)]
        all_of += [(f"blk.{layer}.{name}", shape) for name, shape in parts]
    return all_of + [("output_norm.weight", [w]), ("output.weight", [w, vocabulary])]


def type_of(name: str, shape: list) -> int:
    plain = len(shape) == 1 or "ffn_gate_inp" in name or "conv1d" in name
    return F32 if plain else BF16


def spread(name: str, shape: list, layers: int) -> float:
    """Standard deviation, of a product with a unit vector before the division by the row's length:
    branches are so small that all of them together weigh what the embedding does."""
    row = shape[0] ** -0.5
    if any(part in name for part in ("ffn_down", "attn_output", "ssm_out")):
        return row * (2 * layers) ** -0.5
    if "token_embd" in name:
        return 1
    return row * (3 if name == "output.weight" else 2 if "ffn_gate_inp" in name else 1)


def values(random, name: str, shape: list, layers: int):
    bell = random.standard_normal(shape[::-1], dtype=numpy.float32)
    if "norm" in name:
        return 1 + 0.1 * bell
    if name.endswith("ssm_a"):  # of a decay exp(ssm_a * softplus(dt))
        return -numpy.exp(0.25 * bell)
    if name.endswith("ssm_dt.bias"):  # softplus of it: 0.001 to 0.1, as before training
        steps = numpy.exp(random.uniform(numpy.log(0.001), numpy.log(0.1), shape))
        return numpy.log(numpy.expm1(steps)).astype(numpy.float32)
    return bell * numpy.float32(spread(name, shape, layers))


def raw(found, kind: int) -> bytes:
    """BF16 rounded to the nearest, ties to even."""
    if kind == F32:
        return found.astype(numpy.float32).tobytes()
    bits = numpy.ascontiguousarray(found, numpy.float32).view(numpy.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(numpy.uint16).tobytes()


def header(o) -> Gguf:
    model = Gguf(TOKENIZER)
    vocabulary = model.tensor("token_embd.weight").shape[1]
    kept = ("tokenizer.", "qwen35moe.", "general.architecture", "general.type",
            "general.file_type", "general.quantization_version")
    model.keys = {key: value for key, value in model.keys.items() if key.startswith(kept)}
    model.set_text("general.name", f"deep random model of width {o.width}")
    for key, value in keys(o).items():
        model.set_uint32(f"qwen35moe.{key}", value)
    third = HEAD // 8 // 3
    sections = [HEAD // 8 - 2 * third, third, third, 0]
    model.keys["qwen35moe.rope.dimension_sections"] = (ARRAY, (INT32, sections))
    model.tensors, offset = [], 0
    for name, shape in tensors(o, vocabulary):
        model.tensors.append(Tensor(name, shape, type_of(name, shape), offset))
        offset += prod(shape) * (4 if type_of(name, shape) == F32 else 2)
        offset += -offset % model.alignment()
    return model


def write_model(o, path: Path):
    model, random = header(o), numpy.random.default_rng(o.seed)
    unfinished = path.with_suffix(".new")
    with unfinished.open("wb") as file:
        file.write(model.header())
        for tensor in model.tensors:
            data = raw(values(random, tensor.name, tensor.shape, o.layers), tensor.type_id)
            file.write(data + bytes(-len(data) % model.alignment()))
    unfinished.replace(path)


# --- both sides -----------------------------------------------------------------------------------


def layer_of(name: str) -> int:
    return int(name.split(".")[1]) if name.startswith("blk.") else -1


def three_of(found: dict) -> list:
    """An early, a middle and a late tensor among those that the sweep disturbed; one of three is of
    experts, as about of all."""
    probed = [name for name, probes in found["tensors"].items() if probes]
    early = min((n for n in probed if "attn_qkv" in n), key=layer_of)
    experts = [n for n in probed if "ffn_down_exps" in n]
    late = max((n for n in probed if "attn_output" in n), key=layer_of)
    return [early, experts[len(experts) // 2], late]


def measure(o, setting: Setting, call: SweepCall) -> dict:
    kept = Kept(o.work / "results.json", {"model": setting.original.name, "text": o.text.name,
                                          "windows": o.windows, "window": o.window})
    setting.text = cut_text(setting, o.text)
    found = kept.once("sweep", call.name(), lambda: sweep(setting, call))
    print(f"sweep: {found['cost']['cpu_s']:.0f} s of CPU", flush=True)
    brute = BruteForce(setting)
    kept.once("base", "brute", brute.base)
    for name in three_of(found):
        kind = found["tensors"][name][0]["type"]
        row = kept.once("brute", name, lambda: brute.one(name, kind))
        print(f"{name}: {row['kld_nats']:.6f}, {row['cost']['cpu_s']:.0f} s of CPU", flush=True)
    return kept.data


# --- the page -------------------------------------------------------------------------------------


def shape_line(o, model: Path) -> str:
    weights = sum(prod(t.shape) for t in header(o).tensors)
    active = weights - sum(prod(t.shape) * (o.experts - o.used) // o.experts
                           for t in header(o).tensors if "_exps" in t.name)
    return (f"Random weights, qwen35moe, {o.layers} layers of width {o.width}, {o.layers // ATTENTION_EVERY} of them "
            f"with attention, {o.experts} experts of {o.width}, {o.used} used, and one shared: {weights / 1e6:.0f} "
            f"million weights, {active / 1e6:.0f} million for each token, {model.stat().st_size / MIB:.0f} MiB in BF16.")


HEADS = {"wall_s": "wall, s", "cpu_s": "CPU s"}


def tensor_rows(data, found, fields) -> list:
    lines = ["| tensor | type | sweep, nats | brute force |" + "".join(f" brute force, {HEADS[f]} |" for f in fields),
             "|---|---|---:|---:|" + "---:|" * len(fields)]
    for name, row in data["brute"].items():
        nats = found["tensors"][name][0]["kld_nats"]["value"] * found["ratio"]
        lines.append(f"| {name} | {row['type']} | {nats:.6f} | {row['kld_nats']:.6f} |" +
                     "".join(f" {row['cost'][f]:.1f} |" for f in fields))
    return lines + [""]


def cost_rows(data, found, fields) -> list:
    """The last row: a script that leaves out the tensors that the sweep leaves out."""
    base, rows = data["base"]["brute"]["cost"], list(data["brute"].values())
    probed = sum(bool(probes) for probes in found["tensors"].values())
    lines = ["| | tensors |" + "".join(f" {HEADS[f]} | ratio |" for f in fields),
             "|---|---:|" + "---:|---:|" * len(fields),
             f"| subsampled sweep | {probed} of {len(found['tensors'])} |" +
             "".join(f" {found['cost'][f]:,.0f} | 1 |" for f in fields)]
    for title, n in (("brute force of all, extrapolated", len(found["tensors"])),
                     ("brute force of as many as the sweep, extrapolated", probed)):
        cells = [title, str(n)]
        for field in fields:
            theirs = base[field] + n * statistics.mean(row["cost"][field] for row in rows)
            cells += [f"{theirs:,.0f}", f"{theirs / found['cost'][field]:.1f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return lines + [""]


def volume(data, found) -> str:
    n, rows = len(found["tensors"]), list(data["brute"].values())
    written = n * statistics.mean(row["bytes_written"] for row in rows)
    return (f"Brute force writes {written / MIB:,.0f} MiB of models for all tensors ({rows[0]['bytes_written'] / MIB:.0f} "
            f"each) and {data['base']['brute']['base_bytes'] / MIB:.0f} MiB of logits. {files_line(found)} Peak memory of one process: sweep {found['cost']['peak_mib']:.0f} MiB, brute force "
            f"{max(row['cost']['peak_mib'] for row in rows):.0f} MiB.")


def summary(o, data, setting: Setting, call: SweepCall) -> str:
    found = data["sweep"][call.name()]
    scored = o.windows * (o.window // 2 - 1)
    probes = sum(len(p) for p in found["tensors"].values())
    lines = ["# Subsampled sweep of a deep model against brute force", "",
             machine(1).replace("threads", "thread") + (f" {o.note}" if o.note else ""), "",
             shape_line(o, setting.original), "",
             f"{o.text.name}, no importance. Brute force: {o.windows} windows of {o.window}, {scored:,} positions; three "
             f"tensors were run, the rest is extrapolated from their mean. Sweep, as {call.protocol} of the same text: "
             f"{found['scored']:,} positions for each tensor, {call.reference_tokens:,} for whole mixes; {probes} probes. Its nats are "
             f"multiplied by what the mixes have on the longer text beside the shorter one, {found['ratio']:.3f}.", ""]
    fields = ("cpu_s",) if o.cpu_only else ("cpu_s", "wall_s")
    return "\n".join(lines + cost_rows(data, found, fields) + tensor_rows(data, found, fields) + [volume(data, found), ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--width", type=int, default=256, help="a multiple of 256")
    parser.add_argument("--layers", type=int, default=40)
    parser.add_argument("--experts", type=int, default=64)
    parser.add_argument("--used", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--text", type=Path, default=ROOT / "data/text/wiki.test.excerpt.raw")
    parser.add_argument("--windows", type=int, default=32, help="of brute force")
    parser.add_argument("--window", type=int, default=512)
    parser.add_argument("--tokens", type=int, default=2048, help="of the sweep, scored for each tensor")
    parser.add_argument("--reference-tokens", type=int, default=8192, help="of the sweep, scored for whole mixes")
    parser.add_argument("--cpu-only", action="store_true", help="no wall times: the machine is shared")
    parser.add_argument("--note", default="", help="about the machine, for the page")
    parser.add_argument("--peer", type=Path, help="folder of llama.cpp's tools [that of scripts/build_peer]")
    parser.add_argument("--work", type=Path, default=ROOT / "out/bench/deep")
    parser.add_argument("--out", type=Path, required=True)
    o = parser.parse_args()
    o.work.mkdir(parents=True, exist_ok=True)
    model = o.work / f"deep-{o.layers}x{o.width}-{o.used}of{o.experts}-{o.seed}.gguf"
    if not model.exists():
        write_model(o, model)
    setting = Setting(model, o.text, None, o.windows, o.window, o.peer or built_peer(ROOT), o.work)
    call = SweepCall(o.program, o.tokens, o.reference_tokens, full=False)
    page = summary(o, measure(o, setting, call), setting, call)
    o.out.mkdir(parents=True, exist_ok=True)
    (o.out / "deep-model.md").write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
