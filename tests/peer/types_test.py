#!/usr/bin/env python3
"""The type of every tensor: bitgauge's presets against `llama-quantize --dry-run`.

    types_test.py --program build/dev/bin/bitgauge [--models NAME...] [--types TYPE...]

For tiny models of many architectures (tiny_architectures.py) and every file type of llama.cpp, with
an importance matrix and without: what `bitgauge recipe explain` resolves must equal what
llama-quantize says it would write, tensor for tensor. The same with a --tensor-type-file that
overrides some tensors (which moves what the mixture counts), imported; and with one that bitgauge
has exported.
Exit status 0 agrees, 1 differs, 77 skipped (llama.cpp's tools are not here).
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import tiny_architectures

ROOT = Path(__file__).resolve().parent.parent.parent
SKIPPED = 77
LINE = re.compile(r"^\[ *\d+/ *\d+\] (\S+) .* type = +(\w+), size = .*?(?:-> .*\((\w+)\))?$")
FAILED = re.compile(r"failed to quantize: (.*)")
SOURCE = "llama.cpp src/llama-quant.cpp"
OVERRIDES = "blk\\.[0-2]\\.attn_(v|qkv|kv_b)=q8_0\nFFN_DOWN=iq4_nl blk.*attn_o=Q5_K\nffn_down=q2_K\n"
OVERRIDDEN_TYPES = ("Q4_K_M", "Q4_K_S", "Q3_K_M", "IQ2_M", "Q8_0")


def main() -> int:
    options = parse_arguments()
    built = subprocess.run([ROOT / "scripts/build_peer"], capture_output=True, text=True)
    if built.returncode != 0:
        print(f"skipped: {built.stderr.strip()}")
        return SKIPPED
    peer = Path(built.stdout.strip()) / "llama-quantize"
    types = options.types or file_types(options.program)
    with tempfile.TemporaryDirectory(prefix="bitgauge-types-") as folder:
        tiny_architectures.write_importance(Path(folder) / "imatrix.gguf")
        with ThreadPoolExecutor(max_workers=2) as pool:
            outcomes = list(pool.map(
                lambda name: compare_model(name, types, options.program, peer, Path(folder)),
                options.models))
    compared, failures = (sum(column) for column in zip(*outcomes))
    print(f"{len(outcomes)} models, {compared} comparisons, {failures} differ")
    return 1 if failures else 0


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", type=Path, required=True)
    names = list(tiny_architectures.MODELS)
    parser.add_argument("--models", nargs="+", choices=names, default=names)
    parser.add_argument("--types", nargs="+", help="instead of every file type")
    return parser.parse_args()


def file_types(program: Path) -> list:
    """The presets that are llama.cpp's own."""
    listed = subprocess.run([program, "recipe", "list", "--json"], capture_output=True, check=True)
    return [recipe["name"] for recipe in json.loads(listed.stdout)["recipes"]
            if recipe["source"].startswith(SOURCE)]


def compare_model(name: str, types: list, program: Path, peer: Path, folder: Path) -> tuple:
    model, importance = folder / f"{name}.gguf", folder / "imatrix.gguf"
    tiny_architectures.write_model(model, name)
    compared, failures = 0, 0
    for kind in types:
        for given in (False, True):
            theirs = peer_types(peer, model, kind, importance if given else None)
            ours = own_types(program, model, kind, given)
            compared += 1
            failures += report(f"{name} {kind}{' with importance' if given else ''}", theirs, ours)
    for kind in OVERRIDDEN_TYPES:
        compared += 2
        failures += compare_overridden(name, kind, program, peer, model)
        failures += compare_exported(name, kind, program, peer, model)
    print(f"{name}: {compared} comparisons, {failures} differ", flush=True)
    model.unlink()
    return compared, failures


def compare_overridden(name: str, kind: str, program: Path, peer: Path, model: Path) -> int:
    """Their rules in our hands."""
    rules, recipe = model.with_suffix(".types"), model.with_suffix(".recipe")
    rules.write_text(OVERRIDES)
    recipe.write_text(output([program, "recipe", "import", rules, "--base", kind]))
    return report(f"{name} {kind}, overridden", peer_types(peer, model, kind, None, rules),
                  own_types(program, model, recipe, False))


def compare_exported(name: str, kind: str, program: Path, peer: Path, model: Path) -> int:
    """Our types in their hands, over a mixture of their own that has no say."""
    rules = model.with_suffix(".types")
    rules.write_text(output([program, "recipe", "export", "-i", model, kind]))
    return report(f"{name} {kind}, exported", peer_types(peer, model, "IQ3_XS", None, rules),
                  own_types(program, model, kind, True))


def output(command: list) -> str:
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


def peer_types(peer: Path, model: Path, kind: str, importance, rules=None) -> dict:
    """Tensor -> type, or {"": reason} where the peer gives up."""
    options = ["--imatrix", importance] if importance else []
    options += ["--tensor-type-file", rules] if rules else []
    done = subprocess.run([peer, "--dry-run", *options, model, kind],
                          capture_output=True, text=True, timeout=120)
    text = done.stdout + done.stderr
    if done.returncode != 0:
        reason = FAILED.search(text)
        return {"": reason.group(1) if reason else text.strip().splitlines()[-1]}
    found = (LINE.match(line) for line in text.splitlines())
    return {line.group(1): line.group(3) or line.group(2) for line in found if line}


def own_types(program: Path, model: Path, kind, importance: bool) -> dict:
    given = ["--with-importance"] if importance else []
    done = subprocess.run([program, "recipe", "explain", "--json", *given, model, kind],
                          capture_output=True, text=True, timeout=120)
    if not done.stdout:
        return {"": done.stderr.strip()}
    return {tensor["name"]: tensor["type"] for tensor in json.loads(done.stdout)["tensors"]}


def report(what: str, theirs: dict, ours: dict) -> int:
    if theirs == ours:
        return 0
    if "" in theirs and "" in ours:
        print(f"  both refuse {what}: {theirs['']} | {ours['']}")
        return 0
    names = [name for name in theirs | ours if theirs.get(name) != ours.get(name)]
    print(f"  differs: {what}: {len(names)} tensors")
    for name in names[:3]:
        print(f"    {name or 'refused'}: theirs {theirs.get(name)}, ours {ours.get(name)}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
