#!/usr/bin/env python3
"""Fails when shared/doc/table_format.md and the compiler disagree about the table's bytes.

Every record, field, constant and enumerator on the page becomes a static_assert about the headers;
what the headers have and the page does not, and rows that leave a gap, are errors too.
"""

import os
import re
import subprocess
import sys
import tempfile

from tree import ROOT

PAGE = "shared/doc/table_format.md"
HEADERS = {"shared/table/format.h": "sluice::table", "shared/arena/layout.h": "sluice::arena"}
CONSTANTS_OF = "shared/table/format.h"
SIZE_OF = "sizeof(static_cast<{record}*>(nullptr)->{field})"


def table_rows(text: str, columns: int) -> list[list[str]]:
    rows = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == columns:
            rows.append(cells)
    return rows


def records(page: str) -> dict[str, tuple[int, list[tuple[int, int, str]]]]:
    found = {}
    for section in re.split(r"^### ", page, flags=re.M)[1:]:
        title = re.match(r"(\w+) \((\d+) bytes\)", section)
        if title is None:
            sys.exit(f"{PAGE}: a record's title is 'Name (N bytes)', not '{section[:40]}'")
        rows = [row for row in table_rows(section, 4) if row[0].isdigit()]
        fields = [(int(row[0]), int(row[1]), row[2].strip("`")) for row in rows]
        found[title[1]] = (int(title[2]), fields)
    return found


def gaps(name: str, size: int, fields: list[tuple[int, int, str]]) -> list[str]:
    problems, end = [], 0
    for offset, width, field in fields:
        if offset != end:
            problems.append(f"{PAGE}: {name}.{field} starts at {offset}, the row before ends {end}")
        end = offset + width
    if end != size:
        problems.append(f"{PAGE}: the rows of {name} end at {end}, the record at {size}")
    return problems


def headers() -> tuple[dict[str, str], set[str], set[tuple[str, str]]]:
    """Record -> namespace, the table's constants, and (enum, enumerator)."""
    spaces, constants, enumerators = {}, set(), set()
    for header, space in HEADERS.items():
        text = re.sub(r"//.*", "", (ROOT / header).read_text())
        for record in re.findall(r"^struct (\w+) \{", text, re.M):
            spaces[record] = space
        if header != CONSTANTS_OF:
            continue
        constants |= set(re.findall(r"^inline constexpr [\w:]+\s+(\w+)", text, re.M))
        for enum, body in re.findall(r"^enum (?:class )?(\w+)[^{]*\{(.*?)\}", text, re.M | re.S):
            enumerators |= {(enum, name) for name in re.findall(r"(k\w+)\s*=", body)}
    return spaces, constants, enumerators


def same(what: str, page: set, code: set) -> list[str]:
    missing = [f"{PAGE}: {what} {name} is missing" for name in sorted(code - page)]
    return missing + [f"{PAGE}: there is no {what} {name}" for name in sorted(page - code)]


def assertions(page: str, spaces: dict[str, str]) -> list[str]:
    lines = []
    for name, (size, fields) in records(page).items():
        record = f"{spaces[name]}::{name}"
        lines.append(f'static_assert(sizeof({record}) == {size}, "{name}");')
        for offset, width, field in fields:
            label = f'"{name}.{field}"'
            width_of = SIZE_OF.format(record=record, field=field)
            lines.append(f"static_assert(offsetof({record}, {field}) == {offset}, {label});")
            lines.append(f"static_assert({width_of} == {width}, {label});")
    for name, value, _ in table_rows(page, 3):
        if name.startswith("`k"):
            name = name.strip("`")
            lines.append(f'static_assert(sluice::table::{name} == {value}, "{name}");')
    for enum, value, name in table_rows(page, 3):
        if value.isdigit() and name.startswith("k"):
            of = f"sluice::table::{enum}::{name}"
            lines.append(f'static_assert(static_cast<int>({of}) == {value}, "{enum}::{name}");')
    return lines


def compile_errors(lines: list[str]) -> list[str]:
    source = "".join(f'#include "{header}"\n' for header in HEADERS) + "\n".join(lines) + "\n"
    with tempfile.NamedTemporaryFile("w", suffix=".cc") as file:
        file.write(source)
        file.flush()
        compiler = os.environ.get("CXX", "c++")
        command = [compiler, "-std=c++20", "-fsyntax-only", "-I", str(ROOT), file.name]
        run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode == 0:
        return []
    errors = [line for line in run.stderr.splitlines() if "error:" in line]
    return [f"{PAGE}: {error.split('error:', 1)[1].strip()}" for error in errors]


def main() -> int:
    page = (ROOT / PAGE).read_text()
    spaces, constants, enumerators = headers()
    problems = same("record", set(records(page)), set(spaces))
    page_constants = {row[0].strip("`") for row in table_rows(page, 3) if row[0].startswith("`k")}
    problems += same("constant", page_constants, constants)
    page_enumerators = {(row[0], row[2]) for row in table_rows(page, 3) if row[2].startswith("k")}
    problems += same("enumerator", page_enumerators, enumerators)
    for name, (size, fields) in records(page).items():
        problems += gaps(name, size, fields)
    lines = [] if problems else assertions(page, spaces)
    problems += compile_errors(lines)
    print("\n".join(problems) if problems else f"format page: {len(lines)} facts agree")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
