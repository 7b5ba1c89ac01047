"""Importance files made up for tests, in both of llama.cpp's formats, from a model's header.

The numbers are random but the same everywhere; in tensors of experts some experts have no tokens.
"""

import random
import struct
from array import array
from math import prod
from pathlib import Path

from gguf_edit import ARRAY, STRING, Gguf, Tensor

F32, UINT32 = 0, 4
CHUNKS = 12


def entries_of(model: Gguf, unseen_share: float = 0.1) -> dict:
    """Tensor -> (channels, sums, counts), for matrices inside the layers as llama-imatrix has them."""
    numbers = random.Random(20260101)
    entries = {}
    for tensor in model.tensors:
        if len(tensor.shape) < 2 or not tensor.name.startswith("blk.") or "norm" in tensor.name:
            continue
        channels, matrices = tensor.shape[0], (tensor.shape + [1])[2]
        counts = [numbers.randint(1, 900) for _ in range(matrices)]
        if matrices > 1:
            counts = [0 if numbers.random() < unseen_share else count for count in counts]
        sums = [count * numbers.lognormvariate(0, 1.5) for count in counts for _ in range(channels)]
        entries[tensor.name] = (channels, sums, counts)
    return entries


def write_gguf(path: Path, entries: dict):
    keys = {"general.type": (STRING, "imatrix"), "imatrix.datasets": (ARRAY, (STRING, ["made up"])),
            "imatrix.chunk_count": (UINT32, CHUNKS), "imatrix.chunk_size": (UINT32, 512)}
    file = object.__new__(Gguf)
    file.version, file.keys, file.tensors, file.data = 3, keys, [], bytearray()
    for name, (channels, sums, counts) in entries.items():
        add(file, f"{name}.in_sum2", [channels, len(counts)], sums)
        add(file, f"{name}.counts", [1, len(counts)], counts)
    file.write(path)


def add(file: Gguf, name: str, shape: list, values: list):
    assert prod(shape) == len(values)
    file.tensors.append(Tensor(name, shape, F32, len(file.data)))
    file.data += array("f", values).tobytes()
    file.data += bytes(-len(file.data) % 32)


def write_older(path: Path, entries: dict):
    """imatrix.dat: means times calls; an expert without tokens has the mean 1."""
    out = bytearray(struct.pack("<i", len(entries)))
    for name, (channels, sums, counts) in entries.items():
        means = [total / counts[i // channels] if counts[i // channels] else 1.0
                 for i, total in enumerate(sums)]
        out += struct.pack("<i", len(name)) + name.encode()
        out += struct.pack("<ii", CHUNKS, len(means))
        out += array("f", (CHUNKS * mean for mean in means)).tobytes()
    path.write_bytes(bytes(out) + struct.pack("<ii", CHUNKS, 7) + b"made up")
