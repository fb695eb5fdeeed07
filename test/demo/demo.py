#!/usr/bin/env python3
"""The demo: one directory of manifests, a real nginx, real requests, changes under load.

Prints what it does, then one table, and exits 0 only when everything that the table claims held.
"""

import argparse
import http.client
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test"))

from harness.backends import LiveBackend, NamedBackends  # noqa: E402
from harness.load import Load  # noqa: E402
from harness.longlived import SlowDownload, WebSockets  # noqa: E402
from harness.manifests import backend, backend_ref, documents, gateway, route  # noqa: E402
from harness.net import free_port  # noqa: E402
from harness.processes import kill  # noqa: E402
from harness.sluice import Sluice  # noqa: E402
from harness.waiting import until  # noqa: E402

ADDRESS = "127.0.0.1"
SHOP = "shop.example.com"
LIVE = "live.example.com"
SPLITS = [(100, 0), (90, 10), (50, 50), (0, 100)]
SPLIT_TOLERANCE = 5.0  # percentage points
REQUESTS_PER_SPLIT = 2000

BROKEN = """apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: broken}
spec:
  parentRefs: [{name: web}]
  rules:
    - matches: [{path: {value: no-slash}}]
"""


def split_route(blue: int, green: int) -> str:
    rule = {"backendRefs": [backend_ref("blue", blue), backend_ref("green", green)]}
    return route("split", [rule], [SHOP])


def shop_routes() -> str:
    """Rules that beat the split: exact path, prefix, method, header, query."""

    def rule(match: dict, to: str) -> dict:
        return {"matches": [match], "backendRefs": [backend_ref(to)]}

    return route(
        "shop",
        [
            rule({"path": {"type": "Exact", "value": "/health"}}, "store"),
            rule({"path": {"type": "PathPrefix", "value": "/store"}}, "store"),
            rule({"path": {"value": "/pay"}, "method": "POST"}, "store"),
            rule(
                {"path": {"value": "/pay"}, "headers": [{"name": "X-Beta", "value": "yes"}]},
                "green",
            ),
            rule(
                {"path": {"value": "/pay"}, "queryParams": [{"name": "beta", "value": "1"}]},
                "green",
            ),
            rule({"path": {"value": "/pay"}}, "blue"),
        ],
        [SHOP],
    )


ROUTING = [  # method, host, path, headers, first word of the answer, or the status
    ("GET", SHOP, "/health", {}, "store"),
    ("GET", SHOP, "/store/shelf/7", {}, "store"),
    ("GET", SHOP, "/pay", {}, "blue"),
    ("POST", SHOP, "/pay", {}, "store"),
    ("GET", SHOP, "/pay", {"X-Beta": "yes"}, "green"),
    ("GET", SHOP, "/pay?beta=1", {}, "green"),
    ("GET", SHOP, "/storefront", {}, "blue"),
    ("GET", "unknown.example.com", "/", {}, "404"),
]


