#!/usr/bin/env python3
"""The reader of llama-perplexity's statistics, on a printed example."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import printed_statistics as peer

PRINTED = Path(__file__).with_name("printed.txt").read_text(encoding="utf-8")


class Statistics(unittest.TestCase):
    def test_every_line_of_the_three_blocks_is_read(self):
        self.assertEqual(list(peer.parse(PRINTED)), peer.NAMES)

    def test_a_number_keeps_its_digits_its_uncertainty_and_its_unit(self):
        found = peer.parse(PRINTED)
        self.assertEqual(found["Mean KLD"].decimals, 6)
        self.assertNotEqual(found["Mean KLD"].uncertainty, "")
        self.assertFalse(found["Mean KLD"].percent)
        self.assertTrue(found["0.1% Δp"].percent)
        self.assertLess(found["0.1% Δp"].value, 0)

    def test_a_torn_output_is_not_complete(self):
        self.assertTrue(peer.is_complete(PRINTED))
        self.assertFalse(peer.is_complete(PRINTED[:PRINTED.rindex("Same top p")]))

    def test_agreement_allows_the_last_digit_but_one_to_differ_by_one(self):
        self.assertTrue(peer.agrees("0.012345", 0.012345))
        self.assertTrue(peer.agrees("0.012345", 0.0123551))
        self.assertFalse(peer.agrees("0.012345", 0.012356))
        self.assertTrue(peer.agrees("-1.250", -1.2551))
        self.assertFalse(peer.agrees("-1.250", 1.250))

    def test_a_missing_statistic_is_a_difference(self):
        values = {name: float(text) for name, text in peer.printed_numbers(peer.parse(PRINTED))}
        self.assertEqual(peer.differences(peer.parse(PRINTED), values), [])
        del values["Median KLD"]
        values["Mean KLD ±"] *= 1.1
        found = peer.differences(peer.parse(PRINTED), values)
        self.assertEqual([line.partition(":")[0] for line in found], ["Mean KLD ±", "Median KLD"])


if __name__ == "__main__":
    unittest.main()
