"""What people read of a run: a table of the profiles, and the logs of what failed."""

import re
from pathlib import Path

import yaml

from conformance.events import Result, Run

LEVELS = ("core", "extended")
COUNTS = ("passed", "failed", "skipped")
SHOWN_LINES = 40
STAMP = re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.]+(Z|[+-]\d\d:\d\d)?|\d+(\.\d+)?m?s\b")


def profiles_of(report: Path) -> dict[str, dict[str, dict[str, int]]]:
    """counts[profile][level][passed|failed|skipped] of a report in upstream's format."""
    document = yaml.safe_load(report.read_text())
    return {
        profile["name"]: {
            level: {
                key: profile.get(level, {}).get("statistics", {}).get(key.title(), 0)
                for key in COUNTS
            }
            for level in LEVELS
        }
        for profile in sorted(document["profiles"] or [], key=lambda one: one["name"])
    }


def profile_table(counts: dict[str, dict[str, dict[str, int]]]) -> list[str]:
    lines = ["profile       tests     passed  failed  skipped"]
    for name, levels in counts.items():
        for level, values in levels.items():
            row = "  ".join(f"{values[key]:{len(key)}}" for key in COUNTS)
            lines.append(f"{name:13} {level:8}  {row}")
    return lines


def essence(log: list[str]) -> list[str]:
    """The lines of a log without those that say again what was said before."""
    seen, kept = set(), []
    for line in "".join(log).splitlines():
        key = STAMP.sub("", line)
        if key not in seen:
            seen.add(key)
            kept.append(line)
    return kept


def failure(test: Result) -> list[str]:
    lines = essence(test.log)
    cut = len(lines) - SHOWN_LINES
    more = [f"    ... {cut} lines before"] if cut > 0 else []
    return [f"--- {test.name} ({test.seconds:.0f} s)", *more, *lines[-SHOWN_LINES:]]


def failures(run: Run) -> list[str]:
    """The logs of tests that failed or did not end; the suite's own when nothing else tells."""
    bad = [run.tests[name] for name in [*run.of("fail"), *run.unfinished()]]
    if not bad and not run.passed():
        bad = [run.whole]
    return [line for test in bad for line in failure(test)]
