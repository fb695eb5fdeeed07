#!/usr/bin/env python3
"""Measures the route table beside the sorted linear scan, in the same run, as ratios.

Usage: table_bench.py --build DIRECTORY [--quick]
Instructions come from callgrind and carry no noise; nanoseconds are thread CPU time, medians of
interleaved repetitions with the range behind them.
"""

import argparse
import itertools
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

LOOKUPS = [
    ("services-10/1", "services", 10, 1),
    ("services-1k/100", "services", 1_000, 100),
    ("services-100k/1k", "services", 100_000, 1_000),
    ("services-1M/10k", "services", 1_000_000, 10_000),
    ("one-host-100k", "one-host", 100_000, 1),
    ("headers-only-1k", "headers-only", 1_000, 1),
]
CHANGES = ["services-100/10", "services-40k/400", "services-1M/10k"]
LARGE = {"services-100k/1k", "services-1M/10k", "one-host-100k"}  # not with --quick
COUNTED = 2000  # lookups under callgrind


def speed_rows(build: Path, case: str, quick: bool) -> list[dict]:
    """A process for each case: the largest table takes some gigabytes."""
    done = subprocess.run(
        [
            build / "bin/table_speed",
            f"--benchmark_filter=:{case}(/|$)",
            f"--benchmark_repetitions={3 if quick else 7}",
            f"--benchmark_min_time={0.02 if quick else 0.1}",
            "--benchmark_enable_random_interleaving=true",
            "--benchmark_format=json",
        ],
        stdout=subprocess.PIPE,
        check=True,
    )
    rows = json.loads(done.stdout)["benchmarks"]
    return [row for row in rows if row["run_type"] == "iteration"]


def run_speed(build: Path, quick: bool) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Nanoseconds per repetition by benchmark, and bytes per rule by case."""
    names = dict.fromkeys([name for name, *_ in LOOKUPS] + CHANGES)
    times: dict[str, list[float]] = defaultdict(list)
    sizes: dict[str, float] = {}
    wanted = [name for name in names if not (quick and name in LARGE)]
    for row in itertools.chain(*(speed_rows(build, name, quick) for name in wanted)):
        name = re.sub(r"/iterations:\d+/manual_time$", "", row["run_name"])
        manual = name != row["run_name"]
        times[name].append(row["real_time" if manual else "cpu_time"])
        if "bytes_per_rule" in row:
            sizes[name.split(":")[1]] = row["bytes_per_rule"]
    return times, sizes


def count_instructions(build: Path, side: str, shape: str, rules: int, hosts: int) -> float | None:
    if shutil.which("valgrind") is None:
        return None
    lookups = COUNTED if side == "table" else COUNTED // 20
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}"]
            + [str(build / "bin/lookup_count"), side, shape, str(rules), str(hosts), str(lookups)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    found = re.search(r"Collected : (\d+)", done.stdout)
    if done.returncode != 0 or found is None:
        sys.exit(f"table_bench: lookup_count failed:\n{done.stdout}")
    return int(found[1]) / lookups


def shown(values: list[float]) -> str:
    return f"{statistics.median(values):,.0f} ({min(values):,.0f}..{max(values):,.0f})"


def ratio(scan: float, table: float) -> str:
    return f"{scan / table:,.1f}x"


def print_lookups(times: dict[str, list[float]], sizes: dict[str, float]) -> None:
    print("lookup, ns of thread CPU time: median (range) of table, of linear scan, scan / table")
    for name, *_ in LOOKUPS:
        for heat in ("warm", "random"):
            table, scan = times[f"lookup-{heat}:{name}"], times[f"scan-{heat}:{name}"]
            if not table:
                continue
            quotient = ratio(statistics.median(scan), statistics.median(table))
            print(f"  {name:18} {heat:6} {shown(table):>24} {shown(scan):>32} {quotient:>10}")
    print("bytes of shared memory per rule, action included")
    for name, size in sizes.items():
        print(f"  {name:18} {size:,.0f}")


def print_instructions(build: Path, quick: bool) -> None:
    print(f"instructions per lookup (callgrind, {COUNTED} requests): table, linear scan, ratio")
    for name, shape, rules, hosts in LOOKUPS:
        if quick and rules > 1_000:
            continue
        table = count_instructions(build, "table", shape, rules, hosts)
        scan = count_instructions(build, "scan", shape, rules, hosts)
        if table is None or scan is None:
            print("  valgrind is not installed")
            return
        print(f"  {name:18} {table:>10,.0f} {scan:>14,.0f} {ratio(scan, table):>10}")


def print_changes(times: dict[str, list[float]]) -> None:
    print("one change (a route of up to 8 rules: put, written, published), ns: median (range)")
    first = None
    for name in CHANGES:
        values = times[f"change:{name}"]
        if not values:
            continue
        first = first or statistics.median(values)
        growth = ratio(statistics.median(values), first)
        print(f"  {name:18} {shown(values):>32}   {growth} of the smallest table's")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--quick", action="store_true", help="small tables, few repetitions")
    options = parser.parse_args()
    if not (options.build / "bin/table_speed").exists():
        print("table_bench: table_speed is not built", file=sys.stderr)
        return 1
    times, sizes = run_speed(options.build, options.quick)
    print_lookups(times, sizes)
    print_changes(times)
    print_instructions(options.build, options.quick)
    return 0


if __name__ == "__main__":
    sys.exit(main())
