#!/usr/bin/env python3
"""The arithmetic of bench/fidelity.py: which preset is the best of a size, ratios, promises.

    tests/fidelity_test.py
"""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "bench"))

import fidelity  # noqa: E402


def measured(sums, tokens=100):
    total = sum(sums) / (tokens * len(sums))
    return {"held-out": {"kld_nats": {"value": total, "low": total, "high": total},
                         "noise_floor_nats": 0.001, "sums": sums}}


def preset(size, sums):
    return {"bytes": size, "measured": measured(sums)}


class BestPreset(unittest.TestCase):
    presets = {"small": preset(10, [4, 6]), "odd": preset(20, [8, 9]), "large": preset(30, [1, 1])}

    def test_is_the_nearest_of_all_that_fit_not_the_largest(self):
        self.assertEqual("small", fidelity.best_preset(self.presets, 20, "held-out"))

    def test_may_have_the_very_size(self):
        self.assertEqual("large", fidelity.best_preset(self.presets, 30, "held-out"))


class PairedRatio(unittest.TestCase):
    def test_is_of_sums_over_all_documents(self):
        self.assertEqual(0.5, fidelity.paired_ratio({"sums": [1, 2]}, {"sums": [4, 2]})["value"])

    def test_has_no_width_where_every_document_agrees(self):
        ratio = fidelity.paired_ratio({"sums": [1, 2, 4]}, {"sums": [2, 4, 8]})
        self.assertEqual((0.5, 0.5), (ratio["low"], ratio["high"]))

    def test_covers_what_documents_say_one_by_one(self):
        ours, theirs = [1, 2, 3, 4] * 10, [2, 2, 2, 2] * 10
        ratio = fidelity.paired_ratio({"sums": ours}, {"sums": theirs})
        # Standard error of the mean of 40 values 0.5, 1, 1.5, 2: 0.559 / sqrt(40).
        self.assertAlmostEqual(1.25 - 1.96 * 0.0884, ratio["low"], delta=0.02)
        self.assertAlmostEqual(1.25 + 1.96 * 0.0884, ratio["high"], delta=0.02)


class Promise(unittest.TestCase):
    def judged(self, promised):
        plan = {"measured": measured([10, 10]), "promised_nats": {"value": promised}}  # measured: 0.1
        return fidelity.promise(plan, "held-out")["kept"]

    def test_is_kept_within_the_margin_and_the_floor(self):
        self.assertTrue(self.judged(0.0861 + 0.0001))  # 15 % and 0.001 below
        self.assertTrue(self.judged(0.1188 - 0.0001))

    def test_is_broken_beyond(self):
        self.assertFalse(self.judged(0.0861 - 0.0001))
        self.assertFalse(self.judged(0.1188 + 0.0001))


class Nearness(unittest.TestCase):
    def near(self, preset_predicted, plan_predicted, preset_measured):
        row = preset(10, [100 * preset_measured])
        return fidelity.is_near(row, {"preset": preset_predicted, "plan": plan_predicted}, "held-out")

    def test_is_by_prediction_or_by_measurement(self):
        self.assertTrue(self.near(0.109, 0.1, 0.5))
        self.assertTrue(self.near(0.5, 0.1, 0.129))
        self.assertFalse(self.near(0.5, 0.1, 0.5))

    def test_holds_where_nothing_is_predicted(self):
        self.assertTrue(fidelity.is_near(preset(10, [1]), {"refused": "no error known"}, "held-out"))


class GeometricMean(unittest.TestCase):
    def test_of_two(self):
        self.assertAlmostEqual(2.0, fidelity.geometric_mean([1, 4]))


if __name__ == "__main__":
    unittest.main()
