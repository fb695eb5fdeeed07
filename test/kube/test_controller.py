"""The controller on a real API server: objects become answers, and statuses say so."""

import itertools
import json
import tempfile
from pathlib import Path

import pytest
from harness.certificates import certificate, secret
from harness.kube_pods import serve
from harness.kube_sluice import KubeSluice

NUMBERS = itertools.count(10)


@pytest.fixture
def sluice(request, rights, namespace, binaries):
    # Not below pytest's own directories, which nginx's workers may not enter.
    with tempfile.TemporaryDirectory(prefix="sluice-kube-") as name:
        address = f"10.250.0.{next(NUMBERS)}"
        running = KubeSluice(namespace, binaries.parent, Path(name), address)
        running.start()
        yield running
        problems = running.stop()
    if request.node.session.testsfailed:
        (log,) = namespace.scratch.glob("*-controller.log")
        print(log.read_text()[-6000:])
    assert not problems, "\n".join(problems)


def gateway(*listeners: dict, **spec) -> dict:
    given = listeners or ({"name": "http", "port": 80, "protocol": "HTTP"},)
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "web"},
        "spec": {"gatewayClassName": "sluice", "listeners": list(given), **spec},
    }


def route(name: str, *backends: tuple[str, int], path: str = "/") -> dict:
    refs = [{"name": service, "port": 80, "weight": weight} for service, weight in backends]
    match = {"path": {"type": "PathPrefix", "value": path}}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": name},
        "spec": {
            "parentRefs": [{"name": "web"}],
            "rules": [{"matches": [match], "backendRefs": refs}],
        },
    }


def conditions(status_part: dict) -> dict[str, tuple[str, str]]:
    return {c["type"]: (c["status"], c["reason"]) for c in status_part.get("conditions", [])}


def answer(namespace, address: str, *words: str) -> str:
    return namespace.run("curl", "-sk", "--max-time", "5", *words, f"http://{address}/").stdout


def pod_of(namespace, address: str) -> str:
    text = answer(namespace, address)
    return json.loads(text).get("pod", "") if text.startswith("{") else ""


def wait_for_pod(namespace, sluice, prefix: str) -> None:
    namespace.wait_until(
        lambda: pod_of(namespace, sluice.address).startswith(prefix), f"an answer of {prefix}"
    )


def programmed(namespace) -> dict | None:
    status = namespace.get("Gateway", "web").get("status", {})
    return status if conditions(status).get("Programmed") == ("True", "Programmed") else None


def accepted(namespace, name: str) -> dict | None:
    for parent in namespace.get("HTTPRoute", name).get("status", {}).get("parents", []):
        if conditions(parent).get("Accepted") == ("True", "Accepted"):
            return parent
    return None


def test_objects_of_the_cluster_are_served_and_their_statuses_written(namespace, sluice):
    serve(namespace, "blue", 2)
    namespace.apply(gateway(), route("r", ("blue", 1)))
    status = namespace.wait_until(lambda: programmed(namespace), "Programmed")
    assert status["addresses"] == [{"type": "IPAddress", "value": sluice.address}]
    wait_for_pod(namespace, sluice, "blue")
    parent = namespace.wait_until(lambda: accepted(namespace, "r"), "Accepted")
    assert parent["controllerName"] == "sluice.dev/gateway-controller"
    assert conditions(parent)["ResolvedRefs"] == ("True", "ResolvedRefs")
    assert all(c["observedGeneration"] == 1 for c in parent["conditions"])
    gateway_class = namespace.api.call(
        "GET", "/apis/gateway.networking.k8s.io/v1/gatewayclasses/sluice"
    )
    assert conditions(gateway_class["status"])["Accepted"] == ("True", "Accepted")


