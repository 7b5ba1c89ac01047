#!/usr/bin/env python3
"""Counts what scripts/test ran and prints 'N passed, N failed, N skipped' as its last line.

    scripts/count_tests.py RESULTS

RESULTS holds `<stage>.junit.xml` of ctest, a folder `<stage>/` with what each GoogleTest program
wrote about its cases, and checks.tsv (outcome, name). A ctest test counts as its cases where its
program wrote them, else as one. Exit status 1 when anything failed or nothing was run.
"""

import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path


def main(folder: Path) -> int:
    counts, failures = Counter(), []
    for junit in sorted(folder.glob("*.junit.xml")):
        count_stage(junit, folder / junit.name.removesuffix(".junit.xml"), counts, failures)
    count_checks(folder / "checks.tsv", counts, failures)
    print()
    for name in failures:
        print(f"failed: {name}")
    skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
    print(f"{counts['passed']} passed, {counts['failed']} failed{skipped}")
    return 0 if counts["passed"] and not counts["failed"] else 1


def count_stage(junit: Path, cases: Path, counts: Counter, failures: list):
    stage = cases.name
    for test in ElementTree.parse(junit).getroot().iter("testcase"):
        name, outcome = test.get("name"), outcome_of_ctest(test)
        inner = cases_of(cases / f"{name}_test.xml")
        counts.update(inner.values())
        failed = [case for case, result in inner.items() if result == "failed"]
        failures += [f"{stage}: {name}: {case}" for case in failed]
        # A crash or time-out leaves no cases, or none that failed.
        if not inner or (outcome == "failed" and not failed):
            counts[outcome] += 1
            if outcome == "failed":
                failures.append(f"{stage}: {name}")


def outcome_of_ctest(test) -> str:
    if test.find("failure") is not None or test.get("status") == "fail":
        return "failed"
    skipped = test.find("skipped")
    if skipped is None:
        return "passed"
    # ctest also calls a test skipped whose program was never built.
    return "failed" if "Unable to find executable" in skipped.get("message", "") else "skipped"


def cases_of(path: Path) -> dict:
    """GoogleTest's own report; empty when there is none or it is torn."""
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError):
        return {}
    return {f"{case.get('classname')}.{case.get('name')}": outcome_of_case(case)
            for case in root.iter("testcase")}


def outcome_of_case(case) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.get("result") in ("skipped", "suppressed") else "passed"


def count_checks(path: Path, counts: Counter, failures: list):
    lines = path.read_text().splitlines() if path.exists() else []
    for line in lines:
        outcome, name = line.split("\t", 1)
        counts[outcome] += 1
        if outcome == "failed":
            failures.append(name)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
