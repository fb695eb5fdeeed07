#!/usr/bin/env python3
"""Writes the README's conformance table from full runs: readme.py build/conformance/*/summary.json

Every row is what a run has told; one with a problem is written as it is, too.
"""

import json
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "README.md"
BEGIN, END = "<!-- conformance: begin -->\n", "<!-- conformance: end -->\n"
HEAD = (
    "| suite | bundle | workers | profile | core passed / failed / skipped "
    "| extended passed / failed / skipped |\n|---|---|---|---|---|---|\n"
)


def counts(values: dict[str, int]) -> str:
    return " / ".join(str(values[key]) for key in ("passed", "failed", "skipped"))


def rows(summary: dict) -> list[str]:
    run = f"| {summary['suite']} | {summary['channel']} | {summary['workers']} "
    return [
        f"{run}| {name} | {counts(levels['core'])} | {counts(levels['extended'])} |\n"
        for name, levels in summary["profiles"].items()
    ]


def with_table(page: str, summaries: list[dict]) -> str:
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    lines = [line for summary in summaries for line in rows(summary)]
    return before + BEGIN + HEAD + "".join(lines) + END + after


def main() -> int:
    summaries = [json.loads(Path(name).read_text()) for name in sys.argv[1:]]
    page = PAGE.read_text()
    if not any(summary["profiles"] for summary in summaries) or BEGIN not in page:
        print(__doc__, file=sys.stderr)
        return 2
    PAGE.write_text(with_table(page, summaries))
    return 0


if __name__ == "__main__":
    sys.exit(main())
