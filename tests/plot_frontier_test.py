#!/usr/bin/env python3
"""The plot of scripts/plot_frontier.py: which records are drawn, where, and that its bytes are the same
each time. Exit status 77 (skipped) where the Python package vl-convert-python is absent.

    tests/plot_frontier_test.py
"""

import copy
import importlib.util
import json
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

SCRIPT = Path(__file__).resolve().parent.parent / "scripts/plot_frontier.py"
SKIPPED = 77


def load_script():
    spec = importlib.util.spec_from_file_location("plot_frontier", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


frontier = load_script()


def record(file, label, size, kld, baseline="held-out"):
    """As `bitgauge report --format json` has it, but for what the plot does not read."""
    return {"key": f"{baseline} {file}",
            "model": {"file": file, "label": label, "size_bytes": size},
            "baseline": {"key": baseline, "original": {"file": "small-BF16.gguf"}},
            "corpus": {"scored_tokens": 12345, "documents": 30},
            "kld_nats": {"mean": {"value": kld, "low": 0.9 * kld, "high": 1.2 * kld}}}


PRESETS = [record("Q2_K", "Q2_K", 7_000_000, 0.09), record("Q4_K_M", "Q4_K_M", 12_000_000, 0.0075),
           record("small-Q8_0.gguf", "Q8_0", 19_000_000, 0.0007)]
PLANNED = [record("plan 7.63MiB", "plan 7.63MiB", 8_000_000, 0.0153),
           record("small-BF16-7.63MiB.gguf", "BF16", 8_000_000, 0.0153),
           record("small-BF16-11.44MiB.gguf", "BF16", 12_000_000, 0.0025)]
OTHERS = [record("mix of 3.7 bits per weight", "mix of 3.7 bits per weight", 8_500_000, 0.011, "sweep")]
REPORT = {"records": PRESETS + PLANNED + OTHERS}


class Choice(unittest.TestCase):
    def test_the_baseline_with_planned_files_is_drawn(self):
        self.assertEqual(frontier.chosen_records(REPORT, ""), PRESETS + PLANNED)

    def test_a_baseline_can_be_named_by_its_beginning(self):
        more = {"records": REPORT["records"] + [record("plan 1.00MiB", "plan 1.00MiB", 10, 1, "other")]}
        self.assertEqual(len(frontier.chosen_records(more, "oth")), 1)

    def test_without_planned_files_it_says_what_to_run(self):
        with self.assertRaisesRegex(ValueError, "bitgauge dynamic"):
            frontier.chosen_records({"records": PRESETS}, "")
        with self.assertRaisesRegex(ValueError, "no record"):
            frontier.chosen_records(REPORT, "none")

    def test_a_file_takes_the_place_of_its_plan(self):
        files = [one["model"]["file"] for one in frontier.planned_records(PRESETS + PLANNED)]
        self.assertEqual(files, ["small-BF16-7.63MiB.gguf", "small-BF16-11.44MiB.gguf"])

    def test_labels_leave_out_the_originals_name(self):
        self.assertEqual([frontier.label_of(one) for one in PRESETS], ["Q2_K", "Q4_K_M", "Q8_0"])

    def test_equal_measurements_of_one_preset_are_one_point(self):
        again = record("small-Q4_K_M.gguf", "Q4_K_M", 12_000_928, 0.0075)
        self.assertEqual(len(frontier.points_of(PRESETS + [again], frontier.MIB)), 3)

    def test_points_without_interval_or_divergence_are_no_error(self):
        no_interval, no_value = copy.deepcopy(PRESETS[:2])
        no_interval["kld_nats"]["mean"] |= {"low": None, "high": None}
        no_value["kld_nats"]["mean"] = {"value": None, "low": None, "high": None}
        points = frontier.points_of([no_interval, no_value], frontier.MIB)
        self.assertEqual([("low" in point, point["label"]) for point in points], [(False, "Q2_K")])


class Drawing(unittest.TestCase):
    def test_axes_go_there_and_back(self):
        axes = frontier.Axes(frontier.points_of(PRESETS, frontier.MIB))
        x, y = axes.place(10, 0.01)
        there = axes.data(x, y)
        self.assertAlmostEqual(there["size"], 10)
        self.assertAlmostEqual(there["kld"], 0.01)

    def test_labels_cover_nothing(self):
        crowd = [record(f"Q{i}_K", f"Q{i}_K", 10_000_000 + 40_000 * i, 0.01 * 1.01 ** i) for i in range(40)]
        for one in crowd:
            one["kld_nats"]["mean"] |= {"low": None, "high": None}
        points = frontier.points_of(crowd, frontier.MIB)
        axes = frontier.Axes(points)
        labels = frontier.placed_labels(points, [], axes)
        self.assertGreater(len(labels), 3)
        self.assertLess(len(labels), 40)
        places = [axes.place(point["size"], point["kld"]) for point in points]
        for label in labels:
            x, y = axes.place(label["size"], label["kld"])
            width = frontier.CHARACTER_WIDTH * len(label["label"])
            left = {"left": x, "right": x - width, "center": x - width / 2}[label["align"]]
            self.assertFalse(any(left < px < left + width and abs(py - y) < 6 for px, py in places))

    def test_a_single_file_has_axes(self):
        frontier.specification(PLANNED[2:])

    def test_large_files_are_in_gib(self):
        large = [record("plan 2.00GiB", "plan 2.00GiB", 2 * 2**30, 0.01)]
        axis = frontier.specification(large)["encoding"]["x"]["axis"]
        self.assertEqual(axis["title"], "file size (GiB)")


class Svg(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="bitgauge_frontier_")
        self.path = Path(self.folder.name)

    def tearDown(self):
        self.folder.cleanup()

    def run_script(self, report, name="plot.svg"):
        (self.path / "records.json").write_text(json.dumps(report), encoding="utf-8")
        return subprocess.run([sys.executable, SCRIPT, self.path / "records.json", "-o", self.path / name],
                              capture_output=True, text=True, check=False)

    def drawn(self, report, name="plot.svg"):
        done = self.run_script(report, name)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return (self.path / name).read_text(encoding="utf-8")

    def test_equal_records_give_equal_bytes(self):
        again = {"records": list(reversed(REPORT["records"]))}
        self.assertEqual(self.drawn(REPORT), self.drawn(again, "again.svg"))

    def test_it_has_its_points_labels_and_a_dark_form(self):
        svg = self.drawn(REPORT)
        ElementTree.fromstring(svg)
        for text in ("Q2_K", "Q4_K_M", "Q8_0", "static preset", "bitgauge dynamic", "file size (MiB)",
                     "small-BF16.gguf, 12,345 positions in 30 documents", "prefers-color-scheme:dark"):
            self.assertIn(text, svg)
        self.assertNotIn("mix of", svg)
        self.assertNotIn("plan 7", svg)
        for light in frontier.DARK:
            self.assertIn(f'="{light}"', svg)

    def test_names_are_text(self):
        hostile = copy.deepcopy(REPORT)
        hostile["records"][0]["model"]["file"] = "</text><script>alert(1)</script>"
        svg = self.drawn(hostile)
        self.assertNotIn("<script", svg)
        ElementTree.fromstring(svg)

    def test_bad_input_is_said_in_one_line(self):
        for report in ({"records": PRESETS}, {"tables": []}, []):
            done = self.run_script(report)
            self.assertEqual(done.returncode, 2)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
            self.assertFalse((self.path / "plot.svg").exists())


if __name__ == "__main__":
    try:
        import vl_convert  # noqa: F401
    except ImportError:
        print("skipped: the Python package vl-convert-python is absent (scripts/setup brings it)")
        sys.exit(SKIPPED)
    unittest.main()
