#!/usr/bin/env python3
"""bitgauge against llama-perplexity, built from the same source and linked to the same library.

    peer_test.py --program build/dev/bin/bitgauge [--models NAME...] [--types TYPE...]

For each model and type: llama-quantize makes the file, llama-perplexity measures it. bitgauge must
then agree
- with the peer's own base file imported: every printed statistic to the last printed digit but one;
- with a baseline of its own: PPL to 4 significant digits, mean KLD within 1 % + 1e-5 (the peer's
  base file keeps 16 bits per token and clips at 16 nats; bitgauge's keeps hidden states).
Everything runs one after another: two programs of ggml at once wait for each other's threads.
Exit status 0 agrees, 1 differs, 77 skipped (llama.cpp's tools or the model are not here).
"""

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import printed_statistics as peer

ROOT = Path(__file__).resolve().parent.parent.parent
SKIPPED = 77
OWN_KLD_RELATIVE, OWN_KLD_ABSOLUTE = 0.01, 1e-5
OWN_PPL_DIGITS = 4


@dataclass(frozen=True)
class Model:
    path: Path
    text: Path
    context: int
    windows: int
    types: tuple


K_TYPES = ("Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q4_0", "IQ4_XS", "Q3_K_M", "IQ3_S", "Q2_K")
PLAIN_TYPES = ("Q8_0", "Q5_1", "Q5_0", "Q4_1", "Q4_0", "IQ4_NL", "F16", "BF16")
MODELS = {
    "tinymoe": Model(ROOT / "data/tinymoe/tinymoe-BF16.gguf",
                     ROOT / "data/text/wiki.test.excerpt.raw", 512, 16, K_TYPES),
    "babyllama105": Model(ROOT / "tests/data/babyllama105/babyllama105-f32.gguf",
                          ROOT / "tests/data/babyllama105/tinystories.excerpt.txt", 256, 40, PLAIN_TYPES),
    "babyllama105-pad256": Model(ROOT / "tests/data/babyllama105/babyllama105-pad256-bf16.gguf",
                                 ROOT / "tests/data/babyllama105/tinystories.excerpt.txt", 256, 40,
                                 K_TYPES),
}


# How bitgauge is asked for the same thing: the one place that knows its command line.
def import_command(model: Model, base: Path, folder: Path) -> list:
    return ["baseline", str(model.path), "--import", str(base), "-o", str(folder)]


def own_command(model: Model, folder: Path) -> list:
    return ["baseline", str(model.path), "-t", str(model.text), "--protocol", "llama-perplexity",
            "--window", str(model.context), "--max-windows", str(model.windows), "-o", str(folder)]


def measure_command(candidate: Path, folder: Path, store: Path) -> list:
    return ["measure", str(candidate), "-b", str(folder), "--store", str(store), "--json"]


def statistics_of(record: dict) -> dict:
    """Name -> value in the peer's unit (percent where it prints percent)."""
    return record["peer_statistics"]


def main() -> int:
    options = parse_arguments()
    tools = tools_folder()
    if tools is None:
        return SKIPPED
    outcomes = [compare_model(name, options, tools) for name in options.models]
    if "failed" in outcomes:
        return 1
    return SKIPPED if all(outcome == "skipped" for outcome in outcomes) else 0


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--types", nargs="+", help="instead of each model's own list")
    parser.add_argument("--table", type=Path, help="append one line per comparison to this file")
    return parser.parse_args()


def tools_folder():
    built = subprocess.run([ROOT / "scripts/build_peer"], capture_output=True, text=True)
    if built.returncode != 0:
        print(f"skipped: {built.stderr.strip()}")
        return None
    return Path(built.stdout.strip())


# --- one model ------------------------------------------------------------------------------------


def compare_model(name: str, options, tools: Path) -> str:
    model = MODELS[name]
    for needed in (model.path, model.text):
        if not needed.exists():
            print(f"skipped: {name}: {needed.relative_to(ROOT)} is not here")
            return "skipped"
    with tempfile.TemporaryDirectory(prefix="bitgauge-peer-") as folder:
        failures = compare_types(name, model, options, Session(model, tools, options, Path(folder)))
    for failure in failures:
        print(f"  differs: {failure}")
    return "failed" if failures else "passed"


