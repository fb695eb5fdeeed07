"""Routes that are broken in part: who gets 500, who is served, and what happens when they heal."""

import json

import pytest
from harness.client import ask
from harness.manifests import backend, backend_ref, documents, gateway, mirror_filter, route, rule
from harness.net import free_port

ELSEWHERE = "elsewhere"


def foreign(name: str = "green") -> dict:
    return {**backend_ref(name), "namespace": ELSEWHERE}


def grant(name: str = "g", namespace: str = ELSEWHERE, source: dict = (), target: dict = ()) -> str:
    """Lets HTTPRoutes of default use Backends of `namespace`; `source`, `target` change that."""
    allowed = {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": "default"}
    return json.dumps(
        {
            "apiVersion": "gateway.networking.k8s.io/v1beta1",
            "kind": "ReferenceGrant",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {
                "from": [{**allowed, **dict(source)}],
                "to": [{"group": "sluice.dev", "kind": "Backend", **dict(target)}],
            },
        }
    )


@pytest.fixture
def sluice(make_sluice, backends):
    running = make_sluice(workers=1)
    running.port = free_port()
    running.write(
        "fixed.yaml",
        documents(
            gateway(running.port),
            backend("blue", backends.ports["blue"]),
            backend("green", backends.ports["green"], namespace=ELSEWHERE),
        ),
    )
    return running


def resolved(sluice, name: str = "r") -> tuple[str, str]:
    """The status and reason of ResolvedRefs; the route is accepted in any case."""
    (parent,) = sluice.get("httproute", name)["status"]["parents"]
    found = {c["type"]: (c["status"], c["reason"]) for c in parent["conditions"]}
    assert found["Accepted"] == ("True", "Accepted")
    return found["ResolvedRefs"]


def test_references_that_lead_nowhere_answer_500_and_say_why(sluice):
    references = {
        "missing": (backend_ref("missing"), "BackendNotFound"),
        "no-service": ({"name": "missing", "port": 80}, "BackendNotFound"),
        "unknown-kind": ({"group": "example.org", "kind": "Other", "name": "x"}, "InvalidKind"),
        "no-grant": (foreign(), "RefNotPermitted"),
        "no-grant-nor-backend": (foreign("missing"), "RefNotPermitted"),
    }
    sluice.write(
        "routes.yaml",
        documents(
            *(
                route(name, [rule(reference), rule(backend_ref("blue"), path="/good")], [name])
                for name, (reference, _) in references.items()
            )
        ),
    )
    sluice.start()
    for name, (_, reason) in references.items():
        assert ask(sluice.port, name).status == 500, name
        assert ask(sluice.port, name, "/good").word == "blue", name
        assert resolved(sluice, name) == ("False", reason), name


def test_rules_without_backends_answer_500_and_are_resolved(sluice):
    rules = [
        rule(path="/absent"),
        {**rule(path="/empty"), "backendRefs": []},
        rule(backend_ref("blue", 0), path="/zero"),
        rule(backend_ref("blue"), path="/good"),
    ]
    sluice.write("route.yaml", route("r", rules))
    sluice.start()
    paths = ("/absent", "/empty", "/zero")
    assert [ask(sluice.port, path=path).status for path in paths] == [500] * 3
    assert ask(sluice.port, path="/good").word == "blue"
    assert resolved(sluice) == ("True", "ResolvedRefs")


def test_a_mirror_that_leads_nowhere_stops_nobody(sluice):
    broken = rule(backend_ref("blue"), filters=[mirror_filter("missing")])
    sluice.write("route.yaml", route("r", [broken]))
    sluice.start()
    assert [ask(sluice.port).word for _ in range(5)] == ["blue"] * 5
    assert resolved(sluice) == ("False", "BackendNotFound")


NEAR_MISSES = {
    "another namespace of the grant": grant(namespace="default"),
    "another group of routes": grant(source={"group": "not-the-group.example.org"}),
    "another kind of routes": grant(source={"kind": "GRPCRoute"}),
    "another namespace of routes": grant(source={"namespace": ELSEWHERE}),
    "another group of backends": grant(target={"group": ""}),
    "another kind of backends": grant(target={"group": "", "kind": "Service"}),
    "another name": grant(target={"name": "blue"}),
}


def test_only_a_grant_that_fits_opens_another_namespace(sluice):
    rules = [rule(foreign(), path="/v2"), rule(backend_ref("blue"))]
    sluice.write("route.yaml", route("r", rules))
    sluice.start()
    for name, text in NEAR_MISSES.items():
        sluice.write("grant.yaml", text)
        sluice.wait()
        assert ask(sluice.port, path="/v2").status == 500, name
        assert ask(sluice.port).word == "blue", name
        assert resolved(sluice) == ("False", "RefNotPermitted"), name
    for text in (grant(), grant(target={"name": "green"})):
        sluice.write("grant.yaml", text)
        sluice.wait()
        assert ask(sluice.port, path="/v2").word == "green"
        assert resolved(sluice) == ("True", "ResolvedRefs")
    sluice.remove("grant.yaml")
    sluice.wait()
    assert ask(sluice.port, path="/v2").status == 500
    assert resolved(sluice) == ("False", "RefNotPermitted")


def test_a_rule_that_is_not_permitted_does_not_stop_one_that_is(sluice, backends):
    sluice.write(
        "more.yaml",
        documents(
            backend("store", backends.ports["store"], namespace=ELSEWHERE),
            grant(target={"name": "green"}),
        ),
    )
    rules = [rule(foreign("store"), path="/v2"), rule(foreign("green"))]
    sluice.write("route.yaml", route("r", rules))
    sluice.start()
    assert ask(sluice.port, path="/v2").status == 500
    assert ask(sluice.port).word == "green"
    assert resolved(sluice) == ("False", "RefNotPermitted")
