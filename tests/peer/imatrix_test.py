#!/usr/bin/env python3
"""bitgauge imatrix --merge against llama-imatrix, and its files in llama-quantize's hands.

    imatrix_test.py --program build/dev/bin/bitgauge [--models NAME...]

Two importance files, some experts without tokens, are merged by both programs: the table of tensors
and the values are equal in the GGUF file, and but for the number of windows the older format's bytes
are. (That number is the sum of the files' here, and guessed from the tokens there.) So is a file of
the older format that is made into GGUF. llama-quantize makes the same bytes of both programs' files.
Exit status 0 equal, 1 differs, 77 skipped (llama.cpp's tools or the model are not here).
"""

import argparse
import random
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/cli"))

import imatrix_files  # noqa: E402
from peer_test import SKIPPED, tools_folder  # noqa: E402
from quantize_test import MODELS, Header, data_difference, run  # noqa: E402

TYPE = {"tinymoe": "IQ2_XS", "babyllama105": "Q4_0", "babyllama105-pad256": "IQ2_XS"}
WINDOWS = slice(-4 - 4 - len(b"made up"), -4 - len(b"made up"))  # in the older format


@dataclass
class Programs:
    ours: Path
    theirs: Path

    def merge(self, folder: Path, inputs: list, name: str) -> tuple:
        """One file by each program."""
        ours, theirs = folder / f"ours-{name}", folder / f"theirs-{name}"
        files = ",".join(str(path) for path in inputs)
        run([self.ours, "imatrix", "--merge", files, "-o", ours])
        kind = ["--output-format", "dat"] if name.endswith(".dat") else []
        run([self.theirs / "llama-imatrix", "-m", "none.gguf", "--in-file", files, *kind,
             "-o", theirs])
        return ours, theirs

    def quantize(self, model: Path, importance: Path, kind: str) -> bytes:
        """The tensors that llama-quantize makes."""
        out = importance.with_suffix(".model.gguf")
        run([self.theirs / "llama-quantize", "--imatrix", importance, model, out, kind, "1"])
        header = Header(out)
        data = bytes(header.raw[header.data_begin:])
        out.unlink()
        return data


def run_models(description: str, compare_files) -> int:
    """Calls `compare_files(programs, model, folder, kind)` for each model; the exit status."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    options = parser.parse_args()
    tools = tools_folder()
    if tools is None:
        return SKIPPED
    programs = Programs(options.program.resolve(), tools)
    outcomes = [compare_model(programs, name, compare_files) for name in options.models]
    if False in outcomes:
        return 1
    return 0 if any(outcomes) else SKIPPED


def compare_model(programs: Programs, name: str, compare_files):
    model = MODELS[name][0]
    if not model.exists():
        print(f"skipped: {model} is not here")
        return None
    with tempfile.TemporaryDirectory(prefix="bitgauge-imatrix-") as folder:
        return compare_files(programs, model, Path(folder), TYPE[name])


def compare(programs: Programs, model: Path, folder: Path, kind: str) -> bool:
    first, second, older = make_inputs(model, folder)
    merged = programs.merge(folder, [first, second], "merged.gguf")
    as_dat = programs.merge(folder, [first, second], "merged.dat")
    converted = programs.merge(folder, [older], "converted.gguf")
    findings = {
        "merged": gguf_difference(*merged),
        "merged, older format": older_difference(*as_dat),
        "converted": gguf_difference(*converted),
    }
    for what, (ours, theirs) in {"GGUF": merged, "older format": as_dat}.items():
        same = programs.quantize(model, ours, kind) == programs.quantize(model, theirs, kind)
        findings[f"llama-quantize of the {what}"] = "" if same else "other bytes"
    for what, problem in findings.items():
        print(f"{model.stem}, {what}: {problem or 'equal'}", flush=True)
    return not any(findings.values())


def make_inputs(model: Path, folder: Path) -> tuple:
    entries = imatrix_files.entries_of(Header(model))
    paths = folder / "a.gguf", folder / "b.gguf", folder / "c.dat"
    imatrix_files.write_gguf(paths[0], entries)
    imatrix_files.write_gguf(paths[1], {name: other_values(*entry)
                                        for name, entry in entries.items()})
    imatrix_files.write_older(paths[2], entries)
    return paths


def other_values(channels: int, sums: list, counts: list) -> tuple:
    numbers = random.Random(7)
    return channels, [total * numbers.lognormvariate(0, 1) for total in sums], \
        [3 * count for count in counts]


# --- comparing ------------------------------------------------------------------------------------


def gguf_difference(ours: Path, theirs: Path) -> str:
    a, b = Header(ours), Header(theirs)
    keys = [own_keys(header) for header in (a, b)]
    if keys[0] != keys[1]:
        return f"keys {keys[0]} where llama-imatrix has {keys[1]}"
    if a.tensors != b.tensors:
        return "the table of tensors differs"
    return data_difference(a, b)


def own_keys(header: Header) -> list:
    return [(key, value) for key, value in header.keys.items()
            if key != "imatrix.chunk_count" and not key.startswith("bitgauge.")]


def older_difference(ours: Path, theirs: Path) -> str:
    raw = [bytearray(path.read_bytes()) for path in (ours, theirs)]
    for one in raw:
        one[WINDOWS] = bytes(4)
    return "" if raw[0] == raw[1] else "the bytes differ"


if __name__ == "__main__":
    sys.exit(run_models(__doc__.split("\n")[0], compare))
