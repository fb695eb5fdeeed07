"""What a GatewayClass says of the release of the Gateway API that is installed."""

import pytest
from cluster.api import MERGE, Refusal
from harness.kube_gateways import gateway, programmed, route, wait_for_answer
from harness.kube_pods import serve

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
CLASS = "/apis/gateway.networking.k8s.io/v1/gatewayclasses/sluice"
VERSION = "gateway.networking.k8s.io/bundle-version"
ROUTABILITY = {"GatewayAddressRoutability", "GatewayAddressRoutabilityCluster"}


def names(namespace) -> set[str]:
    told = namespace.api.call("GET", CLASS)["status"].get("supportedFeatures", [])
    listed = [feature["name"] for feature in told]
    assert listed == sorted(listed)
    return set(listed)


def version(namespace) -> dict:
    told = namespace.api.call("GET", CLASS).get("status", {}).get("conditions", [])
    return next((c for c in told if c["type"] == "SupportedVersion"), {})


def wait_for_version(namespace, status: str, *words: str) -> None:
    def told() -> bool:
        found = version(namespace)
        return found.get("status") == status and all(w in found["message"] for w in words)

    namespace.wait_until(told, f"SupportedVersion {status} with {words}")


def annotate(namespace, plural: str, release: str | None, query: str = "") -> None:
    path = f"{CRDS}/{plural}.gateway.networking.k8s.io{query}"
    namespace.api.call("PATCH", path, {"metadata": {"annotations": {VERSION: release}}}, MERGE)


def allow_any_bundle(namespace) -> None:
    """The bundle brings a policy that keeps older releases and the other channel out."""
    policies = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"
    namespace.api.call("DELETE", f"{policies}/safe-upgrades.gateway.networking.k8s.io")

    def allowed() -> bool:
        try:
            annotate(namespace, "gateways", "v1.0.0", "?dryRun=All")
        except Refusal:
            return False
        return True

    namespace.wait_until(allowed, "the end of the policy")


def test_the_experimental_bundle_has_features_that_the_standard_one_has_not(alone, start, suite):
    start()
    wait_for_version(alone, "True", suite)
    standard = names(alone)
    assert {"HTTPRouteRetryCodes", "ListenerSet", "GatewayInfrastructure"} <= standard
    assert not standard & {*ROUTABILITY, "ClusterTrustBundle"}
    allow_any_bundle(alone)
    alone.cluster.apply_bundle(suite, "experimental")
    more = {*ROUTABILITY, "ClusterTrustBundle"}
    alone.wait_until(lambda: names(alone) == standard | more, f"{more}")
    wait_for_version(alone, "True", suite)


@pytest.mark.parametrize("release", ["v1.4.1", "v1.8.0", "dev", None])
def test_a_release_that_is_not_known_is_told_and_what_it_has_is_served(alone, start, release):
    serve(alone, "blue", 1)
    start()
    wait_for_version(alone, "True")
    before = names(alone)
    allow_any_bundle(alone)
    annotate(alone, "grpcroutes", release)
    wait_for_version(alone, "False", release or "do not name", "v1.5", "v1.7")
    assert version(alone)["reason"] == "UnsupportedVersion"
    left = {name for name in before if not name.startswith("GRPC")}
    alone.wait_until(lambda: names(alone) == left, "the features of the other CRDs")
    alone.apply(gateway("web"), route("shop", "web", "blue"))
    (address,) = programmed(alone, "web")
    wait_for_answer(alone, address, "blue")


def test_features_come_and_go_with_their_kind(alone, start):
    crd = f"{CRDS}/listenersets.gateway.networking.k8s.io"
    definition = alone.api.call("GET", crd)
    start()
    wait_for_version(alone, "True")
    everything = names(alone)
    assert "ListenerSet" in everything
    alone.api.call("DELETE", crd)
    alone.wait_until(lambda: names(alone) == everything - {"ListenerSet"}, "no ListenerSet")
    kept = {key: definition["metadata"][key] for key in ("name", "annotations")}
    made = {**definition, "metadata": kept}
    del made["status"]
    alone.api.call("POST", CRDS, made)
    alone.wait_until(lambda: names(alone) == everything, "ListenerSet again")
