#!/usr/bin/env python3
"""clang-tidy over C++ files; what was found clean is remembered.

Usage: tidy.py --build DIR --cache DIR FILE...      DIR of --build: has compile_commands.json
A file is looked at again when its preprocessed text (with comments: NOLINT is one), the checks or
clang-tidy's version differ from all that were clean before.
"""

import argparse
import hashlib
import json
import os
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TIDY = "clang-tidy-19"
CLANG = "clang++-19"
UNKNOWN_TO_CLANG = {"-fno-gnu-unique"}


def commands_for_clang(build: Path) -> list[dict]:
    """The compile commands of `build` without what only gcc knows."""
    entries = json.loads((build / "compile_commands.json").read_text())
    for entry in entries:
        words = shlex.split(entry["command"])
        entry["command"] = shlex.join(word for word in words if word not in UNKNOWN_TO_CLANG)
    return entries


def identity(entry: dict, checks: bytes) -> str:
    """Names what clang-tidy would look at, alike in every clone."""
    words = shlex.split(entry["command"])
    output = words.index("-o")
    words = [CLANG, *words[1:output], *words[output + 2 :], "-E", "-C", "-w", "-o", "-"]
    done = subprocess.run(words, cwd=entry["directory"], capture_output=True)
    text = (done.stdout + done.stderr).replace(os.fsencode(ROOT), b"")
    return hashlib.sha256(checks + text).hexdigest()


def checks_of(path: Path) -> bytes:
    configs = [directory / ".clang-tidy" for directory in reversed(path.parents)]
    return b"".join(config.read_bytes() for config in configs if config.exists())


def look(path: Path, entry: dict, database: Path, clean: Path, version: bytes) -> bool:
    seen = clean / identity(entry, version + checks_of(path))
    if seen.exists():
        return True
    done = subprocess.run([TIDY, "--quiet", "-p", database, path], stderr=subprocess.DEVNULL)
    if done.returncode == 0:
        seen.touch()
    return done.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("files", type=Path, nargs="+")
    arguments = parser.parse_args()
    entries = commands_for_clang(arguments.build)
    database = arguments.build / "clang"
    clean = arguments.cache / "tidy"
    for directory in (database, clean):
        directory.mkdir(parents=True, exist_ok=True)
    (database / "compile_commands.json").write_text(json.dumps(entries))
    by_path = {Path(entry["file"]).resolve(): entry for entry in entries}
    version = subprocess.run([TIDY, "--version"], capture_output=True, check=True).stdout
    built = [path for path in arguments.files if path.resolve() in by_path]
    for path in sorted(set(arguments.files) - set(built)):
        print(f"not looked at, because this build does not compile it: {path}")
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        good = list(
            pool.map(
                lambda path: look(path, by_path[path.resolve()], database, clean, version), built
            )
        )
    print(f"clang-tidy: {len(good)} files, {good.count(False)} with findings")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
