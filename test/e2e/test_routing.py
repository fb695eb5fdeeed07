"""A real nginx answers by the manifests: matching, weights, and Sluice's own answers."""

import pytest
from harness.client import ask
from harness.manifests import backend, backend_ref, documents, gateway, route
from harness.net import free_port


@pytest.fixture
def sluice(make_sluice, backends):
    running = make_sluice()
    running.port = free_port()
    running.write("gateway.yaml", gateway(running.port))
    running.write("backends.yaml", documents(*(backend(n, p) for n, p in backends.ports.items())))
    return running


def to(name: str, **match) -> dict:
    return {"matches": [match] if match else [{}], "backendRefs": [backend_ref(name)]}


def test_the_most_specific_rule_answers(sluice):
    rules = [
        to("blue"),
        to("green", path={"type": "Exact", "value": "/a"}),
        to("store", path={"type": "PathPrefix", "value": "/a/b/"}),
        to("red", path={"type": "RegularExpression", "value": "/a/[0-9]+"}),
        to("store", path={"value": "/m"}, method="POST"),
        to("red", path={"value": "/m"}, headers=[{"name": "x-a", "value": "1"}]),
        to("green", path={"value": "/m"}, queryParams=[{"name": "q", "value": "1"}]),
    ]
    sluice.write("route.yaml", route("r", rules, ["example.com"]))
    sluice.start()
    cases = [
        ("GET", "/", {}, "blue"),
        ("GET", "/a", {}, "green"),
        ("GET", "/a/", {}, "blue"),
        ("GET", "/a/b", {}, "store"),
        ("GET", "/a/b/c", {}, "store"),
        ("GET", "/a/bc", {}, "blue"),
        ("GET", "/a/42", {}, "red"),
        ("GET", "/a/42x", {}, "blue"),
        ("POST", "/m", {"X-A": "1"}, "store"),
        ("GET", "/m?q=1", {"X-A": "1"}, "red"),
        ("GET", "/m?q=1", {}, "green"),
        ("GET", "/m?q=2", {}, "blue"),
    ]
    got = [ask(sluice.port, "example.com", p, m, h).word for m, p, h, _ in cases]
    assert got == [wanted for *_, wanted in cases]


def test_hosts_are_matched_without_port_and_case(sluice):
    sluice.write(
        "routes.yaml",
        documents(
            route("exact", [to("blue")], ["a.example.com"]),
            route("wild", [to("green")], ["*.example.com"]),
        ),
    )
    sluice.start()
    assert ask(sluice.port, "A.Example.com:1234").word == "blue"
    assert ask(sluice.port, "b.c.example.com").word == "green"
    assert ask(sluice.port, "example.com").status == 404


def test_a_host_whose_rules_all_miss_falls_through_to_the_less_specific_host(sluice):
    sluice.write(
        "routes.yaml",
        documents(
            route("exact", [to("blue", path={"value": "/login"})], ["a.example.com"]),
            route("wild", [to("green")], ["*.example.com"]),
        ),
    )
    sluice.start()
    assert ask(sluice.port, "a.example.com", "/login").word == "blue"
    assert ask(sluice.port, "a.example.com", "/other").word == "green"


def test_weights_are_followed_and_an_invalid_share_answers_500(sluice):
    refs = [backend_ref("blue", 8), backend_ref("nowhere", 2), backend_ref("green", 0)]
    sluice.write("route.yaml", route("r", [{"backendRefs": refs}]))
    sluice.start()
    answers = [ask(sluice.port) for _ in range(600)]
    failed = sum(answer.status == 500 for answer in answers)
    assert sum(answer.word == "green" for answer in answers) == 0
    assert sum(answer.word == "blue" for answer in answers) + failed == 600
    assert 0.12 < failed / 600 < 0.28


# Of 500 requests: how far the share of each backend may be from its weight.
TOLERANCE = 0.05


