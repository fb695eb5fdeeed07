"""Kinds come, go and change their versions while Sluice runs."""

import json
import tempfile
from pathlib import Path

import pytest
from cluster.api import MERGE, Refusal
from harness.kube_gateways import answer, gateway, programmed, route, wait_for_answer
from harness.kube_pods import serve
from harness.kube_sluice import KubeSluice
from harness.kubernetes import Namespace

ROOT = Path(__file__).resolve().parents[2]
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@pytest.fixture
def alone(make_cluster, suite, tmp_path) -> Namespace:
    """A namespace of a cluster whose CRDs are the test's own."""
    cluster = make_cluster()
    cluster.apply_bundle(suite, "standard")
    cluster.kubectl("apply", "--server-side", "-k", ROOT / "packaging/kubernetes")
    made = Namespace(cluster, "alone", tmp_path)
    made.create()
    yield made
    made.remove()


@pytest.fixture
def start(alone, binaries):
    with tempfile.TemporaryDirectory(prefix="sluice-kube-") as name:
        Path(name).chmod(0o755)
        pools = ("10.250.70.0/28",)
        sluice = KubeSluice(alone, binaries.parent, Path(name) / "sluice", pools=pools)

        def start_it() -> KubeSluice:
            sluice.start()
            return sluice

        yield start_it
        assert sluice.stop() == []


def backend_of(namespace: Namespace, name: str) -> dict:
    (pod,) = serve(namespace, name, 1)
    return {
        "apiVersion": "sluice.dev/v1alpha1",
        "kind": "Backend",
        "metadata": {"name": name},
        "spec": {"endpoints": [{"address": pod, "port": 3000}]},
    }


def applied(namespace: Namespace, thing: dict) -> bool:
    """Once its kind is served."""
    try:
        namespace.apply(thing)
    except (Refusal, KeyError, LookupError):
        return False
    return True


def test_a_kind_that_is_installed_later_is_picked_up_and_let_go_again(alone, start):
    crd = f"{CRDS}/backends.sluice.dev"
    definition = alone.api.call("GET", crd)
    backend = backend_of(alone, "blue")
    alone.api.call("DELETE", crd)
    alone.wait_until(lambda: not alone._exists(crd), "the end of the CRD")
    start()
    to_backend = route("shop", "web", "blue")
    reference = {"group": "sluice.dev", "kind": "Backend", "name": "blue"}
    to_backend["spec"]["rules"][0]["backendRefs"] = [reference]
    alone.apply(gateway("web"), to_backend)
    (address,) = programmed(alone, "web")
    assert "blue" not in answer(alone, address)
    kept = {key: definition["metadata"][key] for key in ("name",)}
    fresh = {**definition, "metadata": kept, "status": None}
    alone.api.call("POST", CRDS, {k: v for k, v in fresh.items() if v is not None})
    alone.wait_until(lambda: applied(alone, backend), "the kind to be served")
    wait_for_answer(alone, address, "blue")
    alone.api.call("DELETE", crd)
    alone.wait_until(lambda: "blue" not in answer(alone, address), "no Backend any more")


def test_grants_of_an_older_version_count_until_the_newer_one_is_served(alone, start):
    crd = f"{CRDS}/referencegrants.gateway.networking.k8s.io"

    def serve_v1(served: bool) -> None:
        versions = alone.api.call("GET", crd)["spec"]["versions"]
        for version in versions:
            if version["name"] == "v1":
                version["served"] = served
        alone.api.call("PATCH", crd, {"spec": {"versions": versions}}, MERGE)

    serve_v1(False)
    other = Namespace(alone.cluster, "other", alone.scratch)
    other.create()
    serve(other, "blue", 1)
    grant = {
        "apiVersion": "gateway.networking.k8s.io/v1beta1",
        "kind": "ReferenceGrant",
        "metadata": {"name": "from-alone"},
        "spec": {
            "from": [
                {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": "alone"}
            ],
            "to": [{"group": "", "kind": "Service"}],
        },
    }
    path = "/apis/gateway.networking.k8s.io/v1beta1/namespaces/other/referencegrants"
    other.api.call("POST", path, grant)
    sluice = start()
    across = route("shop", "web", "blue")
    across["spec"]["rules"][0]["backendRefs"][0]["namespace"] = "other"
    alone.apply(gateway("web"), across)
    (address,) = programmed(alone, "web")
    wait_for_answer(alone, address, "blue")
    serve_v1(True)
    words = ("-s", "--unix-socket", sluice.state / "control.sock", "http://sluice/v1/problems")

    def no_problem() -> bool:
        return json.loads(alone.run("curl", *words).stdout)["problems"] == []

    alone.wait_until(no_problem, "no problem")
    wait_for_answer(alone, address, "blue")
    other.api.call("DELETE", f"{path}/from-alone")
    alone.wait_until(lambda: "blue" not in answer(alone, address), "no grant any more")
    other.remove()


def test_one_kind_that_is_missing_stops_no_other(alone, start):
    alone.api.call("DELETE", f"{CRDS}/grpcroutes.gateway.networking.k8s.io")
    serve(alone, "blue", 1)
    sluice = start()
    alone.apply(gateway("web"), route("shop", "web", "blue"))
    (address,) = programmed(alone, "web")
    wait_for_answer(alone, address, "blue")
    words = ("-s", "--unix-socket", sluice.state / "control.sock", "http://sluice/v1/problems")
    assert "grpcroutes" in alone.run("curl", *words).stdout
