"""Which listeners of which Gateways a route serves: hostnames, sections, ports, namespaces."""

import json

import pytest
from harness.certificates import gateway_of
from harness.client import answered
from harness.manifests import backend, documents
from harness.matches import attached, headers, http_listener, prefix, to
from harness.net import free_port, free_ports


@pytest.fixture
def sluice(make_sluice, backends):
    running = make_sluice(workers=1)
    running.port = free_port()
    running.write("backends.yaml", documents(*(backend(n, p) for n, p in backends.ports.items())))
    return running


def accepted(sluice, name: str) -> list[tuple[str, str]]:
    parents = sluice.get("httproute", name)["status"]["parents"]
    found = [c for parent in parents for c in parent["conditions"] if c["type"] == "Accepted"]
    return [(c["status"], c["reason"]) for c in found]


def test_a_route_serves_the_hostnames_that_it_shares_with_a_listener(sluice):
    other, web = free_port(), {"name": "web"}
    sluice.write(
        "all.yaml",
        documents(
            gateway_of(
                http_listener("exact", sluice.port, "very.specific.com"),
                http_listener("wild", sluice.port, "*.wildcard.io"),
                http_listener("other", sluice.port, "*.anotherwildcard.io"),
            ),
            gateway_of(http_listener("open", other), name="open"),
            attached(
                "exact-exact",
                [to("blue", prefix("/s1"))],
                web,
                hostnames=["non.matching.com", "*.nonmatching.io", "very.specific.com"],
            ),
            attached(
                "exact-wild",
                [to("green", prefix("/s2"))],
                web,
                hostnames=[
                    "non.matching.com",
                    "wildcard.io",
                    "foo.wildcard.io",
                    "bar.wildcard.io",
                    "foo.bar.wildcard.io",
                ],
            ),
            attached(
                "wild-exact",
                [to("store", prefix("/s3"))],
                web,
                hostnames=["non.matching.com", "*.specific.com"],
            ),
            attached(
                "wild-wild", [to("blue", prefix("/s4"))], web, hostnames=["*.anotherwildcard.io"]
            ),
            attached(
                "none",
                [to("red", prefix("/s5"))],
                web,
                hostnames=["specific.but.wrong.com", "wildcard.io"],
            ),
            attached(
                "listed",
                [to("blue")],
                {"name": "open"},
                hostnames=["first.com", "sub.second.com", "*.third.org"],
            ),
        ),
    )
    sluice.start()
    cases = [
        ("very.specific.com", "/s1", "blue"),
        ("very.specific.com:1234", "/s1", "blue"),
        ("non.matching.com", "/s1", "404"),
        ("foo.nonmatching.io", "/s1", "404"),
        ("foo.wildcard.io", "/s1", "404"),
        ("very.specific.com", "/non-matching-prefix", "404"),
        ("foo.wildcard.io", "/s2", "green"),
        ("bar.wildcard.io", "/s2", "green"),
        ("foo.bar.wildcard.io", "/s2", "green"),
        ("non.matching.com", "/s2", "404"),
        ("wildcard.io", "/s2", "404"),
        ("very.specific.com", "/s2", "404"),
        ("foo.wildcard.io", "/non-matching-prefix", "404"),
        ("very.specific.com", "/s3", "store"),
        ("non.matching.com", "/s3", "404"),
        ("foo.specific.com", "/s3", "404"),
        ("foo.wildcard.io", "/s3", "404"),
        ("one.anotherwildcard.io", "/s4", "blue"),
        ("one.two.three.anotherwildcard.io", "/s4", "blue"),
        ("anotherwildcard.io", "/s4", "404"),
        ("foo.wildcard.io", "/s4", "404"),
        ("specific.but.wrong.com", "/s5", "404"),
        ("wildcard.io", "/s5", "404"),
    ]
    got = [answered(sluice.port, host, path) for host, path, _ in cases]
    assert got == [wanted for *_, wanted in cases]
    hosts = {"first.com": "blue", "sub.second.com": "blue", "a.third.org": "blue"}
    hosts |= {"second.com": "404", "third.org": "404", "sub.third.com": "404", "a.first.com": "404"}
    assert {host: answered(other, host) for host in hosts} == hosts
    assert accepted(sluice, "none") == [("False", "NoMatchingListenerHostname")]
    counts = [one["attachedRoutes"] for one in sluice.get("gateway", "web")["status"]["listeners"]]
    assert counts == [2, 1, 1]


def test_the_most_specific_listener_takes_the_request(sluice):
    def parents(*sections: str) -> list[dict]:
        return [{"name": "web", "sectionName": section} for section in sections]

    sluice.write(
        "all.yaml",
        documents(
            gateway_of(
                http_listener("one", sluice.port, "bar.com"),
                http_listener("two", sluice.port, "foo.bar.com"),
                http_listener("three", sluice.port, "*.bar.com"),
                http_listener("four", sluice.port, "*.foo.com"),
            ),
            attached("r1", [to("blue")], *parents("one")),
            attached("r2", [to("green")], *parents("two")),
            attached("r3", [to("store")], *parents("three", "four")),
        ),
    )
    sluice.start()
    hosts = {
        "bar.com": "blue",
        "foo.bar.com": "green",
        "baz.bar.com": "store",
        "boo.bar.com": "store",
        "multiple.prefixes.bar.com": "store",
        "multiple.prefixes.foo.com": "store",
        "foo.com": "404",
        "no.matching.host": "404",
    }
    assert {host: answered(sluice.port, host) for host in hosts} == hosts
    assert accepted(sluice, "r3") == [("True", "Accepted")] * 2


