#!/usr/bin/env python3
"""Draws divergence against size: files of presets as points, planned files as a curve.

    bitgauge report --store STORE --format json > records.json
    scripts/plot_frontier.py records.json -o frontier.svg [--baseline KEY]

Planned files are those that `bitgauge dynamic` made or weighed: their record's label is "plan SIZE", or
their name ends with a size ("-12.00GiB.gguf"). All records of one baseline are drawn, that of --baseline
(a key or its beginning), else that with most planned files. Bars and band are the records' 95 %
intervals. The SVG has a light and a dark form and no dates: equal records, equal bytes. Needs the Python
package vl-convert-python (scripts/setup brings it). Exit status: 0 done, 2 bad input, 3 environment.
"""

import argparse
import json
import math
import os
import re
import sys
from pathlib import Path

WIDTH, HEIGHT = 720, 400
FONT_SIZE = 11
CHARACTER_WIDTH, LINE_HEIGHT = 6.1, 12  # of a label, in pixels
MIB, GIB = 2**20, 2**30
SMALLEST_KLD = 1e-9  # zero and below have no place on a logarithmic axis

# Colour of the light form -> of the dark one.
PAPER, INK, SOFT, LINE = "#ffffff", "#1f2328", "#59636e", "#d8dee4"
PRESET, PLANNED = "#4477aa", "#c9404f"
DARK = {PAPER: "#0d1117", INK: "#e6edf3", SOFT: "#9198a1", LINE: "#30363d",
        PRESET: "#79b0e0", PLANNED: "#ff8f8f"}

SIZE_IN_NAME = re.compile(r"-(\d+\.\d\d[KMGT]iB)\.gguf$")


def main() -> int:
    options = parse_arguments()
    try:
        report = json.loads(read_text(options.records))
        spec = specification(chosen_records(report, options.baseline))
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        return fail(2, f"{options.records} is not what 'bitgauge report --format json' writes ({error})")
    except ValueError as error:
        return fail(2, str(error))
    except OSError as error:
        return fail(3, str(error))
    try:
        write_atomically(options.out, svg_of(spec))
    except (ImportError, OSError) as error:
        return fail(3, str(error))
    return 0


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", help="what 'bitgauge report --format json' wrote; - for stdin")
    parser.add_argument("-o", "--out", type=Path, required=True, help="the SVG to write")
    parser.add_argument("--baseline", default="", help="a baseline's key or its beginning")
    return parser.parse_args()


def fail(status: int, message: str) -> int:
    print(f"plot_frontier.py: error: {message}", file=sys.stderr)
    return status


def read_text(path: str) -> str:
    return sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")


def write_atomically(path: Path, text: str):
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)


# --- what is drawn --------------------------------------------------------------------------------


def chosen_records(report: dict, baseline: str) -> list:
    """Records of one baseline; ValueError where none of it is a planned file's."""
    groups = {}
    for record in report["records"]:
        if record["baseline"]["key"].startswith(baseline):
            groups.setdefault(record["baseline"]["key"], []).append(record)
    if not groups:
        raise ValueError(f"there is no record of baseline '{baseline}'")
    planned = {key: sum(map(is_planned, group)) for key, group in groups.items()}
    best = max(groups, key=lambda key: (planned[key], len(groups[key]), key))
    if planned[best] == 0:
        raise ValueError("no record is of a planned file: run 'bitgauge dynamic' with this store")
    return groups[best]


def size_in_name(record: dict) -> str:
    """"7.63MiB" of a file that `bitgauge dynamic` wrote, else ""."""
    found = SIZE_IN_NAME.search(record["model"]["file"])
    return found.group(1) if found else ""


def is_planned(record: dict) -> bool:
    return record["model"]["label"].startswith("plan ") or size_in_name(record) != ""


def planned_records(records: list) -> list:
    """One for each size that was asked for: of the file, or of the plan where there is no file yet."""
    by_size = {}
    for record in filter(is_planned, records):
        size = size_in_name(record) or record["model"]["label"].removeprefix("plan ")
        if size not in by_size or size_in_name(record):
            by_size[size] = record
    return list(by_size.values())


def label_of(record: dict) -> str:
    """A preset's name, or a file's without what it shares with its original's name."""
    stem = record["model"]["file"].removesuffix(".gguf")
    original = record["baseline"]["original"]["file"].removesuffix(".gguf")
    shared = os.path.commonprefix([stem, original])
    return stem[shared.rfind("-") + 1:] or stem


def point_of(record: dict, unit: int) -> dict:
    mean = record["kld_nats"]["mean"]
    point = {"label": label_of(record), "size": record["model"]["size_bytes"] / unit,
             "kld": max(mean["value"], SMALLEST_KLD)}
    if mean["low"] is not None:
        point |= {"low": max(mean["low"], SMALLEST_KLD), "high": max(mean["high"], SMALLEST_KLD)}
    return point


