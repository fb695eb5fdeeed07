#!/usr/bin/env python3
"""All runs of the conformance suites: `make conformance-matrix`.

Usage: matrix.py --kit DIR --build DIR [--results DIR]
Both suites, both bundles, 1, 2 and 4 workers, one and eight tests at a time, each in a cluster of
its own. A run that passed with the same programs is not run again, so an interrupted matrix goes
on where it was. Exit code 0 only if every run passed.
"""

import argparse
import itertools
import json
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from cluster.cluster import NotHere, check_machine  # noqa: E402
from cluster.kit import build as kit_build  # noqa: E402

from conformance.run import BUILD, judge, programs  # noqa: E402
from conformance.world import Setting  # noqa: E402

CHANNELS = ("experimental", "standard")
WORKERS = (2, 1, 4)
PARALLEL = (1, 8)


def settings() -> list[Setting]:
    product = itertools.product(kit_build.suites(), CHANNELS, WORKERS, PARALLEL)
    return [Setting(*one) for one in product]


def passed_before(results: Path, same: str) -> dict | None:
    """The summary of a run of the same programs that passed."""
    try:
        summary = json.loads((results / "summary.json").read_text())
    except (OSError, ValueError):
        return None
    passed = summary["programs"] == same and not summary["problems"]
    return summary if passed else None


def row(setting: Setting, summary: dict) -> str:
    tests = summary["tests"]
    verb = "FAILED" if summary["problems"] else "passed"
    return (
        f"{setting.name():32} {verb}  {tests['pass']:4} passed {tests['fail']:3} failed"
        f" {tests['skip']:3} skipped {summary['seconds']:5} s"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kit", type=Path, default=kit_build.directory())
    parser.add_argument("--build", type=Path, default=BUILD / "tests", help="where Sluice is")
    parser.add_argument("--results", type=Path, default=BUILD / "conformance")
    given = parser.parse_args()
    try:
        check_machine()
    except NotHere as reason:
        print(reason, file=sys.stderr)
        return 1
    build, same = given.build.resolve(), programs(given.kit, given.build)
    rows, failed = [], False
    for setting in settings():
        results = given.results.resolve() / setting.name()
        summary = passed_before(results, same) or judge(setting, given.kit, build, results)
        failed = failed or bool(summary["problems"])
        rows.append(row(setting, summary))
    print("\n".join(rows))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