def test_changes_of_routes_and_pods_are_followed(namespace, sluice):
    serve(namespace, "blue", 1)
    serve(namespace, "green", 1)
    namespace.apply(gateway(), route("r", ("blue", 1)))
    wait_for_pod(namespace, sluice, "blue")
    namespace.apply(route("r", ("blue", 0), ("green", 1)))
    wait_for_pod(namespace, sluice, "green")
    namespace.patch("Deployment", "green", {"spec": {"replicas": 3}}, subresource="scale")
    seen = set()

    def all_three() -> bool:
        seen.add(pod_of(namespace, sluice.address))
        return len(seen) == 3

    namespace.wait_until(all_three, "answers of three Pods")
    namespace.delete("HTTPRoute", "r")
    namespace.wait_until(
        lambda: "404" in answer(namespace, sluice.address, "-w", "%{http_code}"), "404"
    )


def test_certificates_come_from_secrets_and_rotate(namespace, sluice):
    serve(namespace, "blue", 1)
    first, second = certificate("shop.example.com"), certificate("shop.example.com", rsa=True)
    listener = {
        "name": "s",
        "port": 443,
        "protocol": "HTTPS",
        "tls": {"certificateRefs": [{"name": "cert"}]},
    }
    namespace.apply(gateway(listener), route("r", ("blue", 1)))
    for held in (first, second):
        made = json.loads(secret("cert", held))
        made["metadata"] = {"name": "cert"}
        namespace.apply(made)
        namespace.wait_until(
            lambda held=held: served_certificate(namespace, sluice.address) == held.pem.strip(),
            "the certificate",
        )
    namespace.delete("Secret", "cert")

    def refused() -> bool:
        (told,) = namespace.get("Gateway", "web")["status"]["listeners"]
        return conditions(told)["ResolvedRefs"] == ("False", "InvalidCertificateRef")

    namespace.wait_until(refused, "InvalidCertificateRef")


def served_certificate(namespace, address: str) -> str:
    told = namespace.run(
        *["openssl", "s_client", "-connect", f"{address}:443"],
        *["-servername", "shop.example.com"],
        input="",
    ).stdout
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    return begin + told.split(begin)[1].split(end)[0] + end if begin in told else ""


def test_a_controller_that_starts_again_writes_no_status(namespace, sluice):
    serve(namespace, "blue", 1)
    names = [f"r{number}" for number in range(20)]
    namespace.apply(gateway(), *(route(n, ("blue", 1), path=f"/{n}") for n in names))
    namespace.wait_until(lambda: all(accepted(namespace, n) for n in names), "all Accepted")
    namespace.wait_until(lambda: programmed(namespace), "Programmed")

    def versions() -> list[str]:
        things = [namespace.get("HTTPRoute", n) for n in names] + [namespace.get("Gateway", "web")]
        return [thing["metadata"]["resourceVersion"] for thing in things]

    def settled() -> bool:
        (told,) = namespace.get("Gateway", "web")["status"]["listeners"]
        return told["attachedRoutes"] == 20

    namespace.wait_until(settled, "20 attached routes")
    before = versions()
    workers = sluice.workers()
    sluice.kill_controller()
    sluice.start_controller()
    namespace.apply(route("after", ("blue", 1), path="/after"))
    namespace.wait_until(lambda: accepted(namespace, "after"), "a new route")
    after = versions()
    assert after[:-1] == before[:-1], "statuses of routes were written again"
    assert sluice.workers() == workers


def test_what_others_wrote_into_a_status_stays(namespace, sluice):
    serve(namespace, "blue", 1)
    namespace.apply(gateway(), route("r", ("blue", 1)))
    namespace.wait_until(lambda: accepted(namespace, "r"), "Accepted")
    foreign = {
        "parentRef": {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "web"},
        "controllerName": "example.com/other",
        "conditions": [
            {
                "type": "Accepted",
                "status": "False",
                "reason": "Because",
                "message": "",
                "lastTransitionTime": "2026-01-01T00:00:00Z",
                "observedGeneration": 1,
            }
        ],
    }
    ours = namespace.get("HTTPRoute", "r")["status"]["parents"]
    namespace.patch(
        "HTTPRoute", "r", {"status": {"parents": [*ours, foreign]}}, subresource="status"
    )
    namespace.apply(route("r", ("missing", 1)))

    def told() -> list | None:
        parents = namespace.get("HTTPRoute", "r")["status"]["parents"]
        mine = [p for p in parents if p["controllerName"] == "sluice.dev/gateway-controller"]
        found = mine and conditions(mine[0])["ResolvedRefs"] == ("False", "BackendNotFound")
        return parents if found else None

    parents = namespace.wait_until(told, "BackendNotFound")
    assert foreign in parents


