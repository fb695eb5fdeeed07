"""Kinds come, go and change their versions while Sluice runs."""

import json

from cluster.api import MERGE, Refusal
from harness.kube_gateways import (
    answer,
    conditions,
    gateway,
    programmed,
    route,
    wait_for_answer,
)
from harness.kube_pods import serve
from harness.kubernetes import Namespace

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


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
    definition["metadata"] = {"name": "backends.sluice.dev"}
    del definition["status"]
    backend = backend_of(alone, "blue")
    alone.api.call("DELETE", crd)
    alone.wait_until(lambda: not alone.exists(crd), "the end of the CRD")
    start()
    to_backend = route("shop", "web", "blue")
    reference = {"group": "sluice.dev", "kind": "Backend", "name": "blue"}
    to_backend["spec"]["rules"][0]["backendRefs"] = [reference]
    alone.apply(gateway("web"), to_backend)
    (address,) = programmed(alone, "web")
    assert "blue" not in answer(alone, address)
    alone.api.call("POST", CRDS, definition)
    alone.wait_until(lambda: applied(alone, backend), "the kind to be served")
    wait_for_answer(alone, address, "blue")
    alone.api.call("DELETE", crd)
    alone.wait_until(lambda: "blue" not in answer(alone, address), "no Backend any more")


def serve_versions(namespace: Namespace, plural: str, **wanted: bool) -> None:
    crd = f"{CRDS}/{plural}.gateway.networking.k8s.io"
    versions = namespace.api.call("GET", crd)["spec"]["versions"]
    for version in versions:
        version["served"] = wanted.get(version["name"], version["served"])
    namespace.api.call("PATCH", crd, {"spec": {"versions": versions}}, MERGE)


def test_routes_of_an_older_version_get_their_status_in_it(alone, start):
    serve_versions(alone, "tcproutes", v1=False, v1alpha2=True)
    start()
    tcp = {"name": "tcp", "port": 22, "protocol": "TCP"}
    alone.apply(gateway("web", listeners=[tcp]))
    collection = "/apis/gateway.networking.k8s.io/{}/namespaces/alone/tcproutes"
    shell = {
        "apiVersion": "gateway.networking.k8s.io/v1alpha2",
        "kind": "TCPRoute",
        "metadata": {"name": "shell"},
        "spec": {
            "parentRefs": [{"name": "web"}],
            "rules": [{"backendRefs": [{"name": "nobody", "port": 22}]}],
        },
    }

    def has_status(version: str) -> bool:
        try:
            found = alone.api.call("GET", f"{collection.format(version)}/shell")
        except Refusal:
            return False
        (parent,) = found.get("status", {}).get("parents", []) or [{}]
        observed = {c["observedGeneration"] for c in parent.get("conditions", [])}
        return observed == {found["metadata"]["generation"]} and conditions(parent) == {
            "Accepted": ("True", "Accepted"),
            "ResolvedRefs": ("False", "BackendNotFound"),
        }

    alone.wait_until(lambda: served(alone, collection.format("v1alpha2")), "v1alpha2")
    alone.api.call("POST", collection.format("v1alpha2"), shell)
    alone.wait_until(lambda: has_status("v1alpha2"), "a status in v1alpha2")
    serve_versions(alone, "tcproutes", v1=True)
    alone.wait_until(lambda: served(alone, collection.format("v1")), "v1")
    rules = [{"backendRefs": [{"name": "nobody", "port": 23}]}]
    path = f"{collection.format('v1')}/shell"
    alone.api.call("PATCH", path, {"spec": {"rules": rules}}, MERGE)
    alone.wait_until(lambda: has_status("v1"), "a status of the next generation")


def served(namespace: Namespace, collection: str) -> bool:
    try:
        namespace.api.call("GET", collection)
    except Refusal:
        return False
    return True


def test_grants_of_an_older_version_count_until_the_newer_one_is_served(alone, start):
    serve_versions(alone, "referencegrants", v1=False)
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
    serve_versions(alone, "referencegrants", v1=True)
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
