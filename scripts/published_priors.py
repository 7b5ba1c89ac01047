#!/usr/bin/env python3
"""Makes the priors of data/priors that come from published measurements.

    published_priors.py GGUF_TOOL_SUITE [--commit HASH]

GGUF_TOOL_SUITE is a git repository: a clone of https://github.com/Thireus/GGUF-Tool-Suite. Its
models/NAME/kld_results.csv has the divergence of a model with one tensor in a probe type and all
others in BF16; group0/kld_results*.csv that of the whole model in one type; group0/tensors.bf16.map
the weights of each tensor. What is made of them, step by step (docs/decisions/0016-priors.md):

1. Tensors measured as a group (equal numbers in most layers) share the group's divergence equally.
2. A floor is told apart: a disturbance anywhere switches experts in all layers behind it, however small
   it is. Tensors with fewer than a thousandth of a percent of the weights show it at their depth
   (running minimum); where there are none, the least divergence of all tensors is the floor of all.
3. Divided by the error of the probe's type (smooth) and by its root (switching). That of ik_llama.cpp's
   own types is not known here: it is the error at which the whole model, between ggml's types, has the
   divergence it has in that type. With experts the floor is the switching part; a dense model has none:
   there it is what any run adds, and at least a tenth of a tensor's divergence stays.
4. What they come to is fitted to the whole model in ggml's types below one nat, least squares on the
   logarithm: floor and scale, and the norm with experts, the exponent without.
"""

import argparse
import csv
import io
import json
import math
import re
import subprocess
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PRIORS = ROOT / "data/priors"
LINK = "https://github.com/Thireus/GGUF-Tool-Suite"
CREDIT = "Thireus, GGUF Tool Suite and its contributors"
TINY = 1e-5  # of the weights
LEFT = 0.1  # of a tensor's divergence, at least
MOST_NATS = 1.0
ACTIVATIONS = 3e-5  # what activations of 8 bits add to an error (src/cost/disturbance.h)


@dataclass
class Source:
    name: str
    architecture: str
    experts: bool
    probe: str
    known_as: str = ""  # ggml's name of the probe's type, where it is one of ggml's
    layers: int = 0  # that are evaluated; 0: all that have tensors


