#!/usr/bin/env python3
"""Greedy answers of `bitgauge run` against llama-completion, byte by byte.

    run_test.py --program build/dev/bin/bitgauge

Texts continued as they stand, and messages in the model's own template, by two models; with and
without a repeat penalty. And what is drawn: the same seed draws the same.
Exit status 0 the same, 1 not, 77 skipped (llama.cpp's tools or the models are not here).
"""

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

from peer_test import SKIPPED, tools_folder  # noqa: E402

TINYMOE = ROOT / "data/tinymoe/tinymoe-BF16.gguf"
BABY = ROOT / "tests/data/babyllama105/babyllama105-f32.gguf"
TEXTS = ("Once upon a time", "One day, the dog", "The history of the city begins with",
         "def main():", "It is well known that")
TOKENS = 48
GREEDY = ("--temp", "0")
CASES = {
    "greedy": GREEDY,
    "repeat penalty": (*GREEDY, "--repeat-penalty", "1.3"),
    "drawn": ("--temp", "0.8", "--top-k", "40", "--top-p", "0.95", "--min-p", "0.05", "--seed", "7"),
}


def output(command: list) -> bytes:
    done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=300)
    if done.returncode != 0:
        sys.exit(f"{command[0]}: {done.stderr.decode('utf-8', 'replace')}")
    return done.stdout


def by_peer(tools: Path, model: Path, text: str, template: bool, options: tuple) -> bytes:
    way = ["-cnv", "--jinja", "-st"] if template else ["-no-cnv"]
    out = output([tools / "llama-completion", "-m", model, "-p", text, "-n", TOKENS, "-t", "1", "-c", "1024",
                  "-fit", "off", "--no-display-prompt", "--no-warmup", "-s", "7", *way, *options])
    return cleaned(out)


def by_us(program: Path, model: Path, text: str, template: bool, options: tuple) -> bytes:
    way = [] if template else ["--raw"]
    return cleaned(output([program, "run", model, "-p", text, "-n", TOKENS, "-t", "1", "-c", "1024", "-q",
                           *way, *options]))


def cleaned(out: bytes) -> bytes:
    """What llama-completion says of the end, and line feeds around the answer."""
    return out.replace(b"[end of text]", b"").strip()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--program", type=Path, required=True)
    options = parser.parse_args()
    tools = tools_folder()
    if tools is None or not TINYMOE.exists():
        return SKIPPED
    failed = 0
    for name, sampling in CASES.items():
        for model, template in ((BABY, False), (TINYMOE, False), (TINYMOE, True)):
            same = 0
            for text in TEXTS:
                theirs = by_peer(tools, model, text, template, sampling)
                ours = by_us(options.program.resolve(), model, text, template, sampling)
                same += ours == theirs
                if ours != theirs:
                    print(f"  {text!r}\n    llama-completion {theirs!r}\n    bitgauge         {ours!r}")
            failed += same < len(TEXTS)
            print(f"{name}, {model.stem}{', in its template' if template else ''}: "
                  f"{same} of {len(TEXTS)} the same", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
