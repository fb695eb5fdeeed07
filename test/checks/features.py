#!/usr/bin/env python3
"""Fails when the README's table of features, supportedFeatures and the tests disagree.

A row that is not "not yet" is a name in kFeatures, the other way round too (names that only older
releases have aside), and links to a test that is there: [a sentence](test/e2e/test_x.py) is the
function test_a_sentence, and [a sentence](test/golden/a-sentence) the case of that name.
"""

import re
import sys

from tree import ROOT

PAGE = "README.md"
CODE = "controller/resolve/features.cc"
LEVELS = ("Core", "Extended", "not yet")
ROW = re.compile(r"^\| `(\w+)` \| ([\w ]+) \| (.*?) *\|$", re.M)
LINK = re.compile(r"\[([^]]+)\]\((test/[^)]+)\)")


def claimed() -> list[str]:
    code = (ROOT / CODE).read_text()
    array = re.search(r"kFeatures = \{(.*?)\};", code, re.S)
    rows = re.findall(r'Feature\{\s*\.name = "(\w+)"(.*?)\}', array[1], re.S) if array else []
    return [name for name, more in rows if ".until" not in more]


def missing_tests(page: str) -> list[str]:
    problems = []
    for text, place in LINK.findall(page):
        path = ROOT / place
        if path.suffix == ".py":
            function = f"def test_{text.replace(' ', '_')}("
            there = path.is_file() and function in path.read_text()
        else:
            there = path.name == text.replace(" ", "-") and (path / "status.yaml").is_file()
        if not there:
            problems.append(f"{PAGE}: no test '{text}' in {place}")
    return problems


def main() -> int:
    page = (ROOT / PAGE).read_text()
    problems = missing_tests(page)
    rows = ROW.findall(page)
    names = [name for name, *_ in rows]
    problems += [f"{PAGE}: {name} has two rows" for name in set(names) if names.count(name) > 1]
    for name, level, cell in rows:
        if level not in LEVELS:
            problems.append(f"{PAGE}: {name}: '{level}' is none of {', '.join(LEVELS)}")
        if level != "not yet" and not LINK.search(cell):
            problems.append(f"{PAGE}: {name} links to no test")
    served = {name for name, level, _ in rows if level != "not yet"}
    problems += [f"{PAGE}: {name} of {CODE} is not served" for name in set(claimed()) - served]
    problems += [f"{CODE}: {name} of {PAGE} is missing" for name in served - set(claimed())]
    if not rows or not claimed():
        problems.append(f"{PAGE}: {len(rows)} rows; {CODE}: {len(claimed())} features")
    print(
        "\n".join(sorted(problems)) if problems else f"features: {len(served)} served, with tests"
    )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
