#!/usr/bin/env python3
"""Measures a controller in a cluster of thousands of routes: memory, CPU, requests, changes.

Usage: kube_bench.py --build DIRECTORY --kit DIRECTORY [--quick]
The API server runs on the same machine: times have its part, which the watch's column shows.
"""

import argparse
import contextlib
import json
import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test"))

from change_latency import KEPT, Change, changes, redirect  # noqa: E402
from cluster.api import Api  # noqa: E402
from cluster.kit import build as kit_build  # noqa: E402
from conformance.world import CLASS, Setting, World, directory  # noqa: E402
from harness.kube_gateways import gateway, programmed, route  # noqa: E402
from harness.kubernetes import Namespace  # noqa: E402
from harness.memory import memory_of  # noqa: E402
from harness.waiting import until  # noqa: E402
from measure import cpu_s  # noqa: E402

WRITERS = 4
ENDPOINTS = 10  # of each Service
WAIT_S = 600
PROBE = "probe"
HTTP_ROUTES = "/apis/gateway.networking.k8s.io/v1/namespaces/bench/httproutes"


def create_all(api: Api, things: list[tuple[str, dict]]) -> None:
    """POSTs every object to its collection."""

    def create(share: list[tuple[str, dict]]) -> None:
        with contextlib.closing(api.connect()) as connection:
            for collection, thing in share:
                headers = {**api.headers, "Content-Type": "application/json"}
                connection.request("POST", collection, json.dumps(thing), headers)
                answer = connection.getresponse()
                body = answer.read()
                assert answer.status == 201, body

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(create, [things[n::WRITERS] for n in range(WRITERS)]))


def service(number: int) -> list[tuple[str, dict]]:
    """A Service without a selector, and its endpoints, which nobody asks."""
    name = f"s{number}"
    port = {"name": "http", "port": 80, "targetPort": 3000}
    addresses = [f"10.{64 + number // 250}.{number % 250}.{n + 1}" for n in range(ENDPOINTS)]
    endpoints = [{"addresses": [address], "conditions": {"ready": True}} for address in addresses]
    slice_of_it = {
        "metadata": {"name": name, "labels": {"kubernetes.io/service-name": name}},
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": 3000, "protocol": "TCP"}],
        "endpoints": endpoints,
    }
    return [
        (
            "/api/v1/namespaces/bench/services",
            {"metadata": {"name": name}, "spec": {"ports": [port]}},
        ),
        ("/apis/discovery.k8s.io/v1/namespaces/bench/endpointslices", slice_of_it),
    ]


def numbered(number: int, services: int) -> tuple[str, dict]:
    made = route(f"r{number}", "web", f"s{number % services}")
    made["spec"]["hostnames"] = [f"h{number}.example.com"]
    return HTTP_ROUTES, made


def probe() -> tuple[str, dict]:
    made = route(PROBE, "web", "none")
    made["spec"]["hostnames"] = ["probe.example.com"]
    made["spec"]["rules"] = [redirect("first")]
    return HTTP_ROUTES, made


def requests(api: Api) -> Counter[str]:
    """What the API server was asked of the kinds that only Sluice asks of, and its verbs."""
    counted: Counter[str] = Counter()
    line_of = re.compile(r"^apiserver_request_total\{(.*)\} (\S+)$", re.M)
    for labels, value in line_of.findall(api.read("GET", "/metrics").decode()):
        of = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        if of["group"] != "gateway.networking.k8s.io":
            continue
        if of["subresource"] == "status" or of["verb"] in ("LIST", "WATCH"):
            counted[of["verb"] + (" of status" if of["subresource"] else "")] += int(float(value))
    return counted


def attached(namespace: Namespace) -> int:
    (listener,) = namespace.get("Gateway", "web")["status"]["listeners"]
    return listener["attachedRoutes"]


def told(namespace: Namespace) -> int:
    """Routes that have a status."""
    return sum("status" in found for found in namespace.list("HTTPRoute"))