def test_a_parents_port_and_section_choose_listeners(sluice):
    first, second, third = free_ports(3)
    sluice.write(
        "all.yaml",
        documents(
            gateway_of(
                http_listener("one", first, "foo.com"),
                http_listener("two", second, "foo.com"),
                http_listener("three", second, "bar.com"),
                http_listener("four", third, "foo.com"),
            ),
            attached("r1", [to("blue")], {"name": "web", "port": first}),
            attached("r2", [to("green")], {"name": "web", "port": second}),
            attached("r3", [to("store")], {"name": "web", "port": third, "sectionName": "four"}),
            attached("r4", [to("red")], {"name": "web", "port": third, "sectionName": "one"}),
        ),
    )
    sluice.start()
    cases = [
        (first, "foo.com", "blue"),
        (first, "bar.com", "404"),
        (second, "foo.com", "green"),
        (second, "bar.com", "green"),
        (third, "foo.com", "store"),
        (third, "bar.com", "404"),
    ]
    got = [answered(port, f"{host}:{port}") for port, host, _ in cases]
    assert got == [wanted for *_, wanted in cases]
    assert accepted(sluice, "r4") == [("False", "NoMatchingParent")]


def test_gateways_on_addresses_of_their_own_keep_their_routes_apart(sluice):
    addresses = {"one": "127.0.0.2", "two": "127.0.0.3"}
    gateways = [
        gateway_of(
            http_listener("http", sluice.port),
            name=name,
            addresses=[{"type": "IPAddress", "value": value}],
        )
        for name, value in addresses.items()
    ]
    sluice.write(
        "all.yaml",
        documents(
            *gateways,
            attached("shared", [to("blue", prefix("/shared"))], {"name": "one"}, {"name": "two"}),
            attached("only-one", [to("green", prefix("/own"))], {"name": "one"}),
            attached("only-two", [to("store", prefix("/own"))], {"name": "two"}),
            attached("second", [to("red", prefix("/second"))], {"name": "two"}),
        ),
    )
    sluice.start()
    paths = ("/shared", "/own", "/second")
    got = {
        name: [answered(sluice.port, path=path, address=value) for path in paths]
        for name, value in addresses.items()
    }
    assert got == {"one": ["blue", "green", "404"], "two": ["blue", "store", "red"]}


def test_routes_of_labelled_namespaces_are_taken(sluice, backends):
    chosen = {"namespaces": {"from": "Selector", "selector": {"matchLabels": {"team": "web"}}}}
    sluice.write(
        "all.yaml",
        documents(
            gateway_of(http_listener("http", sluice.port, allowedRoutes=chosen)),
            "apiVersion: v1\nkind: Namespace\nmetadata: {name: ours, labels: {team: web}}",
            "apiVersion: v1\nkind: Namespace\nmetadata: {name: theirs, labels: {team: other}}",
            *(backend("blue", backends.ports["blue"], namespace=n) for n in ("ours", "theirs")),
            *(
                json.dumps(
                    {
                        "apiVersion": "gateway.networking.k8s.io/v1",
                        "kind": "HTTPRoute",
                        "metadata": {"name": "r", "namespace": namespace},
                        "spec": {
                            "parentRefs": [{"name": "web", "namespace": "default"}],
                            "rules": [to("blue", prefix(f"/{namespace}"))],
                        },
                    }
                )
                for namespace in ("ours", "theirs")
            ),
        ),
    )
    sluice.start()
    assert answered(sluice.port, path="/ours") == "blue"
    assert answered(sluice.port, path="/theirs") == "404"


# The rules of the older route and of the newer one, whose hostname is more specific; the fields of
# a request and who answers it.
PRECEDENCE = {
    "everything": (to("blue"), to("green"), "/", [({}, "green")]),
    "longer prefix": (
        to("blue", prefix("/path/prefix")),
        to("green", prefix("/path")),
        "/path/prefix/longer",
        [({}, "green")],
    ),
    "fields": (
        to("blue", prefix("/path/prefix", headers=headers(**{"header-b": "1"}))),
        to("green", prefix("/path", headers=headers(**{"header-a": "1"}))),
        "/path/prefix/longer",
        [
            ({"Header-A": "1", "Header-B": "1"}, "green"),
            ({"Header-B": "1"}, "blue"),
            ({"Header-A": "1"}, "green"),
            ({}, "404"),
        ],
    ),
}


@pytest.mark.parametrize(
    ("listener", "older", "newer"),
    [
        ("abc.example.com", "*.example.com", "abc.example.com"),
        ("*.example.com", "*.com", "*.example.com"),
    ],
    ids=["exact", "wildcard"],
)
def test_the_more_specific_hostname_comes_before_path_and_age(sluice, listener, older, newer):
    ports = dict(zip(PRECEDENCE, free_ports(len(PRECEDENCE)), strict=True))
    objects = []
    for index, (name, (of_older, of_newer, _, _)) in enumerate(PRECEDENCE.items()):
        objects += [
            gateway_of(http_listener("http", ports[name], listener), name=f"g{index}"),
            attached(
                f"older{index}", [of_older], {"name": f"g{index}"}, hostnames=[older], created=1
            ),
            attached(
                f"newer{index}", [of_newer], {"name": f"g{index}"}, hostnames=[newer], created=2
            ),
        ]
    sluice.write("all.yaml", documents(*objects))
    sluice.start()
    for name, (_, _, path, cases) in PRECEDENCE.items():
        for sent, wanted in cases:
            got = answered(ports[name], "abc.example.com", path, headers=sent)
            assert got == wanted, (name, sent)
    for index in range(len(PRECEDENCE)):
        for route_name in (f"older{index}", f"newer{index}"):
            assert accepted(sluice, route_name) == [("True", "Accepted")]