def compare_types(name: str, model: Model, options, session: "Session") -> list:
    session.prepare()
    failures = []
    for kind in options.types or model.types:
        printed, imported, own = session.measure(kind)
        differing = peer.differences(printed, statistics_of(imported)) + own_differences(printed, own)
        failures += [f"{name} {kind}: {difference}" for difference in differing]
        report(name, kind, printed, imported, own, len(differing), options.table)
    return failures


def own_differences(printed: dict, own: dict) -> list:
    found = []
    ppl, kld = printed["Mean PPL(Q)"].value, printed["Mean KLD"].value
    own_ppl, own_kld = own["ppl"]["value"], own["kld_nats"]["mean"]["value"]
    if abs(own_ppl - ppl) > 0.5 * 10 ** (len(str(int(ppl))) - OWN_PPL_DIGITS):
        found.append(f"own baseline: PPL {own_ppl:.6f}, the peer prints {ppl:.6f}")
    if abs(own_kld - kld) > OWN_KLD_RELATIVE * kld + OWN_KLD_ABSOLUTE:
        found.append(f"own baseline: mean KLD {own_kld:.6f}, the peer prints {kld:.6f}")
    return found


def report(name, kind, printed, imported, own, differing, table):
    line = (f"{name} {kind}: KLD peer {printed['Mean KLD'].text}, imported "
            f"{statistics_of(imported)['Mean KLD']:.6f}, own {own['kld_nats']['mean']['value']:.6f};"
            f" PPL peer {printed['Mean PPL(Q)'].text}, own {own['ppl']['value']:.6f}; "
            f"{'agrees' if not differing else f'{differing} differences'}")
    print(line, flush=True)
    if table:
        with table.open("a", encoding="utf-8") as out:
            out.write(line + "\n")


class Session:
    """The files and programs of one model's comparison, in a folder that goes away afterwards."""

    def __init__(self, model: Model, tools: Path, options, folder: Path):
        self.model, self.tools, self.folder = model, tools, folder
        self.program = options.program.resolve()
        self.base, self.imported, self.own = folder / "base.kld", folder / "imported", folder / "own"

    def prepare(self):
        """The peer's base file, the same imported, and a baseline of our own."""
        self.perplexity(self.model.path, "--kl-divergence-base", self.base,
                        complete=lambda output: "Final estimate" in output)
        self.bitgauge(import_command(self.model, self.base, self.imported))
        self.bitgauge(own_command(self.model, self.own))

    def measure(self, kind: str):
        candidate = self.folder / f"{kind}.gguf"
        run([self.tools / "llama-quantize", self.model.path, candidate, kind, "2"])
        output = self.perplexity(candidate, "--kl-divergence-base", self.base, "--kl-divergence",
                                 complete=peer.is_complete)
        records = [json.loads(self.bitgauge(measure_command(candidate, folder, self.folder / "db")))
                   for folder in (self.imported, self.own)]
        candidate.unlink()
        return peer.parse(output), *map(only, records)

    def perplexity(self, model: Path, *arguments, complete) -> str:
        command = [self.tools / "llama-perplexity", "-m", model, "-f", self.model.text, "-c",
                   self.model.context, "--chunks", self.model.windows, *arguments]
        done = run(command)
        if not complete(done.stdout + done.stderr):
            raise RuntimeError(f"llama-perplexity did not print its end:\n{done.stderr[-2000:]}")
        return done.stdout

    def bitgauge(self, arguments: list) -> str:
        return run([self.program, *arguments]).stdout


def only(records):
    """The record of the one file that was measured, be it printed bare or in a list."""
    return records[0] if isinstance(records, list) else records


def run(command: list):
    command = [str(word) for word in command]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise RuntimeError(f"status {done.returncode}: {' '.join(command)}\n{done.stderr[-2000:]}")
    return done


if __name__ == "__main__":
    sys.exit(main())
