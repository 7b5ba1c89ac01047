"""What `bitgauge sweep` is held against: a file and a llama-perplexity run for each tensor.

Both sides run one thread. Times are those of whole processes with their descendants.
"""

import json
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Optional

sys.path[:0] = [str(Path(__file__).resolve().parent)]

from against_peer import Cost, run, total  # noqa: E402
from kept import Kept  # noqa: E402


@dataclass
class Setting:
    """The models and texts of a comparison, and where its work lies."""

    original: Path
    text: Path
    imatrix: Optional[Path]
    windows: int  # of brute force
    window: int
    peer: Path  # folder of llama.cpp's tools
    work: Path

    def importance(self, option: str) -> list:
        return [option, self.imatrix] if self.imatrix else []


def built_peer(root: Path) -> Path:
    """The folder of llama.cpp's tools, built where they are not."""
    return Path(subprocess.run([root / "scripts/build_peer"], check=True, text=True,
                               stdout=subprocess.PIPE).stdout.strip())


def cut_text(s: Setting, text: Path) -> Path:
    """The first lines of `text`, as few as fill the windows of brute force; so both sides have the
    same text, however they cut it. The text itself where it has no more than that."""
    lines = text.read_text(encoding="utf-8").splitlines(keepends=True)
    part = s.work / f"first-lines-of-{text.name}"

    def tokens(n: int) -> int:
        part.write_text("".join(lines[:n]), encoding="utf-8")
        printed = subprocess.run([s.peer / "llama-tokenize", "-m", s.original, "-f", part,
                                  "--show-count", "--ids", "--log-disable"], check=True, text=True,
                                 stdout=subprocess.PIPE).stdout
        return int(re.search(r"number of tokens: (\d+)", printed)[1])

    few, enough = 0, len(lines)
    while enough - few > 1:
        middle = (few + enough) // 2
        few, enough = (few, middle) if tokens(middle) >= s.windows * s.window else (middle, enough)
    tokens(enough)
    return part


# --- brute force ----------------------------------------------------------------------------------


class BruteForce:
    def __init__(self, setting: Setting):
        self.s = setting
        self.log = setting.work / "log.txt"
        self.logits = setting.work / "peer.base"

    def quantize(self, source: Path, target: Path, tensor: str, kind: str, *arguments) -> Cost:
        """`tensor` in `kind`, all others in BF16. The first pattern that matches counts; they are
        looked at only where the file's type, here Q8_0, is a quantized one."""
        return run([self.s.peer / "llama-quantize", *arguments, *self.s.importance("--imatrix"),
                    "--tensor-type", f"^{re.escape(tensor)}$={kind.lower()}", "--tensor-type",
                    ".*=bf16", source, target, "Q8_0", 1], self.log)

    def perplexity(self, model: Path, *arguments) -> tuple:
        """Time and, where there is one, the mean divergence."""
        printed = self.s.work / "perplexity.txt"
        printed.unlink(missing_ok=True)
        cost = run([self.s.peer / "llama-perplexity", "-m", model, "-f", self.s.text, "-c",
                    self.s.window, "--chunks", self.s.windows, "-t", 1, "--kl-divergence-base",
                    self.logits, *arguments], printed)
        found = re.search(r"Mean\s+KLD:\s+(\S+)", printed.read_text(encoding="utf-8"))
        return cost, float(found[1]) if found else math.nan

    def base(self) -> dict:
        """Writes the original's logits."""
        self.logits.unlink(missing_ok=True)
        return {"cost": asdict(self.perplexity(self.s.original)[0]),
                "base_bytes": self.logits.stat().st_size}

    def floor(self) -> dict:
        """The original against itself."""
        return {"kld_nats": self.perplexity(self.s.original, "--kl-divergence")[1]}

    def one(self, tensor: str, kind: str) -> dict:
        """A file with one tensor quantized, and its divergence."""
        model = self.s.work / "one.gguf"
        making = self.quantize(self.s.original, model, tensor, kind)
        size = model.stat().st_size
        measuring, kld = self.perplexity(model, "--kl-divergence")
        model.unlink()
        return {"type": kind, "kld_nats": kld, "cost": asdict(total([making, measuring])),
                "bytes_written": size, "load": os.getloadavg()[0]}

    def decoded(self, tensor: str, kind: str) -> dict:
        """The same with the tensor's values decoded to BF16 again, as the sweep has them."""
        blocks, model = self.s.work / "one.gguf", self.s.work / "one-decoded.gguf"
        self.quantize(self.s.original, blocks, tensor, kind)
        self.quantize(blocks, model, tensor, "bf16", "--allow-requantize")
        _, kld = self.perplexity(model, "--kl-divergence")
        blocks.unlink()
        model.unlink()
        return {"type": kind, "kld_nats": kld}


