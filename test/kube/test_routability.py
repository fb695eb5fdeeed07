"""From where the addresses of Gateways can be reached, on a real API server."""

import ipaddress

from harness.kube_gateways import gateway, programmed, route, told, wait_for_answer
from harness.kube_pods import endpoints, serve

POOL = ipaddress.ip_network("10.250.64.0/24")
CLUSTER_IPS = ipaddress.ip_network("10.96.0.0/16")
CLUSTER = {"type": "IPAddress", "routability": "Cluster"}
ANY = {"type": "IPAddress"}


def shown(namespace, name: str, count: int) -> dict[str, str]:
    """The addresses of a Gateway, once all are assigned, with what is said of each."""
    assert len(programmed(namespace, name)) == count
    found = namespace.get("Gateway", name)["status"]["addresses"]
    return {address["value"]: address["routability"] for address in found}


def cluster_services(namespace) -> list[dict]:
    return [s for s in namespace.list("Service") if s["spec"]["clusterIP"] != "None"]


def message(status: dict, kind: str) -> str:
    (found,) = [c["message"] for c in status["conditions"] if c["type"] == kind]
    return found


def test_a_cluster_address_is_a_cluster_ip_that_leads_to_the_gateway(namespace, make_sluice):
    make_sluice(str(POOL))
    serve(namespace, "blue", 1)
    namespace.apply(gateway("web", ANY, CLUSTER), route("web", "web", "blue"))
    found = shown(namespace, "web", 2)
    assert sorted(found.values()) == ["", "Cluster"]
    by_scope = {scope: ipaddress.ip_address(value) for value, scope in found.items()}
    assert by_scope[""] in POOL and by_scope["Cluster"] in CLUSTER_IPS
    blue = namespace.get("Service", "blue")["metadata"]["uid"]
    (made,) = [s for s in cluster_services(namespace) if s["metadata"]["uid"] != blue]
    assert made["spec"]["clusterIP"] == str(by_scope["Cluster"]) and "selector" not in made["spec"]
    assert [(p["port"], p["protocol"]) for p in made["spec"]["ports"]] == [(80, "TCP")]
    assert list(endpoints(namespace, made["metadata"]["name"])) == [str(by_scope[""])]
    wait_for_answer(namespace, str(by_scope[""]), "blue")


def test_a_gateway_of_cluster_addresses_alone_shows_no_other_and_keeps_its_place(
    namespace, make_sluice
):
    sluice = make_sluice(str(POOL))
    serve(namespace, "blue", 1)
    namespace.apply(gateway("before"), gateway("web", CLUSTER), route("web", "web", "blue"))
    (value,) = shown(namespace, "web", 1)
    assert ipaddress.ip_address(value) in CLUSTER_IPS
    blue = namespace.get("Service", "blue")["metadata"]["uid"]
    (made,) = [s for s in cluster_services(namespace) if s["metadata"]["uid"] != blue]
    name = made["metadata"]["name"]
    (place,) = endpoints(namespace, name)
    wait_for_answer(namespace, place, "blue")
    namespace.delete("Gateway", "before")
    sluice.kill_controller()
    sluice.start_controller()
    namespace.apply(gateway("after"))
    programmed(namespace, "after")
    assert list(endpoints(namespace, name)) == [place]
    wait_for_answer(namespace, place, "blue")
    namespace.apply(gateway("web", ANY))
    namespace.wait_until(lambda: not endpoints(namespace, name), "no EndpointSlice")
    namespace.wait_gone("Service", name)
    assert list(shown(namespace, "web", 1).values()) == [""]


def test_a_cluster_ip_can_be_chosen_and_one_elsewhere_is_not_assigned(namespace, make_sluice):
    make_sluice(str(POOL))
    chosen = {**CLUSTER, "value": str(CLUSTER_IPS[60_123])}
    outside = {**CLUSTER, "value": "198.51.100.9"}
    namespace.apply(gateway("chosen", chosen), gateway("outside", outside))
    namespace.apply(gateway("both", outside, ANY))
    assert shown(namespace, "chosen", 1) == {chosen["value"]: "Cluster"}
    status = told(
        namespace,
        "outside",
        Programmed=("False", "AddressNotAssigned"),
        AddressesAssigned=("False", "NotAssigned"),
    )
    assert status.get("addresses", []) == []
    status = told(
        namespace,
        "both",
        Programmed=("True", "Programmed"),
        AddressesAssigned=("False", "PartiallyAssigned"),
    )
    assert message(status, "AddressesAssigned").startswith("spec.addresses[0]: ")
    (only,) = status["addresses"]
    assert ipaddress.ip_address(only["value"]) in POOL and only["routability"] == ""


def test_what_is_asked_for_is_said_of_each_address_and_nothing_else_given(namespace, make_sluice):
    make_sluice(str(POOL))
    sentinel = {"type": "IPAddress", "routability": "testing.x-k8s.io/sentinel"}
    other = {"type": "IPAddress", "routability": "testing.x-k8s.io/other"}
    namespace.apply(gateway("default"), gateway("sentinel", sentinel), gateway("other", other))
    assert list(shown(namespace, "default", 1).values()) == [""]
    assert list(shown(namespace, "sentinel", 1).values()) == ["testing.x-k8s.io/sentinel"]
    status = told(namespace, "other", Programmed=("False", "AddressNotAssigned"))
    assert "testing.x-k8s.io/other" in message(status, "AddressesAssigned")
    offered = namespace.api.call("GET", "/apis/gateway.networking.k8s.io/v1/gatewayclasses/sluice")
    names = {feature["name"] for feature in offered["status"]["supportedFeatures"]}
    assert names >= {"GatewayAddressRoutability", "GatewayAddressRoutabilityCluster"}
