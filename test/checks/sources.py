#!/usr/bin/env python3
"""Fails on files that are too long, not ASCII, carry trailing blanks or tabs, or name no test."""

import re
import statistics
import sys

from tree import ROOT, files

LIMIT = 600
CODE = (".h", ".cc", ".c", ".py")
TEXT = (*CODE, ".md", ".txt", ".yaml", ".yml", ".json", ".toml", ".cmake", ".conf", ".sh")
TEST = re.compile(r"\btest/[\w/]+\.(?:py|cc)\b")
FOREIGN_PLACES = re.compile(r"/work/|\.\./shared|/tmp/build-")


def main() -> int:
    problems, lengths = [], []
    for path in files(*TEXT):
        if "corpus" in path.parts:
            continue
        data = (ROOT / path).read_bytes()
        lines = data.decode("latin-1").split("\n")
        if path.suffix in CODE:
            lengths.append(len(lines))
            if len(lines) > LIMIT:
                problems.append(f"{path}: {len(lines)} lines, at most {LIMIT}")
        if path.suffix == ".h":
            tests = TEST.findall(data.decode("latin-1"))
            problems += [f"{path}: no {test}" for test in tests if not (ROOT / test).exists()]
        if data and not data.endswith(b"\n"):
            problems.append(f"{path}: no newline at the end")
        for number, line in enumerate(lines, 1):
            if path.suffix in CODE and not line.isascii():
                problems.append(f"{path}:{number}: not ASCII")
            if line != line.rstrip() and path.suffix != ".md":
                problems.append(f"{path}:{number}: blank or carriage return at the end")
            if path.suffix in CODE and "\t" in line:
                problems.append(f"{path}:{number}: tab")
            if path.name != "sources.py" and FOREIGN_PLACES.search(line):
                problems.append(f"{path}:{number}: names a place outside the project")
    print(
        "\n".join(problems)
        if problems
        else f"sources: median {statistics.median(lengths):.0f} lines, longest {max(lengths)}"
    )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