def test_each_backend_gets_its_share(sluice):
    shares = {"blue": 0.7, "green": 0.3, "store": 0.0}
    refs = [backend_ref(name, int(share * 100)) for name, share in shares.items()]
    sluice.write("route.yaml", route("r", [{"backendRefs": refs}]))
    sluice.start()
    found = {}
    for _ in range(3):  # a sound draw misses the tolerance once in 70
        words = [ask(sluice.port).word for _ in range(500)]
        found = {name: words.count(name) / 500 for name in shares}
        assert sum(map(words.count, shares)) == 500
        assert found["store"] == 0
        if all(abs(found[name] - share) <= TOLERANCE for name, share in shares.items()):
            return
    raise AssertionError(found)


def test_no_endpoints_is_503_no_backends_is_500_no_rule_is_404(sluice):
    sluice.write(
        "route.yaml",
        documents(
            route(
                "r",
                [
                    {"matches": [{"path": {"value": "/none"}}], "backendRefs": []},
                    {
                        "matches": [{"path": {"value": "/empty"}}],
                        "backendRefs": [{"name": "lonely", "port": 80}],
                    },
                ],
                ["example.com"],
            ),
            "apiVersion: v1\nkind: Service\nmetadata: {name: lonely}\nspec: {ports: [{port: 80}]}",
        ),
    )
    sluice.start()
    assert ask(sluice.port, path="/none").status == 500
    assert ask(sluice.port, path="/empty").status == 503
    assert ask(sluice.port, path="/else").status == 404
    assert ask(sluice.port, "other.example.com").status == 404


def test_services_are_reached_through_their_endpoint_slices(sluice, backends):
    port = backends.ports["store"]
    sluice.write(
        "service.yaml",
        f"""apiVersion: v1
kind: Service
metadata: {{name: shop}}
spec: {{ports: [{{name: web, port: 80, targetPort: http}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: shop-1, labels: {{kubernetes.io/service-name: shop}}}}
addressType: IPv4
ports: [{{name: web, port: {port}}}]
endpoints:
  - addresses: [127.0.0.1]
  - addresses: [127.0.0.9]
    conditions: {{ready: false}}
""",
    )
    sluice.write("route.yaml", route("r", [{"backendRefs": [{"name": "shop", "port": 80}]}]))
    sluice.start()
    assert [ask(sluice.port).word for _ in range(10)] == ["store"] * 10


def test_a_changed_route_answers_the_next_request(sluice):
    sluice.start()
    for name in ["blue", "green", "store"] * 5:
        sluice.write("route.yaml", route("r", [to(name)]))
        sluice.wait("HTTPRoute/default/r")
        assert ask(sluice.port).word == name
    sluice.remove("route.yaml")
    sluice.wait()
    assert ask(sluice.port).status == 404


def test_conditions_name_the_generation_that_they_judge(sluice):
    sluice.write("route.yaml", route("r", [to("blue")]))
    sluice.start()
    for generation, name in enumerate(["green", "missing", "store"], 2):
        sluice.write("route.yaml", route("r", [to(name)]))
        sluice.wait("HTTPRoute/default/r")
        shown = sluice.get("httproute", "r")
        assert shown["metadata"]["generation"] == generation
        (parent,) = shown["status"]["parents"]
        assert [c["observedGeneration"] for c in parent["conditions"]] == [generation] * 2
        found = {c["type"]: c["status"] for c in parent["conditions"]}
        assert found == {"Accepted": "True", "ResolvedRefs": str(name != "missing")}


def test_statuses_are_those_of_a_cluster(sluice):
    sluice.write("route.yaml", route("r", [to("blue")]))
    sluice.start()
    status = sluice.get("gateway", "web")["status"]
    conditions = {c["type"]: (c["status"], c["reason"]) for c in status["conditions"]}
    assert conditions["Accepted"] == ("True", "Accepted")
    assert conditions["Programmed"] == ("True", "Programmed")
    assert status["listeners"][0]["attachedRoutes"] == 1
    parent = sluice.get("httproute", "r")["status"]["parents"][0]
    assert {c["type"]: c["status"] for c in parent["conditions"]} == {
        "Accepted": "True",
        "ResolvedRefs": "True",
    }