class Demo:
    def __init__(self, directory: Path, build: Path):
        self.port = free_port(ADDRESS)
        self.backends = NamedBackends(directory / "backends", ["blue", "green", "store"])
        self.live = LiveBackend(directory / "live")
        self.sluice = Sluice(directory, build / "bin", ["--address", ADDRESS, "--workers", "2"])
        self.rows: list[tuple[str, str, bool]] = []

    def row(self, what: str, value: object, held: bool) -> None:
        self.rows.append((what, str(value), held))

    def say(self, text: str) -> None:
        print(f"-- {text}", flush=True)

    def ask(self, method: str, host: str, path: str, headers: dict[str, str]) -> str:
        connection = http.client.HTTPConnection(ADDRESS, self.port, timeout=5)
        try:
            connection.request(method, path, headers={"Host": host, **headers})
            answer = connection.getresponse()
            body = answer.read().decode(errors="replace")
        finally:
            connection.close()
        return body.split(" ", 1)[0].strip() if answer.status == 200 else str(answer.status)

    def manifests(self) -> None:
        ports = self.backends.ports
        self.sluice.write("gateway.yaml", gateway(self.port))
        self.sluice.write(
            "backends.yaml", documents(*(backend(name, port) for name, port in ports.items()))
        )
        self.sluice.write("split.yaml", split_route(100, 0))
        self.sluice.write("shop.json", shop_routes())
        self.sluice.write(
            "live.yaml",
            documents(
                backend("websocket", self.live.websocket_port),
                backend("download", self.live.download_port),
                route(
                    "live",
                    [
                        {
                            "matches": [{"path": {"value": "/ws"}}],
                            "backendRefs": [backend_ref("websocket")],
                        },
                        {
                            "matches": [{"path": {"value": "/slow"}}],
                            "backendRefs": [backend_ref("download")],
                        },
                    ],
                    [LIVE],
                ),
            ),
        )

    def routing(self) -> None:
        self.say("routing by host, exact path, prefix, method, header and query")
        wrong = 0
        for method, host, path, headers, wanted in ROUTING:
            got = self.ask(method, host, path, headers)
            extra = " ".join(f"{name}: {value}" for name, value in headers.items())
            print(f"   {method:5}{host}{path} {extra}".ljust(56) + f"-> {got}")
            wrong += got != wanted
        self.row(
            "routing cases answered as written",
            f"{len(ROUTING) - wrong} of {len(ROUTING)}",
            wrong == 0,
        )

    def split(self, load: Load) -> None:
        self.say("moving shop.example.com from blue to green, under load")
        held = True
        for blue, green in SPLITS:
            self.sluice.write("split.yaml", split_route(blue, green))
            self.sluice.wait()
            load.take()
            counted: dict[str, int] = {}

            def enough(counted=counted) -> bool:
                for name, number in load.take().items():
                    counted[name] = counted.get(name, 0) + number
                return sum(counted.values()) >= REQUESTS_PER_SPLIT

            until(enough, f"{REQUESTS_PER_SPLIT} answers", 20)
            share = 100 * counted.get("green", 0) / sum(counted.values())
            fine = abs(share - green) <= (SPLIT_TOLERANCE if 0 < green < 100 else 0.5)
            held &= fine
            print(f"   blue {blue:3} : green {green:3}   measured green {share:5.1f} %")
        self.row(
            "weighted split 100/0, 90/10, 50/50, 0/100", "followed" if held else "missed", held
        )

    def new_route_times(self) -> None:
        self.say("time from a written file to the first answer by it")
        times = []
        for number in range(5):
            path = f"/fresh-{number}"
            rule = {"matches": [{"path": {"value": path}}], "backendRefs": [backend_ref("store")]}
            text = route(f"fresh-{number}", [rule], ["fresh.example.com"])
            started = time.monotonic()
            self.sluice.write(f"fresh-{number}.yaml", text)
            until(
                lambda path=path: self.ask("GET", "fresh.example.com", path, {}) == "store",
                f"an answer at {path}",
                5,
                step_s=0.0005,
            )
            times.append(1000 * (time.monotonic() - started))
        self.row(
            "file write to first new answer, median of 5",
            f"{statistics.median(times):.1f} ms",
            True,
        )

    def broken(self) -> None:
        self.say("a bad manifest is reported with file and line; everything else goes on")
        self.sluice.write("broken.yaml", BROKEN)
        until(lambda: "broken.yaml:7" in self.sluice.output(), "the report of broken.yaml:7", 5)
        print(
            "   "
            + next(line for line in self.sluice.output().splitlines() if "broken.yaml:7" in line)[
                :150
            ]
        )
        self.row(
            "bad manifest reported",
            "broken.yaml:7",
            self.ask("GET", SHOP, "/health", {}) == "store",
        )
        self.sluice.remove("broken.yaml")

    def controller_killed(self) -> None:
        self.say("kill -9 of the controller: answers go on, and it is back by itself")
        before = self.sluice.controller_pid()
        kill(before)
        alone = self.ask("GET", SHOP, "/health", {}) == "store"
        until(lambda: self.sluice.controller_pid() not in (0, before), "a new controller", 10)
        self.sluice.write(
            "after.yaml",
            route("after", [{"backendRefs": [backend_ref("store")]}], ["after.example.com"]),
        )
        until(
            lambda: self.ask("GET", "after.example.com", "/", {}) == "store",
            "a route added afterwards",
            10,
        )
        self.row("controller killed with -9", "survived, then followed a change", alone)

    def run(self) -> bool:
        self.say(
            f"three backends, a WebSocket and a slow download; Gateway at {ADDRESS}:{self.port}"
        )
        self.manifests()
        self.sluice.start()
        workers = self.sluice.worker_pids()
        self.routing()
        load = Load(ADDRESS, self.port, SHOP, "/", clients=4)
        sockets = WebSockets(ADDRESS, self.port, LIVE, "/ws", count=1)
        download = SlowDownload(ADDRESS, self.port, LIVE, chunks=150, pause_ms=100)
        try:
            self.split(load)
            self.broken()
            self.new_route_times()
            self.controller_killed()
            alive = sockets.echo()
            running = download.running()
            whole = download.finished(30)
        finally:
            load.stop()
            sockets.close()
        after = self.sluice.worker_pids()
        self.row("requests sent under load", load.total, load.total > 0)
        self.row("requests failed", len(load.failures), not load.failures)
        self.row(
            "nginx workers before and after",
            f"{workers} {after}",
            workers == after and len(workers) == 2,
        )
        self.row("WebSocket still the same connection", "yes" if alive else "no", alive == 1)
        self.row(
            "slow download still running, then whole", f"{running}, {whole}", running and whole
        )
        for failure in load.failures[:5]:
            print(f"   failed: {failure}")
        bad = self.sluice.bad_log_lines()
        self.row("alarms in nginx's error log", len(bad), not bad)
        return all(held for _, _, held in self.rows)

    def stop(self) -> None:
        self.sluice.stop()
        self.live.stop()
        self.backends.stop()

    def table(self) -> None:
        width = max(len(what) for what, _, _ in self.rows)
        print()
        for what, value, held in self.rows:
            print(f"  {'ok ' if held else 'NO '} {what.ljust(width)}  {value}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    build = parser.parse_args().build.resolve()
    directory = Path(tempfile.mkdtemp(prefix="sluice-demo-"))
    directory.chmod(0o755)
    demo = Demo(directory, build)
    held = False
    try:
        held = demo.run()
    except (TimeoutError, AssertionError, OSError) as problem:
        print(
            f"\nfailed: {problem}\n--- what Sluice printed last ---\n{demo.sluice.output()[-3000:]}"
        )
    finally:
        demo.stop()
        demo.table()
        shutil.rmtree(directory, ignore_errors=True)
    print("\n" + ("Everything held." if held else "Something did not hold."))
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
