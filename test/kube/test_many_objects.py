"""Hundreds of routes: all told right, a restart writes nothing, an idle controller is idle."""

import concurrent.futures
import itertools
import os
import time
from pathlib import Path

from harness.kube_gateways import gateway, programmed, route, wait_attached
from harness.kube_pods import serve
from harness.waiting import until

POOL = "10.250.63.0/28"
ROUTES = 500
IDLE_S = 5.0
SHARE = 0.02  # of a core, generously: the figure that is aimed at is in the page of the client
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def apply_all(namespace, routes: list[dict]) -> None:
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(namespace.apply, routes))


def numbered(number: int) -> dict:
    made = route(f"r{number}", "web", "blue")
    made["spec"]["hostnames"] = [f"h{number}.example.com"]
    return made


def accepted(namespace) -> int:
    return sum(
        any(
            (c["type"], c["status"]) == ("Accepted", "True")
            for parent in found.get("status", {}).get("parents", [])
            for c in parent["conditions"]
        )
        for found in namespace.list("HTTPRoute")
    )


def versions(namespace) -> dict[str, str]:
    things = itertools.chain(namespace.list("HTTPRoute"), namespace.list("Gateway"))
    return {t["metadata"]["name"]: t["metadata"]["resourceVersion"] for t in things}


def answers(namespace, address: str, host: str) -> bool:
    words = ("-s", "--max-time", "5", "-H", f"Host: {host}", f"http://{address}/")
    return "blue" in namespace.run("curl", *words).stdout


def test_hundreds_of_routes_survive_a_restart_without_a_write(namespace, make_sluice):
    sluice = make_sluice(POOL)
    serve(namespace, "blue", 1)
    namespace.apply(gateway("web"))
    (address,) = programmed(namespace, "web")
    apply_all(namespace, [numbered(number) for number in range(ROUTES)])
    namespace.wait_until(lambda: accepted(namespace) == ROUTES, "all routes accepted", 60)
    wait_attached(namespace, "web", ROUTES)
    assert answers(namespace, address, f"h{ROUTES - 1}.example.com")
    before = versions(namespace)
    sluice.kill_controller()
    assert answers(namespace, address, "h7.example.com"), "nginx has the last table"
    sluice.start_controller()
    namespace.apply(numbered(ROUTES))
    namespace.wait_until(lambda: accepted(namespace) == ROUTES + 1, "the route after the restart")
    after = versions(namespace)
    changed = {name for name in before if after[name] != before[name]}
    assert changed <= {"web"}, "its number of routes is another one"
    assert_idle(sluice.controller.pid)


def assert_idle(pid: int) -> None:
    """Over IDLE_S that are measured, nothing waits: the processor is almost not used."""
    start, used = time.monotonic(), cpu_seconds(pid)
    until(lambda: time.monotonic() - start >= IDLE_S, "the end of the time", 2 * IDLE_S, 0.1)
    share = (cpu_seconds(pid) - used) / (time.monotonic() - start)
    print(f"an idle controller of {ROUTES} routes uses {share:.2%} of a core")
    assert share < SHARE