SOURCES = [
    Source("Qwen3.5-35B-A3B", "qwen35moe", True, "iq1_kt"),
    Source("Qwen3.5-27B", "qwen35", False, "iq1_kt"),
    Source("Qwen3-4B-Instruct-2507", "qwen3", False, "q2_k_r4", "q2_K"),
    # the last block is multi-token prediction, which an evaluation does not reach
    Source("GLM-4.5-Air", "glm4moe", True, "iq1_m_r4", "iq1_m", layers=46),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("repository", type=Path)
    parser.add_argument("--commit", default="384c1f85b77b30f2b388328af278aea0900f6ca1")
    options = parser.parse_args()
    for source in SOURCES:
        prior = Published(options.repository, options.commit, source).prior()
        path = PRIORS / f"{source.name.lower()}.json"
        path.write_text(prior_text(prior), encoding="utf-8")
        print(path.relative_to(ROOT))


class Published:
    def __init__(self, repository: Path, commit: str, source: Source):
        self.repository, self.commit, self.source = repository, commit, source
        self.errors = json.loads((PRIORS / "gaussian-errors.json").read_text())["weighted"]
        self.weights = self.read_weights()
        self.whole = self.read_whole()
        self.layers = source.layers or 1 + max(layer for _, layer in self.weights)
        self.single = split_groups(self.read_single())

    # --- files ---

    def text(self, path: str) -> str:
        name = f"{self.commit}:models/{self.source.name}/{path}"
        return subprocess.run(["git", "-C", self.repository, "show", name], check=True,
                              text=True, capture_output=True).stdout

    def read_weights(self) -> dict:
        weights = {}
        for line in self.text("group0/tensors.bf16.map").splitlines():
            fields = line.split(":")
            count = next(int(f.split("=")[1]) for f in fields if f.startswith("elements="))
            weights[key_of(fields[2])] = count
        return weights

    def read_whole(self) -> dict:
        """Type -> nats of the whole model in it; only what was measured."""
        try:
            text = self.text("group0/kld_results_partial.csv")
        except subprocess.CalledProcessError:  # all types were measured, none filled in
            text = self.text("group0/kld_results.csv")
        rows = [row for row in csv.reader(io.StringIO(text)) if len(row) == 2][1:]
        return {name: float(value) for name, value in rows if value not in ("404", "0", "")}

    def read_single(self) -> dict:
        """(role, layer) -> nats as written."""
        names, *rows = csv.reader(io.StringIO(self.text("kld_results.csv")))
        row = next(row for row in rows if row[0] == self.source.probe)
        cells = {key_of(name): value for name, value in zip(names[1:], row[1:])}
        return {key: value for key, value in cells.items()
                if value not in ("", "404") and key[1] < self.layers}

    # --- what is made of them ---

    def prior(self) -> dict:
        error = self.probe_error()
        curves = self.curves(error)
        calibration = self.calibration(curves)
        return {"schema": "bitgauge.prior/1", "name": self.source.name,
                "architecture": self.source.architecture, "experts": self.source.experts,
                "parameters": sum(self.weights.values()), "layers": self.layers,
                "source": self.described(error), "calibration": calibration,
                "roles": {role: self.role(role, curve) for role, curve in sorted(curves.items())}}

    def described(self, error: float) -> dict:
        date = subprocess.run(["git", "-C", self.repository, "show", "-s", "--format=%cs",
                               self.commit], check=True, text=True, capture_output=True).stdout
        return {"kind": "published",
                "about": f"one tensor at a time in {self.source.probe} (error {error:.3g}), the "
                         "floor told apart, calibrated on the whole model in ggml's types; "
                         "scripts/published_priors.py",
                "credit": CREDIT, "link": f"{LINK}/tree/{self.commit[:7]}/models/{self.source.name}",
                "date": date.strip(), "corpus": "ubergarm's, windows of 512", "tokens": 0,
                "build": "ik_llama.cpp, CUDA"}

    def role(self, role: str, curve: dict) -> dict:
        layers = [layer for name, layer in self.weights if name == role and layer < self.layers]
        points = [[rounded(max(layer, 0) / (self.layers - 1)), *map(rounded, parts)]
                  for layer, parts in sorted(curve.items())]
        return {"tensors": len(layers), "weights": sum(self.weights[role, layer] for layer in layers),
                "curve": points}

    def curves(self, error: float) -> dict:
        """Role -> layer -> nats per unit of error, nats per root of it."""
        floor = self.floor()
        curves = defaultdict(dict)
        for (role, layer), (nats, shared_by) in self.single.items():
            depth = self.layers - 1 if role == "output" else max(layer, 0)
            whole = nats * shared_by
            switched = min(floor(depth), whole if self.source.experts else (1 - LEFT) * whole)
            smooth = (whole - switched) / shared_by / error
            switching = switched / shared_by / math.sqrt(error) if self.source.experts else 0.0
            curves[role][layer] = (smooth, switching)
        return curves

    def floor(self):
        all_weights = sum(self.weights.values())
        seen = defaultdict(list)
        for (role, layer), (nats, shared_by) in self.single.items():
            if self.weights[role, layer] < TINY * all_weights:
                seen[layer].append(nats * shared_by)
        least = min(nats * shared_by for nats, shared_by in self.single.values())
        if not seen:
            return lambda depth: least
        first = min(seen)
        return lambda depth: min(min(values) for layer, values in seen.items()
                                 if layer <= max(depth, first))

    def probe_error(self) -> float:
        if self.source.known_as:
            return self.errors[self.source.known_as]
        nats = self.whole[self.source.probe]
        known = sorted((self.whole[t], e) for t, e in self.errors.items() if t in self.whole)
        below = max((k for k in known if k[0] <= nats), default=known[0])
        above = min((k for k in known if k[0] > nats), default=known[-1])
        share = math.log(nats / below[0]) / math.log(above[0] / below[0])
        return below[1] * (above[1] / below[1]) ** share

    def calibration(self, curves: dict) -> dict:
        parts = [parts for curve in curves.values() for parts in curve.values()]
        smooth = sum(l for l, _ in parts)
        points = [(error + ACTIVATIONS, self.whole[t]) for t, error in self.errors.items()
                  if self.whole.get(t, 9) < MOST_NATS]
        if not self.source.experts:
            floor, scale, exponent = fit_power([(smooth * e, nats) for e, nats in points])
            return calibration(1.4, scale, exponent, floor)

        def disturbances(norm):
            switching = sum(f ** norm for _, f in parts) ** (1 / norm)
            return [(smooth * e + switching * math.sqrt(e), nats) for e, nats in points]
        misfit, norm = min((fit_scale(disturbances(1 + n / 50))[0], 1 + n / 50) for n in range(51))
        _, floor, scale = fit_scale(disturbances(norm))
        print(f"  rms of the calibration {math.sqrt(misfit / len(points)):.3f}, {len(points)} types")
        return calibration(norm, scale, 1.0, floor)


def calibration(norm: float, scale: float, exponent: float, floor: float) -> dict:
    return {"norm": rounded(norm), "scale": rounded(scale), "exponent": rounded(exponent),
            "floor_nats": rounded(floor)}


def key_of(tensor: str) -> tuple:
    """(role, layer); layer -1 outside of layers."""
    match = re.fullmatch(r"blk\.(\d+)\.(.*?)(?:\.weight)?", tensor)
    return (match[2], int(match[1])) if match else (tensor.removesuffix(".weight"), -1)


def split_groups(single: dict) -> dict:
    """(role, layer) -> (nats of this tensor, tensors of its group)."""
    groups = defaultdict(set)  # (layer, value) -> roles
    for (role, layer), value in single.items():
        groups[layer, value].add(role)
    usual = defaultdict(int)
    for roles in groups.values():
        usual[frozenset(roles)] += 1
    layers = len({layer for _, layer in single})
    split = {}
    for (role, layer), value in single.items():
        roles = frozenset(groups[layer, value])
        shared_by = len(roles) if usual[roles] > layers / 2 else 1
        split[role, layer] = (float(value) / shared_by, shared_by)
    return split


def misfit_of(points: list, floor: float, exponent: float) -> tuple:
    """Sum of squared logarithms, and the scale: of floor + scale * D^exponent."""
    logs = [math.log((nats - floor) / d ** exponent) for d, nats in points]
    scale = math.exp(sum(logs) / len(logs))
    return sum(math.log(nats / (floor + scale * d ** exponent)) ** 2 for d, nats in points), scale


def floors(points: list) -> list:
    least = min(nats for _, nats in points)
    return [least * f / 200 for f in range(200)]


def fit_scale(points: list) -> tuple:
    """Misfit, floor, scale; the exponent is 1."""
    (misfit, scale), floor = min((misfit_of(points, floor, 1.0), floor) for floor in floors(points))
    return misfit, floor, scale


def fit_power(points: list) -> tuple:
    """Floor, scale, exponent."""
    (misfit, scale), floor, exponent = min(
        (misfit_of(points, floor, 0.7 + e / 100), floor, 0.7 + e / 100)
        for floor in floors(points) for e in range(81))
    print(f"  rms of the calibration {math.sqrt(misfit / len(points)):.3f}, {len(points)} types")
    return floor, scale, exponent


def rounded(value: float) -> float:
    return float(f"{value:.5e}")


def prior_text(prior: dict) -> str:
    head = json.dumps({key: value for key, value in prior.items() if key != "roles"}, indent=1)
    roles = ",\n".join(f"  {json.dumps(name)}: {json.dumps(role, separators=(',', ':'))}"
                       for name, role in prior["roles"].items())
    return head.removesuffix("\n}") + ',\n "roles": {\n' + roles + "\n }\n}\n"


if __name__ == "__main__":
    main()
