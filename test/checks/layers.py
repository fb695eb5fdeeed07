#!/usr/bin/env python3
"""Fails when a room includes a room or an outside header that layers.toml does not allow."""

import re
import sys
import tomllib
from pathlib import Path

from tree import ROOT, files

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^">]+)[">]')


def room_of(path: Path, rooms: set[str]) -> str | None:
    """The innermost folder of `path` that is a room."""
    for parent in [path.parent, *path.parent.parents]:
        if str(parent) in rooms:
            return str(parent)
    return None


def allowed(room: str, other: str, allow: dict[str, list[str]]) -> bool:
    return other == room or any(
        other == name or (name.endswith("/*") and other.startswith(name[:-1]))
        for name in allow[room]
    )


def main() -> int:
    rules = tomllib.loads((ROOT / "test/checks/layers.toml").read_text())
    allow, confine = rules["allow"], rules["confine"]
    rooms = set(allow)
    problems = []
    for path in files(".h", ".cc", ".c"):
        if path.parts[0] == "test":
            continue
        room = room_of(path, rooms)
        if room is None:
            problems.append(f"{path}: this folder is no room of layers.toml")
            continue
        for number, line in enumerate((ROOT / path).read_text().splitlines(), 1):
            found = INCLUDE.match(line)
            if not found:
                continue
            header = found[2]
            if found[1] == '"':
                other = room_of(Path(header), rooms)
                if other is None:
                    problems.append(
                        f'{path}:{number}: "{header}" is not a path from the root to a room'
                    )
                elif not allowed(room, other, allow):
                    problems.append(f"{path}:{number}: {room} may not include {other}")
            for pattern, homes in confine.items():
                if re.fullmatch(pattern, header) and room not in homes:
                    problems.append(f"{path}:{number}: <{header}> belongs to {', '.join(homes)}")
    print("\n".join(problems) if problems else f"layers: {len(rooms)} rooms, nothing out of place")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