def points_of(records: list, unit: int) -> list:
    """By size; a file and the preset it was made from, measured alike, are one point."""
    points = {}
    for record in records:
        if record["kld_nats"]["mean"]["value"] is not None:
            point = point_of(record, unit)
            points.setdefault((point["label"], point["kld"]), point)
    return sorted(points.values(), key=lambda point: (point["size"], point["kld"], point["label"]))


# --- where it lies --------------------------------------------------------------------------------


class Axes:
    """From data to pixels and back: size linear, divergence logarithmic."""

    def __init__(self, points: list):
        sizes = [point["size"] for point in points]
        logs = [math.log(point.get(end, point["kld"])) for point in points for end in ("low", "high")]
        self.x = widened(min(sizes), max(sizes), 0.04)
        self.y = widened(min(logs), max(logs), 0.05)

    def place(self, size: float, kld: float) -> tuple:
        return (WIDTH * (size - self.x[0]) / (self.x[1] - self.x[0]),
                HEIGHT * (self.y[1] - math.log(kld)) / (self.y[1] - self.y[0]))

    def data(self, x: float, y: float) -> dict:
        return {"size": self.x[0] + x / WIDTH * (self.x[1] - self.x[0]),
                "kld": math.exp(self.y[1] - y / HEIGHT * (self.y[1] - self.y[0]))}

    def domains(self) -> tuple:
        return list(self.x), [math.exp(end) for end in self.y]

    def kld_ticks(self) -> list:
        """1, 2 and 5 of each decade."""
        low, high = self.domains()[1]
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        ticks = [float(f"{digit}e{decade}") for decade in decades for digit in (1, 2, 5)]
        return [tick for tick in ticks if low <= tick <= high]


def widened(low: float, high: float, share: float) -> tuple:
    more = share * (high - low) or 0.5 * abs(high) or 0.5
    return low - more, high + more


def box_around(x: float, y: float, half_width: float, half_height: float) -> tuple:
    return x - half_width, y - half_height, x + half_width, y + half_height


def overlaps(a: tuple, b: tuple) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def obstacles(points: list, curve: list, axes: Axes) -> list:
    """What labels keep clear of: points with their bars, and the curve."""
    boxes = []
    for point in points + curve:
        x, y = axes.place(point["size"], point["kld"])
        boxes.append(box_around(x, y, 6, 6))
        if "low" in point:
            top, bottom = (axes.place(point["size"], point[end])[1] for end in ("high", "low"))
            boxes.append((x - 2, top, x + 2, bottom))
    places = [axes.place(point["size"], point["kld"]) for point in curve]
    for (x1, y1), (x2, y2) in zip(places, places[1:]):
        steps = max(1, int(math.dist((x1, y1), (x2, y2)) / 6))
        for i in range(steps + 1):
            boxes.append(box_around(x1 + (x2 - x1) * i / steps, y1 + (y2 - y1) * i / steps, 3, 3))
    return boxes


# Where a label may stand beside its point: to which side, and how far up or down.
BESIDE = [(side, dy) for dy in (0, -10, 10, -16, 16) for side in ("left", "right", "center")
          if side != "center" or abs(dy) >= 10]


LEGEND_BOX = (WIDTH - 140, 0, WIDTH, 44)


def label_box(x: float, y: float, text: str, align: str, dy: float) -> tuple:
    width = CHARACTER_WIDTH * len(text)
    left = {"left": x + 9, "right": x - 9 - width, "center": x - width / 2}[align]
    middle = y + (1.3 * dy if align == "center" else dy)
    return left, middle - LINE_HEIGHT / 2, left + width, middle + LINE_HEIGHT / 2


def placed_labels(points: list, curve: list, axes: Axes) -> list:
    """Each label where it covers nothing; a point in too dense a crowd goes without."""
    taken, labels = [LEGEND_BOX, *obstacles(points, curve, axes)], []
    for point in points:
        x, y = axes.place(point["size"], point["kld"])
        for align, dy in BESIDE:
            box = label_box(x, y, point["label"], align, dy)
            inside = box[0] >= 0 and box[1] >= 0 and box[2] <= WIDTH and box[3] <= HEIGHT
            if not inside or any(overlaps(box, other) for other in taken):
                continue
            taken.append(box)
            at = {"left": box[0], "right": box[2], "center": (box[0] + box[2]) / 2}[align]
            labels.append({"label": point["label"], "align": align,
                           **axes.data(at, (box[1] + box[3]) / 2)})
            break
    return labels


# --- the drawing ----------------------------------------------------------------------------------


