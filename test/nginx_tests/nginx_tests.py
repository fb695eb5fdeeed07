#!/usr/bin/env python3
"""Runs nginx's own tests (perl) twice, without and with Sluice's module loaded: the same results.

Usage: nginx_tests.py --tests DIRECTORY --build DIRECTORY [--nginx PROGRAM] [--all] [PATTERN...]
DIRECTORY is a copy of nginx's test suite, as old as the nginx under test: newer tests fail on it.
Without a pattern: the files of the subjects that the module has a hand in. What fails on both sides
is told and hurts nothing; a file that differs is run once more on both sides, alone.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

SUBJECTS = [
    "access_log*.t",
    "auth_request*.t",
    "body*.t",
    "error_log.t",
    "grpc*.t",
    "h2*.t",
    "headers.t",
    "http_*.t",
    "ignore_invalid_headers.t",
    "limit_req*.t",
    "map*.t",
    "mirror*.t",
    "proxy*.t",
    "realip*.t",
    "request_id.t",
    "rewrite*.t",
    "server_tokens.t",
    "ssl*.t",
    "trailers.t",
    "upstream*.t",
    "worker_shutdown_timeout*.t",
]
FILE_SECONDS = 120
# nginx's dynamic modules may be installed or not; the suite would load all that -V lists.
WRAPPER = """#!/bin/sh
[ "$1" != -V ] || {{ "{nginx}" -V 2>&1 | sed 's/--with-[a-z_]*=dynamic//g'; exit; }}
exec "{nginx}" "$@"
"""
LINE = re.compile(r"^(ok|not ok)\s+(\d+)\b[ -]*([^#]*)(?:#\s*(TODO|SKIP)\b)?", re.I)


@dataclass(frozen=True)
class Result:
    """What one file said: `tests` are (number, name, verdict); `note` is why there are none."""

    tests: tuple[tuple[int, str, str], ...]
    note: str = ""

    def failed(self) -> list[str]:
        return [f"{number} - {name}" for number, name, said in self.tests if said == "not ok"]


def parse(text: str, code: int | None) -> Result:
    tests = []
    for line in text.splitlines():
        if found := LINE.match(line):
            verdict, number, name, directive = found.groups()
            tests.append((int(number), name.strip(), (directive or verdict).lower()))
        elif line.startswith("1..0"):
            return Result((), line.partition("#")[2].strip() or "no tests")
    if code is None:
        return Result(tuple(tests), f"not ended after {FILE_SECONDS} s")
    return Result(tuple(tests), "" if tests else f"ended with {code} and no test")


def run_file(path: Path, nginx: str, module: Path | None) -> Result:
    lines = ["user root;"] if os.geteuid() == 0 else []  # its files are of mode 0700
    lines += [f"load_module {module};"] if module else []
    env = {**os.environ, "TEST_NGINX_BINARY": nginx, "TEST_NGINX_GLOBALS": "\n".join(lines)}
    with subprocess.Popen(
        ["perl", "-I", "lib", path.name],
        cwd=path.parent,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            text, _ = process.communicate(timeout=FILE_SECONDS)
            return parse(text, process.returncode)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # perl, its daemons and its nginx
            return parse(process.communicate()[0], None)


def run_side(files: list[Path], nginx: str, module: Path | None, jobs: int) -> dict[str, Result]:
    with ThreadPoolExecutor(jobs) as pool:
        results = pool.map(lambda path: run_file(path, nginx, module), files)
        return {path.name: result for path, result in zip(files, results, strict=True)}


def differences(plain: Result, loaded: Result) -> list[str]:
    lines = [f"{plain.note!r} -> {loaded.note!r}"] if plain.note != loaded.note else []
    before, after = ({test[:2]: test[2] for test in side.tests} for side in (plain, loaded))
    for test in sorted({*before, *after}):
        was, now = before.get(test, "missing"), after.get(test, "missing")
        if was != now:
            lines.append(f"{test[0]} - {test[1]}: {was} -> {now}")
    return lines


def compare(files: list[Path], nginx: str, module: Path) -> int:
    jobs = os.cpu_count() or 2
    plain = run_side(files, nginx, None, jobs)
    loaded = run_side(files, nginx, module, jobs)
    different = 0
    for path in files:
        if not differences(plain[path.name], loaded[path.name]):
            continue
        again = [run_file(path, nginx, side) for side in (None, module)]
        lines = differences(*again)
        print(f"{path.name}: {'differs' if lines else 'differed once, not when run alone'}")
        print("".join(f"  {line}\n" for line in lines), end="")
        different += bool(lines)
        plain[path.name], loaded[path.name] = again
    report(plain, loaded)
    print(f"{different} of {len(files)} files differ with the module loaded")
    return 1 if different else 0


def report(plain: dict[str, Result], loaded: dict[str, Result]) -> None:
    for name, side in (("nginx alone", plain), ("with the module", loaded)):
        said = Counter(test[2] for result in side.values() for test in result.tests)
        ran = sum(bool(result.tests) for result in side.values())
        counts = ", ".join(f"{count} {word}" for word, count in sorted(said.items()))
        print(f"{name:16} {ran} files ran: {counts}")
    skipped = [result.note for result in plain.values() if result.note.startswith("SKIP")]
    for note, count in Counter(skipped).most_common():
        print(f"  {count:3} files not run: {note}")
    for name, result in plain.items():
        if result.note and result.note not in skipped:
            print(f"  fails on both sides: {name} {result.note}")
        for test in result.failed():
            print(f"  fails on both sides: {name} {test}")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tests", type=Path, required=True)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--nginx", default="/usr/sbin/nginx")
    parser.add_argument("--all", action="store_true", help="every file there is")
    parser.add_argument("patterns", nargs="*")
    arguments = parser.parse_args()
    if not (arguments.tests / "lib/Test/Nginx.pm").is_file():
        print(f"nginx_tests: {arguments.tests} is no copy of nginx's tests", file=sys.stderr)
        return 2
    patterns = ["*.t"] if arguments.all else arguments.patterns or SUBJECTS
    files = sorted({path for pattern in patterns for path in arguments.tests.glob(pattern)})
    module = arguments.build.resolve() / "modules/ngx_http_sluice_module.so"
    if not files or not module.is_file():
        print(f"nginx_tests: no test matches, or no {module}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as directory:
        wrapper = Path(directory) / "nginx"
        wrapper.write_text(WRAPPER.format(nginx=arguments.nginx))
        wrapper.chmod(0o755)
        return compare([path.resolve() for path in files], str(wrapper), module)


if __name__ == "__main__":
    sys.exit(main())
