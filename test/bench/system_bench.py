#!/usr/bin/env python3
"""Measures a running Sluice beside stock nginx on the same machine, in the same run, as ratios.

Usage: system_bench.py --build DIRECTORY [--quick]
Rounds of the two sides alternate; every figure is a median with the range behind it.
"""

import argparse
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test"))

from harness.backends import NamedBackends  # noqa: E402
from harness.client import ask  # noqa: E402
from harness.manifests import backend, backend_ref, documents, gateway, route  # noqa: E402
from harness.net import accepts, free_port  # noqa: E402
from harness.plain_nginx import PlainNginx  # noqa: E402
from harness.sluice import Sluice  # noqa: E402
from harness.waiting import until  # noqa: E402
from measure import ADDRESS, HOST, cpu_s, spread, wrk  # noqa: E402

STATIC = """
  upstream blue {{ server {address}:{backend}; keepalive 64; }}
  server {{
    listen {address}:{port};
    server_name {host};
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $host;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-Host $host;
    proxy_set_header X-Forwarded-Port $server_port;
    proxy_set_header X-Request-Id $request_id;
    {locations}
  }}"""


def path_of(number: int) -> str:
    return f"/svc-{number % 97}/item-{number}"


def static_http(port: int, backend_port: int, routes: int, extra: str = "") -> str:
    """A hand-written configuration with one location per route."""
    locations = "\n".join(
        f"location {path_of(n)} {{ proxy_pass http://blue; }}" for n in range(routes)
    )
    return STATIC.format(
        address=ADDRESS, backend=backend_port, port=port, host=HOST, locations=locations + extra
    )


def start_static(directory: Path, backend_port: int, routes: int) -> PlainNginx:
    port = free_port(ADDRESS)
    static = PlainNginx(directory, static_http(port, backend_port, routes))
    static.port = port
    until(lambda: accepts(ADDRESS, port), "the static nginx", 30)
    return static


def fill(sluice: Sluice, count: int, one_file: bool) -> None:
    """`count` routes of one rule each."""

    def text(number: int) -> str:
        rule = {
            "matches": [{"path": {"value": path_of(number)}}],
            "backendRefs": [backend_ref("blue")],
        }
        return route(f"r{number}", [rule], [HOST])

    if one_file:
        sluice.write("routes.yaml", documents(*(text(number) for number in range(count))))
    else:
        for number in range(count):
            (sluice.manifests / f"route-{number}.json").write_text(text(number))


def start(
    directory: Path, build: Path, backends: NamedBackends, count: int, one_file: bool
) -> Sluice:
    sluice = Sluice(directory, build / "bin", ["--address", ADDRESS, "--workers", "1"])
    sluice.port = free_port(ADDRESS)
    named = [backend(name, port) for name, port in backends.ports.items()]
    sluice.write("fixed.yaml", documents(gateway(sluice.port), *named))
    fill(sluice, count, one_file)
    sluice.start()
    until(lambda: ask(sluice.port, HOST, path_of(0)).status == 200, "the first route", 300)
    return sluice


def per_cpu_second(directory: Path, build: Path, backends: NamedBackends, quick: bool) -> None:
    print("requests per worker-CPU-second, Sluice / hand-written proxy_pass with keepalive")
    rounds, seconds = (2, 1) if quick else (5, 3)
    for count in (10, 10_000):
        static = start_static(directory / f"static-{count}", backends.ports["blue"], count)
        sluice = start(directory / f"sluice-{count}", build, backends, count, one_file=True)
        path = path_of(count // 2)
        sides = {
            "sluice": (sluice.port, sluice.worker_pids()),
            "static": (static.port, static.workers()),
        }
        rates: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(rounds):
            for name, (port, pids) in sides.items():
                before = cpu_s(pids)
                result = wrk(port, path, seconds)
                assert result["failures"] == 0, (name, result)
                rates[name].append(result["requests"] / (cpu_s(pids) - before))
        ratios = [a / b for a, b in zip(rates["sluice"], rates["static"], strict=True)]
        print(f"  {count:6} routes   ratio {spread(ratios)}   Sluice {spread(rates['sluice'])}")
        sluice.stop()
        static.stop()


def time_to_answer(directory: Path, build: Path, backends: NamedBackends, quick: bool) -> None:
    print("file write to first new answer, ms")
    for count in (100, 2_000) if quick else (100, 40_000):
        for one_file in (False, True):
            name = f"write-{count}-{one_file}"
            started = time.monotonic()
            sluice = start(directory / name, build, backends, count, one_file)
            loaded = time.monotonic() - started
            times = []
            for number in range(5 if quick else 15):
                path = f"/fresh/{number}"
                rule = {
                    "matches": [{"path": {"value": path}}],
                    "backendRefs": [backend_ref("green")],
                }
                text = route(f"fresh-{number}", [rule], [HOST])
                if one_file:
                    text = (sluice.manifests / "routes.yaml").read_text() + "\n---\n" + text
                begun = time.monotonic()
                sluice.write("routes.yaml" if one_file else f"fresh-{number}.json", text)
                until(
                    lambda path=path, port=sluice.port: ask(port, HOST, path).word == "green",
                    path,
                    120,
                    step_s=0.0005,
                )
                times.append(1000 * (time.monotonic() - begun))
            kind = "one file " if one_file else "file each"
            print(f"  {count:6} routes, {kind}  {spread(times)}   first start {loaded:.1f} s")
            sluice.stop()


def under_change(directory: Path, build: Path, backends: NamedBackends, quick: bool) -> None:
    print("p99 in ms and failed requests: idle, Sluice at 100 changes/s, stock nginx reloading")
    count, seconds = (100, 3) if quick else (1_000, 10)
    sluice = start(directory / "changing", build, backends, count, one_file=False)
    static = start_static(directory / "reloading", backends.ports["blue"], count)
    path = path_of(1)

    def changing(step, interval_s: float) -> dict[str, float]:
        ending = threading.Event()

        def loop() -> None:
            number = 0
            while not ending.wait(interval_s):
                step(number)
                number += 1

        thread = threading.Thread(target=loop)
        thread.start()
        result = wrk(sluice.port if step is change else static.port, path, seconds)
        ending.set()
        thread.join()
        return result

    def change(number: int) -> None:
        rule = {
            "matches": [{"path": {"value": f"/change/{number}"}}],
            "backendRefs": [backend_ref("green")],
        }
        sluice.write(f"change-{number % 50}.json", route(f"change-{number % 50}", [rule], [HOST]))

    def reload(number: int) -> None:
        extra = f"\nlocation /change/{number} {{ return 204; }}"
        static.write(static_http(static.port, backends.ports["blue"], count, extra))
        static.reload()

    for name, measure in {
        "Sluice idle": lambda: wrk(sluice.port, path, seconds),
        "Sluice, 100 changes/s": lambda: changing(change, 0.01),
        "nginx idle": lambda: wrk(static.port, path, seconds),
        "nginx, 1 reload/s": lambda: changing(reload, 1.0),
    }.items():
        results = [measure() for _ in range(1 if quick else 3)]
        p99 = spread([result["p99"] for result in results])
        failed = sum(result["failures"] for result in results)
        print(f"  {name:24} p99 {p99}   failed {failed}")
    sluice.stop()
    static.stop()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--quick", action="store_true", help="small counts: does it run at all?")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        backends = NamedBackends(directory / "backends", ["blue", "green"])
        try:
            for measure in (per_cpu_second, time_to_answer, under_change):
                measure(directory, arguments.build.resolve(), backends, arguments.quick)
        finally:
            backends.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