def report(title: str, world: World, begun: float, cpu_before: float, asked: Counter[str]) -> None:
    pid = world.sluice.controller.pid
    sent = ", ".join(f"{count} {verb}" for verb, count in sorted(asked.items()) if count)
    print(f"  {title:26} {time.monotonic() - begun:.1f} s", end="")
    print(f"   CPU {cpu_s([pid]) - cpu_before:.2f} s   {memory_of(pid)}")
    print(f"  {'':26} requests about Gateway API kinds: {sent or 'none'}", flush=True)


def load(world: World, namespace: Namespace, routes: int, services: int) -> str:
    """Applies everything to a running controller; the Gateway's address."""
    api = world.cluster.api()
    pid = world.sluice.controller.pid
    create_all(api, [thing for number in range(services) for thing in service(number)])
    namespace.apply(gateway("web", gatewayClassName=CLASS))
    (address,) = programmed(namespace, "web")
    before, cpu_before, begun = requests(api), cpu_s([pid]), time.monotonic()
    create_all(api, [probe(), *(numbered(number, services) for number in range(routes))])
    until(lambda: attached(namespace) == routes + 1, "all routes", WAIT_S, 0.2)
    until(lambda: told(namespace) == routes + 1, "all statuses", WAIT_S, 0.5)
    asked = requests(api) - before
    del asked["LIST"]  # by told()
    report("routes applied, all told", world, begun, cpu_before, asked)
    return address


def all_current(world: World) -> bool:
    return world.sluice.sluicectl("wait", "--timeout", "60").returncode == 0


def restart(world: World, namespace: Namespace) -> None:
    api = world.cluster.api()
    before, begun = requests(api), time.monotonic()
    world.sluice.kill_controller()
    world.sluice.start_controller()
    until(lambda: all_current(world), "the restarted controller", WAIT_S)
    report("restarted, all current", world, begun, 0, requests(api) - before)


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def show_changes(workers: int, found: list[Change]) -> None:
    columns = {
        "event of a watch": [change.event for change in found],
        "every worker answers": [change.worker for change in found],
        "beyond the event": [change.worker - change.event for change in found],
    }
    print(f"  {len(found)} changes, {workers} workers, ms since the API server's answer")
    for name, values in columns.items():
        print(f"    {name:22} p50 {statistics.median(values):7.2f}", end="")
        print(f"   p99 {percentile(values, 0.99):7.2f}   worst {max(values):7.2f}", flush=True)


def change_often(world: World, address: str, workers: int, count: int) -> None:
    sluice = world.sluice
    sluice.nginx.stop()
    sluice.worker_count, sluice.settings = workers, KEPT
    sluice.start_nginx()
    until(lambda: len(sluice.workers()) == workers, f"{workers} workers")
    until(lambda: all_current(world), "their table", WAIT_S)
    world.workers = sluice.workers()

    def measure() -> list[Change]:
        place = (HTTP_ROUTES, PROBE)
        return list(
            changes(world.cluster.api(), sluice, address, place, "probe.example.com", count)
        )

    show_changes(workers, world.cluster.inside(measure))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--kit", type=Path, required=True)
    parser.add_argument("--quick", action="store_true", help="small counts: does it run at all?")
    arguments = parser.parse_args()
    routes, services, count = (100, 20, 20) if arguments.quick else (5_000, 1_000, 200)
    print(f"{routes} HTTPRoutes, {services} Services of {ENDPOINTS} endpoints, in a cluster")
    setting = Setting(kit_build.suites()[0], "standard", 2, 1)
    with directory() as place, tempfile.TemporaryDirectory(prefix="sluice-bench-") as results:
        world = World(setting, arguments.kit, arguments.build.resolve(), place, Path(results))
        try:
            world.start()
            namespace = Namespace(world.cluster, "bench", Path(results))
            namespace.create()
            address = load(world, namespace, routes, services)
            restart(world, namespace)
            for workers in (2, 4):
                change_often(world, address, workers, count)
        finally:
            problems = world.stop()
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
