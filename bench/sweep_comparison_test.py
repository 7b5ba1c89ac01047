#!/usr/bin/env python3
"""The arithmetic of the comparisons of the sweep with brute force."""

import sys
import unittest
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent)]

from brute_force import FilesSeen, text_ratio  # noqa: E402
from sweep_against_peer import comparison, rank_correlation, ranks, swept  # noqa: E402


def mix(name, value):
    return {"name": name, "kld_nats": {"value": value}}


class Comparison(unittest.TestCase):
    def test_equal_values_share_a_rank(self):
        self.assertEqual(ranks([5, 1, 5, 2]), [3.5, 1, 3.5, 2])

    def test_only_the_order_counts_for_ranks(self):
        self.assertAlmostEqual(rank_correlation([1, 2, 3, 4], [1, 10, 100, 1000]), 1)
        self.assertAlmostEqual(rank_correlation([1, 2, 3, 4], [4, 3, 2, 1]), -1)

    def test_a_row_has_median_quartiles_and_extremes_of_the_ratios(self):
        row = comparison([1, 2, 3, 4, 5], [1, 1, 1, 1, 1.25])
        self.assertEqual(row.split(" | ")[1:], ["3.000", "2.000 … 4.000", "1.000 … 4.000"])

    def test_tensors_that_brute_force_prints_as_nothing_have_no_ratio(self):
        self.assertIn("| 2.000 |", comparison([2, 2, 2, 7], [1, 1, 1, 0]))

    def test_the_texts_ratio_is_the_geometric_mean_over_mixes(self):
        suffix = " (the probes' text)"
        mixes = [mix("a", 2.0), mix("a" + suffix, 1.0), mix("b", 1.0), mix("b" + suffix, 2.0),
                 mix("only here", 9.0)]
        self.assertAlmostEqual(text_ratio(mixes), 1)
        self.assertAlmostEqual(text_ratio(mixes[:2]), 2)

    def test_without_a_mix_on_both_texts_there_is_no_comparison(self):
        with self.assertRaises(SystemExit):
            text_ratio([mix("a", 2.0)])

    def test_the_first_probe_counts_scaled_to_the_long_text(self):
        tensors = {"one": [{"kld_nats": {"value": 0.5}}],
                   "two": [{"kld_nats": {"value": 1.0}}, {"kld_nats": {"value": 0.1}}]}
        self.assertEqual(swept({"ratio": 1.5, "tensors": tensors}), {"one": 0.75, "two": 1.5})

    def test_files_are_grouped_by_kind(self):
        seen = FilesSeen(Path("."))
        seen.sizes = {"a/states-00001.gguf": 3, "b/states-00002.gguf": 4, "head.gguf": 1}
        self.assertEqual(seen.kinds(), {"head.gguf": {"files": 1, "bytes": 1},
                                        "states.gguf": {"files": 2, "bytes": 7}})


if __name__ == "__main__":
    unittest.main()
