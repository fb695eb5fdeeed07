"""The CRDs of the Gateway API, judged by a real API server."""

import pytest
from cluster.api import Refusal

GATEWAY_API = "gateway.networking.k8s.io/v1"


def route(name: str, *rules: dict) -> dict:
    return {
        "apiVersion": GATEWAY_API,
        "kind": "HTTPRoute",
        "metadata": {"name": name},
        "spec": {"parentRefs": [{"name": "web"}], "rules": list(rules)},
    }


def test_a_redirect_with_backends_is_refused_by_name(namespace):
    redirect = {"type": "RequestRedirect", "requestRedirect": {"hostname": "a.example.com"}}
    bad = route("bad", {"filters": [redirect], "backendRefs": [{"name": "blue", "port": 80}]})
    with pytest.raises(Refusal) as refused:
        namespace.apply(bad)
    assert refused.value.status == 422
    assert refused.value.fields == ["spec.rules[0]"]
    message = "RequestRedirect filter must not be used together with backendRefs"
    assert message in refused.value.message


def test_a_field_of_the_wrong_form_is_refused_by_name(namespace):
    bad = route("bad", {"matches": [{"path": {"type": "PathPrefix", "value": "no/slash"}}]})
    with pytest.raises(Refusal) as refused:
        namespace.apply(bad)
    assert refused.value.status == 422
    assert refused.value.fields == ["spec.rules[0].matches[0].path"]


def test_defaults_are_filled_in(namespace):
    (applied,) = namespace.apply(route("good", {"backendRefs": [{"name": "blue", "port": 80}]}))
    (rule,) = applied["spec"]["rules"]
    assert rule["matches"] == [{"path": {"type": "PathPrefix", "value": "/"}}]
    assert rule["backendRefs"][0]["weight"] == 1


def test_fields_of_the_experimental_channel_are_kept(namespace):
    retry = {"codes": [502, 503], "attempts": 2, "backoff": "10ms"}
    rule = {"backendRefs": [{"name": "blue", "port": 80}], "retry": retry}
    namespace.apply(route("retrying", rule))
    kept = namespace.get("HTTPRoute", "retrying")
    assert kept["spec"]["rules"][0]["retry"] == retry


def test_status_is_a_resource_of_its_own(namespace):
    gateway = {
        "apiVersion": GATEWAY_API,
        "kind": "Gateway",
        "metadata": {"name": "web"},
        "spec": {
            "gatewayClassName": "any",
            "listeners": [{"name": "http", "protocol": "HTTP", "port": 80}],
        },
    }
    (applied,) = namespace.apply(gateway)
    address = {"type": "IPAddress", "value": "10.250.0.1"}
    namespace.patch("Gateway", "web", {"status": {"addresses": [address]}}, subresource="status")
    patched = namespace.get("Gateway", "web")
    assert patched["status"]["addresses"] == [address]
    assert patched["metadata"]["generation"] == applied["metadata"]["generation"]
    assert namespace.kubectl("get", "gateway", "web", "--no-headers").split()[2] == "10.250.0.1"


def test_cluster_trust_bundles_are_served(namespace):
    kind = namespace.kinds.find("ClusterTrustBundle")
    assert kind.api_version == "certificates.k8s.io/v1"
    assert namespace.list("ClusterTrustBundle") == []
