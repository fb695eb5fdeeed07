"""Each right of packaging/kubernetes is needed, and missed by name."""

import json

from cluster.api import MERGE
from harness.certificates import certificate, secret
from harness.kube_gateways import gateway, programmed, route, wait_for_answer
from harness.kube_pods import serve

POOL = "10.250.61.0/28"
HEALTH = "127.0.0.1:8061"
API = "gateway.networking.k8s.io/v1"
ROLES = "/apis/rbac.authorization.k8s.io/v1"
PATHS = (
    f"{ROLES}/clusterroles/sluice-controller",
    f"{ROLES}/namespaces/sluice-system/roles/sluice-controller",
)

EVERYBODYS_BUNDLES = "system:cluster-trust-bundle-discovery"

ADDRESSES = ({"type": "IPAddress"}, {"type": "IPAddress", "routability": "Cluster"})

Right = tuple[str, str, str]  # group, resource, verb


def rights_of(rules: list[dict]) -> list[Right]:
    return [
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    ]


def without(rules: list[dict], missing: Right) -> list[dict]:
    left = [right for right in rights_of(rules) if right != missing]
    return [{"apiGroups": [g], "resources": [r], "verbs": [v]} for g, r, v in left]


def of(kind: str, name: str, **spec) -> dict:
    return {"apiVersion": API, "kind": kind, "metadata": {"name": name}, "spec": spec}


def of_host(hostname: str, given: dict) -> dict:
    given["spec"]["hostnames"] = [hostname]
    return given


def change_everything(namespace, number: int) -> None:
    """Every object is another generation than the last one that a controller saw."""
    tls = {"certificateRefs": [{"name": "cert"}]}
    listeners = [
        {"name": "http", "port": 80, "protocol": "HTTP"},
        {"name": f"s{number}", "port": 443, "protocol": "HTTPS", "tls": tls},
    ]
    infrastructure = {"labels": {"number": f"n{number}"}}
    bad = of_host("bad.example.com", route("bad", "web", f"missing{number}"))
    calls = {"parentRefs": [{"name": "web"}], "hostnames": [f"calls{number}.example.com"]}
    stream = {
        "parentRefs": [{"name": "web"}],
        "rules": [{"backendRefs": [{"name": "blue", "port": number + 1}]}],
    }
    policy = {
        "targetRefs": [{"group": "", "kind": "Service", "name": "blue", "sectionName": "tls"}],
        "validation": {
            "hostname": f"h{number}.example.com",
            "caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "ca"}],
        },
    }
    web = gateway("web", *ADDRESSES, infrastructure=infrastructure, listeners=listeners)
    web["spec"]["allowedListeners"] = {"namespaces": {"from": "Same"}}
    extra = {"name": "extra", "port": 80, "protocol": "HTTP", "hostname": f"e{number}.example.com"}
    namespace.apply(
        web,
        of("ListenerSet", "set", parentRef={"name": "web"}, listeners=[extra]),
        bad,
        of("GRPCRoute", "calls", **calls),
        of("TLSRoute", "secure", hostnames=["tls.example.com"], **stream),
        of("TCPRoute", "connections", **stream),
        of("UDPRoute", "datagrams", **stream),
        of("BackendTLSPolicy", "policy", **policy),
    )
    path = f"/apis/{API}/gatewayclasses/sluice"
    namespace.api.call("PATCH", path, {"spec": {"description": f"number {number}"}}, MERGE)


def prepare(namespace, missing: Right) -> None:
    """What only this right lets a starting controller do."""
    _, resource, verb = missing
    kinds = {"services": "Service", "endpointslices": "EndpointSlice"}
    if resource in kinds and verb == "create":
        for made in namespace.list(kinds[resource], "gateway.networking.k8s.io/gateway-name=web"):
            namespace.delete(kinds[resource], made["metadata"]["name"])
    if resource in kinds and verb == "delete":
        namespace.patch("Gateway", "spare", {"spec": {"gatewayClassName": "other"}})
    if (resource, verb) == ("leases", "create"):
        for lease in namespace.list("Lease", namespace="sluice-system"):
            namespace.delete("Lease", lease["metadata"]["name"], "sluice-system")


def tell_the_same_twice(namespace) -> None:
    for backend in ("gone", "blue", "gone"):
        namespace.apply(of_host("flapping.example.com", route("flapping", "web", backend)))
        wanted = "False" if backend == "gone" else "True"

        def shown(wanted: str = wanted) -> bool:
            found = namespace.get("HTTPRoute", "flapping")
            return any(
                (c["type"], c["status"]) == ("ResolvedRefs", wanted)
                and c["observedGeneration"] == found["metadata"]["generation"]
                for parent in found.get("status", {}).get("parents", [])
                for c in parent["conditions"]
            )

        namespace.wait_until(shown, f"ResolvedRefs {wanted}")


def problems(namespace, sluice) -> str:
    socket = sluice.state / "control.sock"
    words = ("-s", "--max-time", "5", "--unix-socket", socket, "http://sluice/v1/problems")
    told = namespace.run("curl", *words).stdout
    found = json.loads(told)["problems"] if told else []
    return "\n".join(problem["message"] for problem in found)


def ready(namespace) -> bool:
    return (
        namespace.run("curl", "-s", "--max-time", "5", f"http://{HEALTH}/readyz").stdout == "ok\n"
    )


def start_again(namespace, sluice, missing: Right | None) -> None:
    sluice.start_controller()
    namespace.wait_until(lambda: ready(namespace), f"readiness without {missing}", 60)


def keep_bundles_from_everybody(namespace) -> None:
    """A right that every account of a new cluster has would hide that ours is missed."""
    namespace.api.call("DELETE", f"{ROLES}/clusterrolebindings/{EVERYBODYS_BUNDLES}")


def test_a_missing_right_is_named_and_the_rest_goes_on(namespace, make_sluice):
    keep_bundles_from_everybody(namespace)
    sluice = make_sluice(POOL, options=("--health-address", HEALTH))
    held = certificate("shop.example.com")
    made = json.loads(secret("cert", held))
    made["metadata"] = {"name": "cert"}
    authority = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ca"}}
    serve(namespace, "blue", 1)
    namespace.apply(made, {**authority, "data": {"ca.crt": held.pem}}, gateway("spare", *ADDRESSES))
    change_everything(namespace, 0)
    namespace.apply(route("good", "web", "blue"))
    (address,) = [each for each in programmed(namespace, "web") if each.startswith("10.250.")]
    wait_for_answer(namespace, address, "blue")
    number = 0
    for path in PATHS:
        rules = namespace.api.call("GET", path)["rules"]
        for missing in rights_of(rules):
            number += 1
            sluice.controller.stop()
            namespace.api.call("PATCH", path, {"rules": without(rules, missing)}, MERGE)
            change_everything(namespace, number)
            prepare(namespace, missing)
            start_again(namespace, sluice, missing)
            if missing[1:] == ("events", "patch"):
                tell_the_same_twice(namespace)
            group, resource, verb = missing
            named = f'cannot {verb} resource "{resource}" in API group "{group}"'
            namespace.wait_until(lambda named=named: named in problems(namespace, sluice), named)
            namespace.api.call("PATCH", path, {"rules": rules}, MERGE)
            namespace.patch("Gateway", "spare", {"spec": {"gatewayClassName": "sluice"}})
    sluice.controller.stop()
    start_again(namespace, sluice, None)
    wait_for_answer(namespace, address, "blue")
    namespace.wait_until(lambda: problems(namespace, sluice) == "", "no problem")
