"""kubectl beside Sluice: what it shows and waits for, and other managers of the same objects."""

import json
import re
import subprocess

import pytest
from harness.kube_gateways import conditions, gateway, programmed, route, told
from harness.kube_pods import serve

POOL = "10.250.66.0/28"
OURS = "sluice.dev/gateway-controller"


def table(text: str) -> list[dict[str, str]]:
    """What kubectl printed for one kind: columns are where their heads begin."""
    head, *rows = text.splitlines()
    begins = [found.start() for found in re.finditer(r"\S+", head)]
    cells = list(zip(begins, [*begins[1:], None], strict=True))
    return [{head[a:b].strip(): row[a:b].strip() for a, b in cells} for row in rows]


def shown(namespace, *kinds: str) -> dict[str, dict[str, str]]:
    """The rows of `kubectl get KIND,... -o wide`, by "kind.group/name" or, of one kind, "name"."""
    text = namespace.kubectl("get", ",".join(kinds), "-o", "wide")
    rows = [row for part in text.strip().split("\n\n") for row in table(part)]
    found = {row.pop("NAME"): row for row in rows}
    assert all(re.fullmatch(r"\d+[smh]\S*", row.pop("AGE")) for row in found.values())
    return found


def listener_set(name: str, parent: str) -> dict:
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "ListenerSet",
        "metadata": {"name": name},
        "spec": {
            "parentRef": {"name": parent},
            "listeners": [{"name": "extra", "port": 8080, "protocol": "HTTP"}],
        },
    }


def grpc_route(name: str, parent: str, *hostnames: str) -> dict:
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "GRPCRoute",
        "metadata": {"name": name},
        "spec": {"parentRefs": [{"name": parent}], "hostnames": list(hostnames)},
    }


