#!/usr/bin/env python3
"""bitgauge quantize against llama-quantize: the same file but for where it says it comes from.

    quantize_test.py --program build/dev/bin/bitgauge [--models NAME...] [--types TYPE...]

For each model, file type and importance file (none, GGUF, the older format): the tensor data, the
table of tensors, and all key-values but "bitgauge.*" are equal, in order. A model in shards is
quantized into shards. `--model FILE` compares any other model.
Exit status 0 equal, 1 differs, 77 skipped (llama.cpp's tools or the model are not here).
"""

import argparse
import mmap
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/cli"))

import imatrix_files  # noqa: E402
import inputs  # noqa: E402
from gguf_edit import Gguf  # noqa: E402
from peer_test import SKIPPED, tools_folder  # noqa: E402

STEP = 1 << 24
K_TYPES = ("Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q4_K_S", "Q4_0", "Q5_0", "IQ4_NL", "IQ4_XS",
           "Q3_K_L", "Q2_K", "IQ3_S", "MXFP4_MOE", "F16")
PLAIN_TYPES = ("Q8_0", "Q5_1", "Q5_0", "Q4_1", "Q4_0", "IQ4_NL", "Q4_K_M", "Q6_K", "Q3_K_M", "Q2_K",
               "IQ4_XS", "F16", "BF16", "Q5_K_S")
NEEDY_TYPES = ("IQ2_XXS", "IQ3_XXS", "IQ1_M", "Q2_K_S")
MODELS = {
    "tinymoe": (ROOT / "data/tinymoe/tinymoe-BF16.gguf", K_TYPES),
    "babyllama105": (ROOT / "tests/data/babyllama105/babyllama105-f32.gguf", PLAIN_TYPES),
    "babyllama105-pad256": (ROOT / "tests/data/babyllama105/babyllama105-pad256-bf16.gguf", K_TYPES),
}


class Header(Gguf):
    """The header alone; the data stays in the file."""

    def __init__(self, path: Path):
        with path.open("rb") as file:
            self.raw = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.read_header(path)
        self.data_begin = self.padded(self.position)


@dataclass
class Comparison:
    model: Path
    tools: Path
    program: Path
    folder: Path
    threads: int

    def ours(self, kind: str, out: Path, imatrix, *options) -> list:
        """Seconds and output files."""
        importance = ["-i", imatrix] if imatrix else []
        command = [self.program, "quantize", self.model, "-r", kind, "-o", out, *importance,
                   "--threads", self.threads, "--quiet", *options]
        return run(command)

    def theirs(self, kind: str, out: Path, imatrix, *options) -> float:
        importance = ["--imatrix", imatrix] if imatrix else []
        return run([self.tools / "llama-quantize", *importance, *options, self.model, out, kind,
                    self.threads])


def main() -> int:
    options = parse_arguments()
    tools = tools_folder()
    if tools is None:
        return SKIPPED
    models = {options.model.stem: (options.model, K_TYPES)} if options.model else \
        {name: MODELS[name] for name in options.models}
    outcomes = [compare_model(path, options.types or types, options, tools)
                for path, types in models.values()]
    if any(outcome is False for outcome in outcomes):
        return 1
    return 0 if any(outcomes) else SKIPPED


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--model", type=Path, help="another model")
    parser.add_argument("--types", nargs="+", help="instead of each model's own list")
    parser.add_argument("--threads", default="2")
    return parser.parse_args()


def compare_model(path: Path, types, options, tools: Path):
    if not path.exists():
        print(f"skipped: {path} is not here")
        return None
    with tempfile.TemporaryDirectory(prefix="bitgauge-quantize-") as folder:
        comparison = Comparison(path, tools, options.program.resolve(), Path(folder),
                                options.threads)
        failures = compare_types(comparison, types, bool(options.types))
        if not options.model:
            failures += compare_shards(comparison)
    return not failures


