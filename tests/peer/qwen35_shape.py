#!/usr/bin/env python3
"""Writes a random BF16 model with the layers of Qwen3.5-35B-A3B: width 2048, 256 experts of 512, one
layer of linear attention and one of full attention; the vocabulary is a small model's.

    qwen35_shape.py OUT.gguf [--layers N] [--experts N]

3.4 GB with two layers and 256 experts (a minute). For comparisons on real shapes:

    tests/peer/quantize_test.py --program build/release/bin/bitgauge --model OUT.gguf --types Q4_K_M
"""

import argparse
import random
from math import prod
from pathlib import Path

import sys

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/cli"))

from gguf_edit import Gguf, Tensor  # noqa: E402

TINYMOE = ROOT / "data/tinymoe/tinymoe-BF16.gguf"
F32, BF16 = 0, 30
INTERVAL = 2  # every second layer has full attention
KEYS = {"context_length": 262144, "embedding_length": 2048, "attention.head_count": 16,
        "attention.head_count_kv": 2, "attention.key_length": 256, "attention.value_length": 256,
        "expert_used_count": 8, "expert_feed_forward_length": 512,
        "expert_shared_feed_forward_length": 512, "ssm.conv_kernel": 4, "ssm.state_size": 128,
        "ssm.group_count": 16, "ssm.time_step_rank": 32, "ssm.inner_size": 4096,
        "full_attention_interval": INTERVAL, "rope.dimension_count": 64}
SHAPES = {"attn_qkv.weight": [2048, 8192], "attn_gate.weight": [2048, 4096],
          "ssm_conv1d.weight": [4, 8192], "ssm_dt.bias": [32], "ssm_a": [32],
          "ssm_alpha.weight": [2048, 32], "ssm_beta.weight": [2048, 32], "ssm_norm.weight": [128],
          "ssm_out.weight": [4096, 2048], "attn_q.weight": [2048, 8192],
          "attn_k.weight": [2048, 512], "attn_v.weight": [2048, 512], "attn_q_norm.weight": [256],
          "attn_k_norm.weight": [256], "attn_output.weight": [4096, 2048],
          "ffn_gate_shexp.weight": [2048, 512], "ffn_up_shexp.weight": [2048, 512],
          "ffn_down_shexp.weight": [512, 2048]}
# The high byte of a BF16: sign and exponent. Magnitudes of 0.002 to 0.12, most around 0.02.
HIGH_BYTES = bytes((0x80 if byte & 1 else 0) | (0x3B, 0x3C, 0x3C, 0x3C, 0x3C, 0x3D, 0x3C, 0x3B)[byte >> 5]
                   for byte in range(256))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--experts", type=int, default=256)
    options = parser.parse_args()
    model = Gguf(TINYMOE)
    tensors = list(tensors_of(model, options.layers, options.experts))
    set_keys(model, options)
    write(model, tensors, options.out)


def set_keys(model: Gguf, options):
    numbers = KEYS | {"block_count": options.layers, "expert_count": options.experts}
    for name, value in numbers.items():
        model.keys[f"qwen35moe.{name}"] = (4, value)
    model.keys["qwen35moe.rope.dimension_sections"] = (9, (5, [11, 11, 10, 0]))
    model.set_text("general.name", "Qwen3.5-35B-A3B shapes, random")


def tensors_of(model: Gguf, layers: int, experts: int):
    """Name, shape and type, after the tiny model's layers of both kinds."""
    yield from ((t.name, [2048, *t.shape[1:]], t.type_id) for t in model.tensors
                if not t.name.startswith("blk."))
    for layer in range(layers):
        pattern = "blk.3." if (layer + 1) % INTERVAL == 0 else "blk.0."
        for tensor in model.tensors:
            if tensor.name.startswith(pattern):
                role = tensor.name.removeprefix(pattern)
                yield f"blk.{layer}.{role}", shape_of(role, experts), tensor.type_id


def shape_of(role: str, experts: int) -> list:
    if role == "ffn_gate_inp.weight":
        return [2048, experts]
    if role.endswith("_exps.weight"):
        return [512, 2048, experts] if role.startswith("ffn_down") else [2048, 512, experts]
    return SHAPES.get(role, [2048])


def write(model: Gguf, tensors: list, out: Path):
    model.tensors.clear()
    offset = 0
    for name, shape, type_id in tensors:
        model.tensors.append(Tensor(name, shape, type_id, offset))
        offset += -(-size_of(shape, type_id) // 32) * 32
    with out.open("wb") as file:
        file.write(model.header())
        for number, (_, shape, type_id) in enumerate(tensors):
            write_tensor(file, random.Random(number), size_of(shape, type_id), type_id)


def size_of(shape: list, type_id: int) -> int:
    return prod(shape) * (4 if type_id == F32 else 2)


def write_tensor(file, numbers: random.Random, size: int, type_id: int):
    step = 1 << 24
    for at in range(0, size, step):
        raw = bytearray(numbers.randbytes(min(step, size - at)))
        if type_id == F32:
            raw[2::4] = bytes(len(raw) // 4)
            raw[3::4] = raw[3::4].translate(HIGH_BYTES)
        else:
            raw[1::2] = raw[1::2].translate(HIGH_BYTES)
        file.write(raw)
    file.write(bytes(-size % 32))


if __name__ == "__main__":
    main()