# --- the sweep ------------------------------------------------------------------------------------


class FilesSeen(threading.Thread):
    """The largest size that each file under a folder had, while something ran. A file that was
    there for less than a look is missed."""

    def __init__(self, folder: Path):
        super().__init__(daemon=True)
        self.folder, self.sizes, self.done = folder, {}, threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.join()
        self.look()

    def run(self):
        while not self.done.wait(0.05):
            self.look()

    def look(self):
        for folder, _, names in os.walk(self.folder):
            for path in (Path(folder) / name for name in names):
                try:
                    size = path.stat().st_size
                except FileNotFoundError:
                    continue
                name = str(path.relative_to(self.folder)).removesuffix(".part")
                self.sizes[name] = max(size, self.sizes.get(name, 0))

    def kinds(self) -> dict:
        """By name without numbers: how many files and their bytes, all that ever were."""
        found = {}
        for name, size in self.sizes.items():
            kind = re.sub(r"-\d+", "", Path(name).name)
            n, total_size = found.get(kind, (0, 0))
            found[kind] = (n + 1, total_size + size)
        return {kind: {"files": n, "bytes": size} for kind, (n, size) in sorted(found.items())}


@dataclass
class SweepCall:
    """How the sweep is called: scored positions of each disturbed tensor and of whole mixes."""

    program: Path
    tokens: int
    reference_tokens: int
    protocol: str = "documents"
    full: bool = True

    def name(self) -> str:
        return (f"{'full' if self.full else 'subsampled'}, {self.protocol}, {self.tokens} and "
                f"{self.reference_tokens}")


def files_line(run: dict) -> str:
    """What a sweep had in its folder."""
    mib = {kind: row["bytes"] / (1 << 20) for kind, row in run["files"].items()}
    large = [f"{kind} {size:.1f} MiB in {run['files'][kind]['files']}" for kind, size in mib.items()
             if size > 0.05]
    return (f"Files of the sweep, all that ever were, each at its largest: {', '.join(large)}. States are hidden "
            "states of the text; a head is the output matrix, the original's or what a probe or a mix made of it.")


def text_ratio(mixes: list) -> float:
    """What the reference text is beside the probes', from mixes measured on both (1.5 of the sweep's
    method: a ratio estimate of two phases)."""
    suffix = " (the probes' text)"
    values = {mix["name"]: mix["kld_nats"]["value"] for mix in mixes}
    ratios = [math.log(value / values[name + suffix]) for name, value in values.items()
              if name + suffix in values]
    if not ratios:
        sys.exit("the sweep measured no mix on both texts")
    return math.exp(statistics.mean(ratios))


def sweep(s: Setting, call: SweepCall) -> dict:
    """One whole sweep into an empty store. Divergences are the probes', on their own text."""
    folder = s.work / "sweep"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    printed = s.work / "sweep.json"
    printed.unlink(missing_ok=True)
    with FilesSeen(folder) as files:
        cost = run([call.program, "sweep", s.original, "-t", s.text, *s.importance("-i"),
                    *(["--full"] if call.full else []), "--protocol", call.protocol, "--window",
                    s.window, "--tokens", call.tokens, "--reference-tokens", call.reference_tokens,
                    "--threads", 1, "--quiet", "--json", "--store", folder / "store.db"], printed)
    table = json.loads(printed.read_text(encoding="utf-8").split("\n", 1)[1])
    return {"cost": asdict(cost), "load": os.getloadavg()[0],
            "scored": table["corpus"]["scored_tokens"], "ratio": text_ratio(table["mixes"]),
            "files": files.kinds(), "complete": table["complete"],
            "tensors": {t["tensor"]: t["probes"] for t in table["tensors"]}}