def test_a_listenerset_joins_its_gateway_with_a_certificate_of_its_own(namespace, sluice):
    serve(namespace, "blue", 1)
    serve(namespace, "green", 1)
    held = certificate("shop.example.com")
    made = json.loads(secret("cert", held))
    made["metadata"] = {"name": "cert"}
    parent = {"kind": "ListenerSet", "name": "extra"}
    of_set = route("s", ("green", 1))
    of_set["spec"]["parentRefs"] = [parent]
    listener_set = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "ListenerSet",
        "metadata": {"name": "extra"},
        "spec": {
            "parentRef": {"name": "web"},
            "listeners": [
                {"name": "http", "port": 80, "protocol": "HTTP", "hostname": "extra.example.com"},
                {
                    "name": "https",
                    "port": 443,
                    "protocol": "HTTPS",
                    "tls": {"certificateRefs": [{"name": "cert"}]},
                },
                {"name": "tcp", "port": 80, "protocol": "TCP"},
            ],
        },
    }
    same = {"namespaces": {"from": "Same"}}
    namespace.apply(gateway(allowedListeners=same), route("r", ("blue", 1)))
    namespace.apply(listener_set, of_set, made)

    def attached() -> dict | None:
        status = namespace.get("ListenerSet", "extra").get("status", {})
        parts = {part["name"]: conditions(part) for part in status.get("listeners", [])}
        served = all(
            parts.get(name, {}).get("Programmed") == ("True", "Programmed")
            for name in ("http", "https")
        )
        lost = parts.get("tcp", {}).get("Conflicted") == ("True", "ProtocolConflict")
        return status if served and lost else None

    status = namespace.wait_until(attached, "two listeners that are served and one that lost")
    assert conditions(status) == {
        "Accepted": ("True", "ListenersNotValid"),
        "Programmed": ("True", "Programmed"),
    }
    assert all(c["observedGeneration"] == 1 for c in status["conditions"])
    assert [part["attachedRoutes"] for part in status["listeners"]] == [1, 1, 0]
    (told,) = namespace.get("HTTPRoute", "s")["status"]["parents"]
    assert told["parentRef"] == {"group": "gateway.networking.k8s.io", **parent}
    namespace.wait_until(
        lambda: served_certificate(namespace, sluice.address) == held.pem.strip(),
        "the certificate",
    )
    wait_for_pod(namespace, sluice, "blue")
    extra = answer(namespace, sluice.address, "-H", "Host: extra.example.com")
    assert json.loads(extra)["pod"].startswith("green")
    wait_for_sets(namespace, 1)
    namespace.apply(gateway(allowedListeners={"namespaces": {"from": "None"}}))

    def refused() -> bool:
        told = conditions(namespace.get("ListenerSet", "extra")["status"])
        return told == {"Accepted": ("False", "NotAllowed"), "Programmed": ("False", "NotAllowed")}

    namespace.wait_until(refused, "NotAllowed")
    wait_for_sets(namespace, 0)


def wait_for_sets(namespace, count: int) -> None:
    """Of the Gateway, whose status is written after that of its ListenerSet."""

    def attached() -> bool:
        return namespace.get("Gateway", "web")["status"]["attachedListenerSets"] == count

    namespace.wait_until(attached, f"{count} attached ListenerSets")
