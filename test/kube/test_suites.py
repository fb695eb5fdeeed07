"""The official conformance suites get past their set-up here: every base Pod becomes ready."""

import contextlib
import itertools
import threading

import pytest
from cluster.api import MERGE, Api, Refusal
from cluster.kit import build
from cluster.kubelet.node import now

CLASS = "gateway-conformance"
GROUP = "/apis/gateway.networking.k8s.io/v1"
TEST = "GatewayObservedGenerationBump"
FEATURES = "Gateway,HTTPRoute,ReferenceGrant"


class Acceptor(threading.Thread):
    """Says that every GatewayClass and Gateway is fine, and serves nothing."""

    def __init__(self, api: Api):
        super().__init__(daemon=True)
        self.api, self.ended = api, threading.Event()
        self.numbers = itertools.count(1)

    def run(self) -> None:
        while not self.ended.wait(0.1):
            with contextlib.suppress(Refusal, OSError):  # in any case again at once
                self._accept()

    def _accept(self) -> None:
        for thing in self._outdated("gatewayclasses"):
            status = {"conditions": self._true(thing, "Accepted")}
            self._write(f"{GROUP}/gatewayclasses/{thing['metadata']['name']}", status)
        for thing in self._outdated("gateways"):
            listeners = [
                {
                    "name": listener["name"],
                    "attachedRoutes": 0,
                    "supportedKinds": [],
                    "conditions": self._true(thing, "Accepted", "Programmed", "ResolvedRefs"),
                }
                for listener in thing["spec"]["listeners"]
            ]
            address = {"type": "IPAddress", "value": f"10.250.0.{next(self.numbers)}"}
            conditions = self._true(thing, "Accepted", "Programmed")
            status = {"addresses": [address], "listeners": listeners, "conditions": conditions}
            place = f"namespaces/{thing['metadata']['namespace']}"
            self._write(f"{GROUP}/{place}/gateways/{thing['metadata']['name']}", status)

    def _outdated(self, plural: str) -> list[dict]:
        things = self.api.call("GET", f"{GROUP}/{plural}")["items"]
        return [thing for thing in things if not self._is_current(thing)]

    def _is_current(self, thing: dict) -> bool:
        return any(
            condition["status"] == "True"
            and condition.get("observedGeneration") == thing["metadata"]["generation"]
            for condition in thing.get("status", {}).get("conditions", [])
        )

    def _true(self, thing: dict, *kinds: str) -> list[dict]:
        common = {
            "status": "True",
            "message": "",
            "lastTransitionTime": now(),
            "observedGeneration": thing["metadata"]["generation"],
        }
        return [{"type": kind, "reason": kind, **common} for kind in kinds]

    def _write(self, path: str, status: dict) -> None:
        self.api.call("PATCH", f"{path}/status", {"status": status}, MERGE)


@contextlib.contextmanager
def accepting(api: Api):
    acceptor = Acceptor(api)
    acceptor.start()
    try:
        yield
    finally:
        acceptor.ended.set()
        acceptor.join()


@pytest.mark.parametrize("version", build.suites())
def test_a_suite_gets_past_its_set_up(version, make_cluster, kit):
    cluster = make_cluster(version)
    cluster.apply_bundle(version)
    api = cluster.api()
    created = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "GatewayClass",
        "metadata": {"name": CLASS},
        "spec": {"controllerName": "sluice.dev/test"},
    }
    api.call("POST", f"{GROUP}/gatewayclasses", created)
    with accepting(cluster.api()):
        cluster.kubectl(
            "wait", "--for=condition=Accepted", f"gatewayclass/{CLASS}", "--timeout=30s"
        )
        ran = cluster.run(
            kit / version / "conformance.test",
            f"-test.run=^TestConformance$/^{TEST}$",
            "-test.v",
            f"--supported-features={FEATURES}",
            "--cleanup-base-resources=false",
        )
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-4000:]
    assert f"--- PASS: TestConformance/{TEST}" in ran.stdout
    pods = api.call("GET", "/api/v1/pods")["items"]
    assert pods and all(conditions(pod)["Ready"] == "True" for pod in pods)


def conditions(pod: dict) -> dict[str, str]:
    return {one["type"]: one["status"] for one in pod["status"].get("conditions", [])}