def of_sluice(kind: str, name: str, **spec: object) -> dict:
    metadata = {"name": name}
    return {"apiVersion": "sluice.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}


def accepted(namespace, kind: str, name: str) -> bool:
    parents = namespace.get(kind, name).get("status", {}).get("parents", [])
    return any(conditions(p).get("Accepted") == ("True", "Accepted") for p in parents)


def test_get_shows_the_columns_of_every_kind(namespace, make_sluice):
    make_sluice(POOL)
    serve(namespace, "blue", 1)
    shop = route("shop", "web", "blue")
    shop["spec"]["hostnames"] = ["shop.example.com", "*.shop.example.com"]
    same = {"namespaces": {"from": "Same"}}
    namespace.apply(
        gateway("web", allowedListeners=same),
        gateway("other", {"type": "IPAddress", "value": "192.0.2.1"}),
        listener_set("extra", "web"),
        shop,
        grpc_route("calls", "web", "calls.example.com"),
        of_sluice("Backend", "local", endpoints=[{"address": "192.0.2.7", "port": 80}]),
        of_sluice("Backend", "named", endpoints=[{"hostname": "db.example.com", "port": 80}]),
        of_sluice("GatewayParameters", "limits", limits={"maxBodyBytes": 1048576}),
    )
    (address,) = programmed(namespace, "web")
    namespace.kubectl("wait", "--for=condition=Programmed", "listenerset/extra", "--timeout=30s")
    namespace.wait_until(lambda: accepted(namespace, "HTTPRoute", "shop"), "the HTTPRoute")
    namespace.wait_until(
        lambda: shown(namespace, "gateway")["other"]["PROGRAMMED"] == "False", "the other Gateway"
    )
    group = "gateway.networking.k8s.io"
    assert shown(namespace, "gatewayclass", "gateway", "listenerset", "httproute", "grpcroute") == {
        f"gatewayclass.{group}/sluice": {
            "CONTROLLER": OURS,
            "ACCEPTED": "True",
            "DESCRIPTION": "",
        },
        f"gateway.{group}/web": {"CLASS": "sluice", "ADDRESS": address, "PROGRAMMED": "True"},
        f"gateway.{group}/other": {"CLASS": "sluice", "ADDRESS": "", "PROGRAMMED": "False"},
        f"listenerset.{group}/extra": {"ACCEPTED": "True", "PROGRAMMED": "True"},
        f"httproute.{group}/shop": {"HOSTNAMES": '["shop.example.com","*.shop.example.com"]'},
        f"grpcroute.{group}/calls": {"HOSTNAMES": '["calls.example.com"]'},
    }
    assert shown(namespace, "backends.sluice.dev") == {
        "local": {"ADDRESS": "192.0.2.7", "HOSTNAME": ""},
        "named": {"ADDRESS": "", "HOSTNAME": "db.example.com"},
    }
    assert shown(namespace, "gatewayparameters") == {"limits": {"BODY": "1048576"}}


def test_wait_ends_with_the_condition_or_in_time(namespace, make_sluice):
    make_sluice(POOL)
    namespace.apply(gateway("web"), gateway("other", {"type": "IPAddress", "value": "192.0.2.1"}))
    wait = ("wait", "--for=condition=Programmed")
    assert "web condition met" in namespace.kubectl(*wait, "gateway/web", "--timeout=30s")
    accepted = ("wait", "--for=condition=Accepted", "gatewayclass/sluice", "--timeout=30s")
    assert "sluice condition met" in namespace.kubectl(*accepted)
    told = namespace.kubectl(
        "wait", "--for=condition=Programmed=false", "gateway/other", "--timeout=30s"
    )
    assert "other condition met" in told
    with pytest.raises(subprocess.CalledProcessError) as late:
        namespace.kubectl(*wait, "gateway/other", "--timeout=2s")
    assert "timed out waiting for the condition" in late.value.stderr


def told_by_another(generation: int, **fields: str) -> dict:
    """A condition by another controller."""
    return {
        "type": "Accepted",
        "status": "False",
        "reason": "NotMine",
        "message": "another controller's",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
        "observedGeneration": generation,
        **fields,
    }


def with_status(thing: dict, status: dict) -> dict:
    return {name: thing[name] for name in ("apiVersion", "kind", "metadata")} | {"status": status}


def apply_as(namespace, manager: str, thing: dict, *words: str) -> None:
    """kubectl's server-side apply, which fails where another manager holds a field."""
    command = ("apply", "--server-side", f"--field-manager={manager}", *words, "-f", "-")
    namespace.kubectl(*command, input=json.dumps(thing))


def managers(thing: dict) -> dict[str, set[str]]:
    """Who holds fields of the object ("") and of its subresources."""
    found: dict[str, set[str]] = {}
    for entry in thing["metadata"]["managedFields"]:
        found.setdefault(entry.get("subresource", ""), set()).add(entry["manager"])
    return found


def managed(namespace, kind: str, name: str) -> dict:
    shown = namespace.kubectl("get", kind, name, "-o", "json", "--show-managed-fields")
    return json.loads(shown)


def labelled(thing: dict) -> dict:
    metadata = {**thing["metadata"], "labels": {"team": "shop"}, "annotations": {"note": "here"}}
    return {"apiVersion": thing["apiVersion"], "kind": thing["kind"], "metadata": metadata}


def entries(namespace, name: str) -> dict[str, dict]:
    parents = namespace.get("HTTPRoute", name).get("status", {}).get("parents", [])
    return {parent["controllerName"]: parent for parent in parents}


def test_managers_of_spec_and_metadata_never_meet_ours(namespace, make_sluice):
    make_sluice(POOL)
    serve(namespace, "blue", 1)
    web, shop = gateway("web"), route("shop", "web", "blue")
    for thing in (web, shop):
        apply_as(namespace, "owner", thing)
    programmed(namespace, "web")
    namespace.wait_until(lambda: accepted(namespace, "HTTPRoute", "shop"), "the HTTPRoute")
    for thing in (web, shop):
        apply_as(namespace, "labeller", labelled(thing))
    web["spec"]["listeners"].append({"name": "more", "port": 8080, "protocol": "HTTP"})
    shop["spec"]["hostnames"] = ["shop.example.com"]
    for thing in (web, shop):
        apply_as(namespace, "owner", thing)
    told(namespace, "web", Programmed=("True", "Programmed"))

    def observed() -> bool:
        parts = entries(namespace, "shop")[OURS]["conditions"]
        return all(part["observedGeneration"] == 2 for part in parts)

    namespace.wait_until(observed, "the status of the changed HTTPRoute")
    for kind, name in (("Gateway", "web"), ("HTTPRoute", "shop")):
        found = managed(namespace, kind, name)
        assert managers(found) == {"": {"owner", "labeller"}, "status": {"sluice"}}
        assert found["metadata"]["labels"] == {"team": "shop"}
        assert found["metadata"]["annotations"] == {"note": "here"}
    assert len(namespace.get("Gateway", "web")["status"]["listeners"]) == 2


def test_statuses_of_other_controllers_stay_beside_ours(namespace, make_sluice):
    make_sluice(POOL)
    serve(namespace, "blue", 1)
    web, shop = gateway("web"), route("shop", "web", "blue")
    namespace.apply(web, shop)
    programmed(namespace, "web")
    namespace.wait_until(lambda: accepted(namespace, "HTTPRoute", "shop"), "the HTTPRoute")
    checked = told_by_another(1, type="example.com/Checked")
    status = ("--subresource=status",)
    apply_as(namespace, "checker", with_status(web, {"conditions": [checked]}), *status)
    parent = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "web"}
    theirs = {
        "parentRef": parent,
        "controllerName": "example.com/other",
        "conditions": [told_by_another(1)],
    }
    # The list has one holder, so this takes our entry away.
    only_theirs = with_status(shop, {"parents": [theirs]})
    apply_as(namespace, "other", only_theirs, *status, "--force-conflicts")
    namespace.wait_until(lambda: OURS in entries(namespace, "shop"), "our entry")
    assert entries(namespace, "shop")["example.com/other"] == theirs
    web["spec"]["listeners"].append({"name": "more", "port": 8080, "protocol": "HTTP"})
    namespace.apply(web, route("shop", "web", "missing"))

    def unresolved() -> bool:
        ours = conditions(entries(namespace, "shop")[OURS])
        return ours["ResolvedRefs"] == ("False", "BackendNotFound")

    namespace.wait_until(unresolved, "BackendNotFound")
    assert entries(namespace, "shop")["example.com/other"] == theirs

    def both() -> bool:
        return len(namespace.get("Gateway", "web")["status"]["listeners"]) == 2

    namespace.wait_until(both, "the second listener")
    assert checked in namespace.get("Gateway", "web")["status"]["conditions"]
    again = {**checked, "status": "True", "observedGeneration": 2}
    apply_as(namespace, "checker", with_status(web, {"conditions": [again]}), *status)
    shown_now = namespace.get("Gateway", "web")["status"]["conditions"]
    assert again in shown_now
    assert conditions({"conditions": shown_now})["Programmed"] == ("True", "Programmed")
