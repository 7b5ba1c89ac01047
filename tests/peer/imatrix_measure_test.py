#!/usr/bin/env python3
"""Importance as bitgauge measures it against llama-imatrix, over the same windows.

    imatrix_measure_test.py --program build/dev/bin/bitgauge [--models NAME...]

- The first windows of a text: equal tensors and counts, sums within 1e-5.
- More of it: llama-imatrix adds up in single precision and drifts by more than that, so it measures
  each piece by itself, and its sums are added here in double: again within 1e-5.
- llama-quantize accepts the file and makes nearly the same bytes as of llama-imatrix's: where the
  last digits of a value decide, another block may win.

Exit status 0 equal, 1 differs, 77 skipped (llama.cpp's tools or the model are not here).
"""

import sys
from array import array
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/cli"))

from gguf_edit import Gguf  # noqa: E402
from imatrix_test import Programs, run_models  # noqa: E402
from quantize_test import run  # noqa: E402

TEXT = ROOT / "tests/data/babyllama105/tinystories.excerpt.txt"
WINDOW = 256  # what the smallest model was trained for
PIECE = 4  # windows
PIECES = 5
BOUND = 1e-5
QUANTIZED_BOUND = 0.002  # share of a file's bytes


def compare(programs: Programs, model: Path, folder: Path, kind: str) -> bool:
    short, long = folder / "short.gguf", folder / "long.gguf"
    measure(programs, model, short, PIECE)
    measure(programs, model, long, PIECE * PIECES)
    pieces = [peer_piece(programs, model, folder, i) for i in range(PIECES)]
    findings = {
        f"{PIECE} windows": difference(sums_of(short), sums_of(pieces[0])),
        f"{PIECE * PIECES} windows": difference(sums_of(long), added([sums_of(p) for p in pieces])),
        "llama-quantize": quantized_difference(programs, model, short, pieces[0], kind),
    }
    for what, (value, bound) in findings.items():
        print(f"{model.stem}, {what}: differs by {value:.2g} (at most {bound:g})", flush=True)
    return all(value <= bound for value, bound in findings.values())


def measure(programs: Programs, model: Path, out: Path, windows: int):
    run([programs.ours, "imatrix", model, "-t", TEXT, "--protocol", "llama-imatrix", "--window",
         str(WINDOW), "--max-windows", str(windows), "-o", out, "--threads", "1"])


def peer_piece(programs: Programs, model: Path, folder: Path, index: int) -> Path:
    out = folder / f"piece-{index}.gguf"
    run([programs.theirs / "llama-imatrix", "-m", model, "-f", TEXT, "-c", str(WINDOW), "--chunk",
         str(index * PIECE), "--chunks", str(PIECE), "--no-ppl", "-t", "1", "-o", out])
    return out


def sums_of(path: Path) -> dict:
    """Every tensor's numbers, by the name in the file."""
    file = Gguf(path)
    sums = {}
    for tensor in file.tensors:
        if tensor.name.startswith("bitgauge."):
            continue
        size = 4 * tensor.shape[0] * (tensor.shape[1] if len(tensor.shape) > 1 else 1)
        values = array("f")
        values.frombytes(bytes(file.data[tensor.offset:tensor.offset + size]))
        sums[tensor.name] = list(values)
    return sums


def added(pieces: list) -> dict:
    total = {name: list(values) for name, values in pieces[0].items()}
    for piece in pieces[1:]:
        for name, values in piece.items():
            total[name] = [a + b for a, b in zip(total[name], values)]
    return total


def difference(ours: dict, theirs: dict) -> tuple:
    """The largest relative one; infinite for other tensors or other counts."""
    if ours.keys() != theirs.keys():
        print("other tensors:", sorted(ours.keys() ^ theirs.keys())[:5])
        return float("inf"), BOUND
    worst = 0.0
    for name, values in ours.items():
        if name.endswith(".counts") and values != theirs[name]:
            print(f"other counts of {name}")
            return float("inf"), BOUND
        worst = max([worst] + [abs(a - b) / max(abs(b), 1e-30)
                               for a, b in zip(values, theirs[name])])
    return worst, BOUND


def quantized_difference(programs: Programs, model: Path, ours: Path, theirs: Path,
                         kind: str) -> tuple:
    a, b = (programs.quantize(model, path, kind) for path in (ours, theirs))
    if len(a) != len(b):
        return float("inf"), QUANTIZED_BOUND
    return sum(x != y for x, y in zip(a, b)) / len(a), QUANTIZED_BOUND


if __name__ == "__main__":
    sys.exit(run_models(__doc__.split("\n")[0], compare))