def specification(records: list) -> dict:
    """Vega-Lite, complete with its data."""
    unit = GIB if max(r["model"]["size_bytes"] for r in records) >= GIB else MIB
    curve = points_of(planned_records(records), unit)
    presets = points_of([r for r in records if not is_planned(r)], unit)
    axes = Axes(presets + curve)
    encoding = encoding_of(axes, "GiB" if unit == GIB else "MiB")
    return {
        "width": WIDTH, "height": HEIGHT, "padding": 12, "background": PAPER,
        "title": {"text": title_of(records[0]), "anchor": "start", "fontSize": 12,
                  "fontWeight": "normal", "color": SOFT, "offset": 8},
        "config": config(),
        "encoding": encoding,
        "layer": [*curve_layers(curve), *preset_layers(presets),
                  *label_layers(placed_labels(presets, curve, axes))],
    }


def title_of(record: dict) -> str:
    corpus = record["corpus"]
    return (f"{record['baseline']['original']['file']}, {corpus['scored_tokens']:,} positions in "
            f"{corpus['documents']:,} documents; bars and band: 95 % intervals over documents")


def config() -> dict:
    return {"font": "sans-serif", "view": {"stroke": None},
            "axis": {"labelColor": SOFT, "titleColor": INK, "gridColor": LINE, "domainColor": LINE,
                     "tickColor": LINE, "labelFontSize": 11, "titleFontSize": 12,
                     "titleFontWeight": "normal"},
            "legend": {"labelColor": INK, "labelFontSize": 12, "symbolSize": 90},
            "text": {"color": INK, "fontSize": FONT_SIZE}}


def encoding_of(axes: Axes, unit: str) -> dict:
    x, y = axes.domains()
    return {"x": {"field": "size", "type": "quantitative", "scale": {"domain": x, "nice": False},
                  "axis": {"title": f"file size ({unit})", "tickCount": 8}},
            "y": {"field": "kld", "type": "quantitative",
                  "scale": {"type": "log", "domain": y, "nice": False},
                  "axis": {"title": "mean KLD from the original (nats, log scale)", "format": "~g",
                           "values": axes.kld_ticks()}}}


def with_interval(points: list) -> list:
    return [point for point in points if "low" in point]


# One scale for both, so that the legend has both.
KINDS = {"field": "kind", "type": "nominal",
         "scale": {"domain": ["static preset", "bitgauge dynamic"], "range": [PRESET, PLANNED]},
         "legend": {"title": None, "orient": "top-right", "offset": 6}}


def points_layer(points: list, kind: str, **mark) -> dict:
    return {"data": {"values": [point | {"kind": kind} for point in points]},
            "mark": {"type": "point", "filled": True, "opacity": 1, "size": 60, **mark},
            "encoding": {"color": KINDS}}


def bars_layer(points: list, colour: str) -> dict:
    return {"data": {"values": with_interval(points)},
            "mark": {"type": "rule", "color": colour, "strokeWidth": 1.4},
            "encoding": {"y": {"field": "low", "type": "quantitative"}, "y2": {"field": "high"}}}


def curve_layers(curve: list) -> list:
    band = {"data": {"values": with_interval(curve)},
            "mark": {"type": "area", "color": PLANNED, "opacity": 0.14},
            "encoding": {"y": {"field": "low", "type": "quantitative"}, "y2": {"field": "high"}}}
    line = {"data": {"values": curve}, "mark": {"type": "line", "color": PLANNED, "strokeWidth": 2}}
    return [band, line, bars_layer(curve, PLANNED), points_layer(curve, "bitgauge dynamic", size=70)]


def preset_layers(presets: list) -> list:
    return [bars_layer(presets, PRESET), points_layer(presets, "static preset")]


def label_layers(labels: list) -> list:
    layers = []
    for align in ("left", "right", "center"):
        those = [label for label in labels if label["align"] == align]
        if those:
            layers.append({"data": {"values": those},
                           "mark": {"type": "text", "align": align, "baseline": "middle"},
                           "encoding": {"text": {"field": "label"}}})
    return layers


def svg_of(spec: dict) -> str:
    import vl_convert
    svg = vl_convert.vegalite_to_svg(json.dumps(spec))
    return with_dark_form(svg) + "\n"


def with_dark_form(svg: str) -> str:
    rules = "".join(f'[{what}="{light}"]{{{what}:{dark}}}' for light, dark in DARK.items()
                    for what in ("fill", "stroke"))
    style = f"<style>@media(prefers-color-scheme:dark){{{rules}}}</style>"
    head = svg.index(">", svg.index("<svg")) + 1
    return svg[:head] + style + svg[head:]


if __name__ == "__main__":
    sys.exit(main())
