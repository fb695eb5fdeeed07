"""What the benchmarks measure with: load, CPU time and memory of processes, medians."""

import os
import re
import statistics
import subprocess
from collections.abc import Callable
from pathlib import Path

ADDRESS = "127.0.0.1"
HOST = "bench.example.com"
TICKS = os.sysconf("SC_CLK_TCK")


def spread(values: list[float], unit: str = "") -> str:
    return f"{statistics.median(values):.2f}{unit} ({min(values):.2f}-{max(values):.2f})"


def cpu_s(pids: list[int]) -> float:
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def pss_mib(pids: list[int]) -> float:
    """Memory of the processes; what several of them share counts once."""
    total = 0
    for pid in pids:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += int(re.search(r"^Pss:\s+(\d+) kB", rollup, re.M)[1])
    return total / 1024


def wrk(
    port: int,
    path: str,
    seconds: float,
    connections: int = 32,
    scheme: str = "http",
    headers: list[str] = (),
    name: str = ADDRESS,
) -> dict[str, float]:
    """One run of wrk: requests, failures and the 99th percentile in milliseconds."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "--latency"]
    for header in (f"Host: {HOST}", *headers):
        command += ["-H", header]
    command.append(f"{scheme}://{name}:{port}{path}")
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    requests = int(re.search(r"(\d+) requests in", text)[1])
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", text)
    scale = {"us": 0.001, "ms": 1.0, "s": 1000.0}[p99[2]]
    errors = re.search(
        r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text
    )
    failures = sum(int(number) for number in errors.groups()) if errors else 0
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return {
        "requests": requests,
        "p99": float(p99[1]) * scale,
        "failures": failures + (int(bad[1]) if bad else 0),
    }


def per_cpu_second(
    load: Callable[[int], float], sides: dict[str, tuple[int, list[int]]], rounds: int
) -> dict[str, list[float]]:
    """What `load` did on each port per CPU second of the workers, in rounds that alternate."""
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, (port, pids) in sides.items():
            before = cpu_s(pids)
            done = load(port)
            used = cpu_s(pids) - before
            assert done > 0 and used > 0, f"{name} did {done} in {used} s"
            rates[name].append(done / used)
    return rates


def show_ratio(title: str, rates: dict[str, list[float]]) -> None:
    """Of the first side to the second."""
    (name, ours), (_, theirs) = rates.items()
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    print(f"  {title:24} ratio {spread(ratios)}   {name} {spread(ours)}", flush=True)
