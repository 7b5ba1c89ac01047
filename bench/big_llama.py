#!/usr/bin/env python3
"""A llama with random weights and the tokenizer of the small one in the tree, as large as is wanted.

    bench/big_llama.py OUT.gguf --gib 3 [--width 2048] [--type f16|bf16|f32]

What it says means nothing; what it costs is what a model of that size costs.
"""

import argparse
import sys
from pathlib import Path

import numpy

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/cli"))
from gguf_edit import Gguf, Tensor  # noqa: E402

TYPES = {"f32": (0, 4), "f16": (1, 2), "bf16": (30, 2)}
F32 = 0


def layer_tensors(width: int) -> list:
    ff = width * 3
    square = [(name, [width, width]) for name in ("attn_q", "attn_k", "attn_v", "attn_output")]
    return square + [("ffn_gate", [width, ff]), ("ffn_up", [width, ff]), ("ffn_down", [ff, width])]


def random_bytes(random, shape: list, kind: str) -> bytes:
    values = random.standard_normal(shape[1] * shape[0], dtype=numpy.float32)
    values *= 0.7 / numpy.sqrt(shape[0])
    if kind == "f16":
        return values.astype(numpy.float16).tobytes()
    if kind == "bf16":
        return (values.view(numpy.uint32) >> 16).astype(numpy.uint16).tobytes()
    return values.tobytes()


def plan(width: int, layers: int, vocabulary: int, kind: str) -> list:
    """(name, shape, kind) of every tensor in the file's order."""
    tensors = [("token_embd.weight", [width, vocabulary], kind)]
    for layer in range(layers):
        for norm in ("attn_norm", "ffn_norm"):
            tensors.append((f"blk.{layer}.{norm}.weight", [width], "norm"))
        tensors += [(f"blk.{layer}.{name}.weight", shape, kind)
                    for name, shape in layer_tensors(width)]
    return tensors + [("output_norm.weight", [width], "norm")]


def size_of(shape: list, kind: str) -> int:
    return int(numpy.prod(shape)) * (4 if kind == "norm" else TYPES[kind][1])


def write(path: Path, tensors: list, model: Gguf, seed: int):
    offset = 0
    model.tensors = []
    for name, shape, kind in tensors:
        model.tensors.append(Tensor(name, shape, F32 if kind == "norm" else TYPES[kind][0], offset))
        offset += size_of(shape, kind)
        offset += -offset % model.alignment()
    random = numpy.random.default_rng(seed)
    with path.open("wb") as file:
        file.write(model.header())
        for name, shape, kind in tensors:
            data = (numpy.ones(shape[0], numpy.float32).tobytes() if kind == "norm"
                    else random_bytes(random, shape, kind))
            file.write(data + bytes(-len(data) % model.alignment()))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--gib", type=float, default=3)
    parser.add_argument("--width", type=int, default=2048)
    parser.add_argument("--type", choices=TYPES, default="f16")
    parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args()
    model = Gguf(ROOT / "tests/data/babyllama105/babyllama105-f32.gguf")
    vocabulary = next(t.shape[1] for t in model.tensors if t.name == "token_embd.weight")
    per_layer = sum(size_of(shape, a.type) for _, shape in layer_tensors(a.width))
    layers = max(2, round(a.gib * 2**30 / per_layer))
    heads = a.width // 128
    for key, value in {"block_count": layers, "embedding_length": a.width,
                       "feed_forward_length": 3 * a.width, "attention.head_count": heads,
                       "attention.head_count_kv": heads, "rope.dimension_count": 128,
                       "context_length": 4096}.items():
        model.set_uint32(f"llama.{key}", value)
    write(a.out, plan(a.width, layers, vocabulary, a.type), model, a.seed)
    print(f"{a.out}: {layers} layers of width {a.width}, {a.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
