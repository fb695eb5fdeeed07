"""Several controllers of one name: one of them writes."""

import time

from harness.kube_gateways import conditions, gateway, programmed, route, wait_attached
from harness.kube_pods import serve
from harness.processes import kill

POOL = "10.250.60.0/28"
# The second one on the same machine: its nginx serves the same addresses at other ports.
SECOND = ("--port-offset", "1000")


def holder(namespace) -> str:
    (lease,) = namespace.list("Lease", namespace="sluice-system")
    return lease["spec"]["holderIdentity"]


def holds(namespace, sluice) -> bool:
    identity = sluice.state / "identity"
    return identity.exists() and holder(namespace).endswith("_" + identity.read_text())


def accepted(namespace, name: str) -> bool:
    parents = namespace.get("HTTPRoute", name).get("status", {}).get("parents", [])
    return any(conditions(p).get("Accepted") == ("True", "Accepted") for p in parents)


def versions(namespace) -> dict[str, str]:
    """Of everything that Sluice writes statuses of, and of what it made."""
    kinds = ("Gateway", "HTTPRoute", "Service")
    things = [thing for kind in kinds for thing in namespace.list(kind)]
    path = "/apis/gateway.networking.k8s.io/v1/gatewayclasses/sluice"
    things.append(namespace.api.call("GET", path))
    return {t["metadata"]["uid"]: t["metadata"]["resourceVersion"] for t in things}


def settle(namespace, name: str, routes: int) -> None:
    """Waits for the statuses of HTTPRoute `name` and of the Gateway, the last that are written."""
    namespace.wait_until(lambda: accepted(namespace, name), "Accepted")
    wait_attached(namespace, "web", routes)


def answered(namespace, address: str, port: int) -> bool:
    url = f"http://{address}:{port}/"
    return "blue" in namespace.run("curl", "-s", "--max-time", "5", url).stdout


def test_a_second_controller_takes_over_and_writes_nothing_twice(namespace, make_sluice):
    first = make_sluice(POOL)
    serve(namespace, "blue", 1)
    namespace.apply(gateway("web"), route("one", "web", "blue"))
    (address,) = programmed(namespace, "web")
    settle(namespace, "one", 1)
    namespace.wait_until(lambda: answered(namespace, address, 80), "an answer of the first")
    before = versions(namespace)
    second = make_sluice(POOL, options=SECOND)
    namespace.wait_until(lambda: answered(namespace, address, 1080), "an answer of the second")
    assert holds(namespace, first)

    start = time.monotonic()
    first.controller.stop()
    namespace.wait_until(lambda: holds(namespace, second), "the second as the holder")
    assert time.monotonic() - start < 3 + 2, "a released Lease is taken at the next look"
    assert versions(namespace) == before, "the statuses were right already"
    namespace.apply(route("two", "web", "blue"))
    settle(namespace, "two", 2)

    first.start_controller()
    namespace.wait_until(lambda: answered(namespace, address, 80), "an answer of the first")
    before = versions(namespace)
    start = time.monotonic()
    kill(second.controller.pid)
    second.controller.popen.wait(10)
    namespace.wait_until(lambda: holds(namespace, first), "the first as the holder", 40)
    assert time.monotonic() - start < 20
    assert versions(namespace) == before
    namespace.apply(route("three", "web", "blue"))
    namespace.wait_until(lambda: accepted(namespace, "three"), "a status by the first")


def test_a_controller_that_was_killed_goes_on_at_once(namespace, make_sluice):
    sluice = make_sluice(POOL)
    namespace.apply(gateway("web"))
    programmed(namespace, "web")
    sluice.kill_controller()
    start = time.monotonic()
    sluice.start_controller()
    namespace.apply(gateway("next"))
    programmed(namespace, "next")
    assert time.monotonic() - start < 10, "nobody waits for a Lease of his own"


def test_events_tell_what_a_status_says_new(namespace, make_sluice):
    make_sluice(POOL)
    namespace.apply(gateway("web"), route("one", "web", "missing"))
    programmed(namespace, "web")

    def told(name: str, kind: str, reason: str) -> dict | None:
        for event in namespace.list("Event"):
            about = event["involvedObject"]
            if (about["name"], event["type"], event["reason"]) == (name, kind, reason):
                return event
        return None

    event = namespace.wait_until(
        lambda: told("one", "Warning", "BackendNotFound"), "the Event of the route"
    )
    assert event["involvedObject"]["uid"] == namespace.get("HTTPRoute", "one")["metadata"]["uid"]
    assert "missing" in event["message"]
    namespace.wait_until(lambda: told("web", "Normal", "Programmed"), "the Event of the Gateway")
    described = namespace.kubectl("describe", "httproute", "one")
    assert "BackendNotFound" in described.split("Events:")[1]
    serve(namespace, "missing", 1)
    namespace.wait_until(lambda: told("one", "Normal", "ResolvedRefs"), "the good news")
