#!/usr/bin/env python3
"""Fails when controller/doc/conditions.md, the code and the golden cases disagree about conditions.

Every type, status and reason on the page is shown by a golden case, and what a golden case shows is
on the page; every reason of the code is on the page, and every reason of the page in the code.
"""

import re
import sys

from tree import ROOT, files

PAGE = "controller/doc/conditions.md"
CODE = ("controller/resolve", "controller/status")
# Sections of the page by the kinds of objects; a listener's conditions are inside its parent's.
SECTIONS = {
    "GatewayClass": ["GatewayClass"],
    "Gateway": ["Gateway"],
    "Listener": ["Listener"],
    "ListenerSet": ["ListenerSet"],
    "Routes": ["HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"],
    "BackendTLSPolicy": ["BackendTLSPolicy"],
}
TRUTHS = ("True", "False", "Unknown")
# Words of the same form in the code that are neither a type nor a reason.
ROUTES = {"GRPCRoute", "HTTPRoute", "TCPRoute", "TLSRoute", "UDPRoute"}
OTHER_WORDS = {"Cluster", "ExternalName", "IPAddress", "Passthrough", *ROUTES, *TRUTHS}
WORD = re.compile(r'"([A-Z][A-Za-z]*[a-z][A-Za-z]*)"')
FEATURES = re.compile(r"k\w*Features = \{.*?\};", re.S)  # of a GatewayClass, not conditions
CONDITION = re.compile(r' *- \{type: "(\w+)", status: "(\w+)", reason: "(\w+)"')

Row = tuple[str, str, str, str]  # section, type, status, reason


def of_page() -> set[Row]:
    rows = set()
    for text in (ROOT / PAGE).read_text().split("\n## ")[1:]:
        section = text.split("\n")[0].split(",")[0].strip()
        kind = ""
        for line in text.splitlines():
            cells = [cell.strip() for cell in line.split("|")[1:-1]]
            if section in SECTIONS and len(cells) == 4 and cells[1] in TRUTHS:
                kind = cells[0] or kind
                rows |= {(section, kind, cells[1], one) for one in cells[2].split(", ")}
    return rows


def of_golden() -> set[Row]:
    sections = {kind: name for name, kinds in SECTIONS.items() for kind in kinds}
    rows = set()
    for path in (ROOT / "test/golden").glob("*/status.yaml"):
        kind, in_listeners = "", False
        for line in path.read_text().splitlines():
            if not line.startswith(" "):
                kind, in_listeners = line.split("/")[0], False
            elif line.startswith("  listeners:"):
                in_listeners = True
            elif found := CONDITION.match(line):
                rows.add(("Listener" if in_listeners else sections[kind], *found.groups()))
    return rows


def of_code() -> set[str]:
    words = set()
    for path in files(".cc", ".h"):
        if str(path.parent) in CODE:
            text = re.sub(r"//.*", "", FEATURES.sub("", (ROOT / path).read_text()))
            words |= set(WORD.findall(text))
    return words - OTHER_WORDS


def main() -> int:
    page, golden, code = of_page(), of_golden(), of_code()
    problems = [f"{PAGE}: no golden case shows {' '.join(row)}" for row in sorted(page - golden)]
    problems += [f"{PAGE}: no row for {' '.join(row)}" for row in sorted(golden - page)]
    words = {word for row in page for word in (row[1], row[3])}
    problems += [f"{PAGE}: {word} of the code has no row" for word in sorted(code - words)]
    problems += [f"{PAGE}: {word} is not in the code" for word in sorted(words - code)]
    if not page or not golden:
        problems.append(f"{PAGE}: {len(page)} rows, golden cases with {len(golden)}")
    print("\n".join(problems) if problems else f"conditions page: {len(page)} rows agree")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
