"""What llama-perplexity prints at its end, read and compared digit by digit."""

import re
from dataclasses import dataclass
from decimal import Decimal

# Every line of the three blocks of `llama-perplexity --kl-divergence`, in order, by its own name.
NAMES = [
    "Mean PPL(Q)", "Mean PPL(base)", "Cor(ln(PPL(Q)), ln(PPL(base)))", "Mean ln(PPL(Q)/PPL(base))",
    "Mean PPL(Q)/PPL(base)", "Mean PPL(Q)-PPL(base)",
    "Mean KLD", "Maximum KLD", "99.9% KLD", "99.0% KLD", "95.0% KLD", "90.0% KLD", "Median KLD",
    "10.0% KLD", "5.0% KLD", "1.0% KLD", "0.1% KLD", "Minimum KLD",
    "Mean Δp", "Maximum Δp", "99.9% Δp", "99.0% Δp", "95.0% Δp", "90.0% Δp", "75.0% Δp",
    "Median Δp", "25.0% Δp", "10.0% Δp", "5.0% Δp", "1.0% Δp", "0.1% Δp", "Minimum Δp", "RMS Δp",
    "Same top p",
]
LAST_NAME = NAMES[-1]

NUMBER = r"(-?[0-9]+(?:\.[0-9]+)?|-?nan|-?inf)"
LINE = re.compile(rf"^ ?([A-Z0-9][^:]*?)\s*:\s*{NUMBER}\s*(?:±\s*{NUMBER})?\s*(%)?\s*$")


@dataclass(frozen=True)
class Printed:
    """A number as it was printed; `percent` when a percent sign stood behind it."""

    text: str
    uncertainty: str = ""
    percent: bool = False

    @property
    def value(self) -> float:
        return float(self.text)

    @property
    def decimals(self) -> int:
        return decimals_of(self.text)


def decimals_of(text: str) -> int:
    return len(text.partition(".")[2])


def parse(output: str) -> dict:
    """Name -> Printed for every statistic in the output; other lines are passed over."""
    found = {}
    for line in output.splitlines():
        match = LINE.match(line)
        if match:
            name = re.sub(r"\s+", " ", match.group(1))
            if name in NAMES:
                found[name] = Printed(match.group(2), match.group(3) or "", bool(match.group(4)))
    return found


def is_complete(output: str) -> bool:
    """The last line is there."""
    return LAST_NAME in parse(output)


def agrees(printed: str, value: float, last_digits: int = 10) -> bool:
    """Equal to the last printed digit but one: apart by at most `last_digits` units of the last.

    `value` is rounded as it would be printed, so that only what a reader sees is compared.
    """
    unit = Decimal(1).scaleb(-decimals_of(printed))
    if not Decimal(printed).is_finite() or value != value or abs(value) == float("inf"):
        return printed.lstrip("-").lower() == f"{abs(value)}"
    rounded = Decimal(repr(value)).quantize(unit)
    return abs(rounded - Decimal(printed)) <= last_digits * unit


def differences(printed: dict, values: dict, last_digits: int = 10) -> list:
    """One line per statistic of the peer that `values` (name -> number in the peer's unit; "NAME ±"
    -> its uncertainty) lacks or contradicts."""
    found = []
    for name, text in printed_numbers(printed):
        if name not in values:
            found.append(f"{name}: the peer prints {text}, bitgauge has none")
        elif not agrees(text, values[name], last_digits):
            found.append(f"{name}: the peer prints {text}, bitgauge has "
                         f"{values[name]:.{decimals_of(text) + 2}f}")
    return found


def printed_numbers(printed: dict):
    for name, entry in printed.items():
        yield name, entry.text
        if entry.uncertainty:
            yield f"{name} ±", entry.uncertainty
