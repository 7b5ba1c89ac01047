#!/usr/bin/env python3
"""Files rounded with error feedback in llama.cpp's own hands.

    feedback_test.py --program build/dev/bin/bitgauge [--types TYPE...]

For each type: the file has the tensors, types and shapes of llama-quantize's, and is as large but for
keys that say where it comes from; llama-perplexity reads it, and finds it nearer to the original than
llama-quantize's, on text that the rounding has not seen; llama-completion goes on with a prompt.
Exit status 0 so, 1 not so, 77 skipped (llama.cpp's tools or the model are not here).
"""

import argparse
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/cli"))

import printed_statistics as peer  # noqa: E402
from peer_test import SKIPPED, run, tools_folder  # noqa: E402
from quantize_test import Header  # noqa: E402

MODEL = ROOT / "tests/data/babyllama105/babyllama105-pad256-bf16.gguf"
TEXT = ROOT / "tests/data/babyllama105/tinystories.excerpt.txt"
TYPES = ("Q3_K_M", "IQ4_XS", "IQ3_S")
READ = 14000  # characters, which are this model's tokens
WINDOW = "256"
MOST_KEYS = 1024  # bytes
RATIO = 0.5
PROMPT = "Once upon a time"
GENERATED = 24  # tokens, which are characters


class Session:
    def __init__(self, program: Path, tools: Path, folder: Path):
        self.program, self.tools, self.folder = program, tools, folder
        text = TEXT.read_text(encoding="utf-8")
        self.read, self.held_out = folder / "read.txt", folder / "held-out.txt"
        self.read.write_text(text[:READ], encoding="utf-8")
        self.held_out.write_text(text[READ:], encoding="utf-8")
        self.imatrix, self.base = folder / "imatrix.gguf", folder / "base.kld"

    def prepare(self):
        run([self.program, "imatrix", MODEL, "-t", self.read, "--window", WINDOW, "-o", self.imatrix,
             "--threads", "1"])
        self.perplexity(MODEL)

    def make(self, kind: str) -> tuple:
        ours, theirs = self.folder / f"{kind}-ours.gguf", self.folder / f"{kind}-theirs.gguf"
        run([self.program, "quantize", MODEL, "-r", kind, "-i", self.imatrix, "--rounding", "feedback",
             "-t", self.read, "--window", WINDOW, "-o", ours, "--threads", "2", "--quiet"])
        run([self.tools / "llama-quantize", "--imatrix", self.imatrix, MODEL, theirs, kind, "2"])
        return ours, theirs

    def perplexity(self, model: Path, *arguments) -> str:
        return run([self.tools / "llama-perplexity", "-m", model, "-f", self.held_out, "-c", WINDOW,
                    "-t", "2", "--kl-divergence-base", self.base, *arguments]).stdout

    def divergence(self, model: Path) -> float:
        return peer.parse(self.perplexity(model, "--kl-divergence"))["Mean KLD"].value

    def continuation(self, model: Path) -> str:
        said = run([self.tools / "llama-completion", "-m", model, "-p", PROMPT, "-n", str(GENERATED), "--temp", "0",
                    "-no-cnv", "--no-warmup", "-t", "1"]).stdout.strip()
        return said.removeprefix(PROMPT)


def compare(session: Session, kind: str) -> list:
    ours, theirs = session.make(kind)
    a, b = Header(ours), Header(theirs)
    more = ours.stat().st_size - theirs.stat().st_size
    near, far = session.divergence(ours), session.divergence(theirs)
    print(f"{kind}: {more} bytes of keys more; KLD by llama-perplexity {near:.5f}, llama-quantize's "
          f"{far:.5f}, ratio {near / far:.3f}", flush=True)
    problems = []
    if a.tensors != b.tensors:
        problems.append(f"{kind}: the table of tensors differs")
    if len(a.raw) - a.data_begin != len(b.raw) - b.data_begin or more > MOST_KEYS:
        problems.append(f"{kind}: of another size")
    text = session.continuation(ours)
    print(f"{kind}: {PROMPT}{text}", flush=True)
    if not GENERATED - 2 <= len(text) <= GENERATED:  # blanks at the end are lost
        problems.append(f"{kind}: generates '{text}'")
    if near > RATIO * far:
        problems.append(f"{kind}: hardly nearer to the original")
    return problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--types", nargs="+", default=TYPES)
    options = parser.parse_args()
    tools = tools_folder()
    if tools is None:
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="bitgauge-feedback-") as folder:
        session = Session(options.program.resolve(), tools, Path(folder))
        session.prepare()
        problems = [problem for kind in options.types for problem in compare(session, kind)]
    for problem in problems:
        print(f"  {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