def compare_types(comparison: Comparison, types, only_these: bool) -> int:
    entries = imatrix_files.entries_of(Header(comparison.model))
    gguf, older = comparison.folder / "imatrix.gguf", comparison.folder / "imatrix.dat"
    imatrix_files.write_gguf(gguf, entries)
    imatrix_files.write_older(older, entries)
    runs = [(kind, imatrix) for kind in types for imatrix in (None, gguf)
            if imatrix or kind not in NEEDY_TYPES]
    runs += [(kind, older) for kind in types[:3]]
    if not only_these:
        runs += [(kind, gguf) for kind in NEEDY_TYPES]
    return sum(compare_type(comparison, kind, imatrix) for kind, imatrix in runs)


def compare_type(comparison: Comparison, kind: str, imatrix) -> int:
    ours, theirs = comparison.folder / "ours.gguf", comparison.folder / "theirs.gguf"
    our_s = comparison.ours(kind, ours, imatrix)
    their_s = comparison.theirs(kind, theirs, imatrix)
    problem = difference(ours, theirs)
    print(f"{comparison.model.stem} {kind} {imatrix.name if imatrix else '-'}: "
          f"{problem or 'equal'}, {our_s:.2f} s, llama-quantize {their_s:.2f} s", flush=True)
    ours.unlink()
    theirs.unlink()
    return bool(problem)


def compare_shards(comparison: Comparison) -> int:
    """The model in three shards, quantized into three."""
    inputs.split(comparison.folder / "part", str(comparison.model), "3")
    whole, comparison.model = comparison.model, comparison.folder / "part-00001-of-00003.gguf"
    comparison.ours("Q4_0", comparison.folder / "ours.gguf", None, "--keep-split")
    comparison.theirs("Q4_0", comparison.folder / "theirs.gguf", None, "--keep-split")
    comparison.model = whole
    failures = 0
    for number in (1, 2, 3):
        name = f"-{number:05}-of-00003.gguf"
        problem = difference(comparison.folder / f"ours{name}", comparison.folder / f"theirs{name}")
        print(f"{whole.stem} shard {number}: {problem or 'equal'}", flush=True)
        failures += bool(problem)
    return failures


# --- comparing ------------------------------------------------------------------------------------


def difference(ours: Path, theirs: Path) -> str:
    """The first thing that differs; empty when nothing does."""
    a, b = Header(ours), Header(theirs)
    own = [(key, value) for key, value in a.keys.items() if not key.startswith("bitgauge.")]
    for mine, other in zip(own, b.keys.items()):
        if mine != other:
            return f"key {mine[0]} where llama-quantize has {other[0]}, or another value"
    if len(own) != len(b.keys):
        return f"{len(own)} keys where llama-quantize has {len(b.keys)}"
    if a.tensors != b.tensors:
        return "the table of tensors differs"
    return data_difference(a, b)


def data_difference(a: Header, b: Header) -> str:
    size = len(a.raw) - a.data_begin
    if size != len(b.raw) - b.data_begin:
        return "the data is of another size"
    for at in range(0, size, STEP):
        mine = a.raw[a.data_begin + at:a.data_begin + min(at + STEP, size)]
        if mine != b.raw[b.data_begin + at:b.data_begin + min(at + STEP, size)]:
            return f"the data differs in tensor {first_differing_tensor(a, b)}"
    return ""


def first_differing_tensor(a: Header, b: Header) -> str:
    ends = [tensor.offset for tensor in a.tensors[1:]] + [len(a.raw) - a.data_begin]
    for tensor, end in zip(a.tensors, ends):
        mine = a.raw[a.data_begin + tensor.offset:a.data_begin + end]
        if mine != b.raw[b.data_begin + tensor.offset:b.data_begin + end]:
            return f"{tensor.name} (type {tensor.type_id})"
    return "none"


def run(command: list) -> float:
    began = time.monotonic()
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return time.monotonic() - began


if __name__ == "__main__":
    sys.exit(main())
