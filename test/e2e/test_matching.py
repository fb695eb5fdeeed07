"""Which rule of a host answers: paths, fields, methods, queries and their order."""

import pytest
from harness.client import answered
from harness.manifests import backend, documents, gateway, route
from harness.matches import attached, exact, fields, headers, prefix, query, to
from harness.net import free_port

# name -> the rules of one host, and what each request to it gets: (path, {field: value}, answer).
TABLES = {
    "prefix or field": (
        [
            to("blue", prefix("/"), fields(version="one")),
            to("green", prefix("/v2"), fields(version="two")),
        ],
        [
            ("/", {}, "blue"),
            ("/example", {}, "blue"),
            ("/", {"Version": "one"}, "blue"),
            ("/v2", {}, "green"),
            ("/v2/", {}, "green"),
            ("/v2/example", {}, "green"),
            ("/v2example", {}, "blue"),
            ("/foo/v2/example", {}, "blue"),
            ("/", {"Version": "two"}, "green"),
        ],
    ),
    "exact paths": (
        [to("blue", exact("/one")), to("green", exact("/two"))],
        [
            ("/one", {}, "blue"),
            ("/two", {}, "green"),
            ("/one?two", {}, "blue"),
            ("/", {}, "404"),
            ("/one/example", {}, "404"),
            ("/two/", {}, "404"),
            ("/Two", {}, "404"),
        ],
    ),
    "order of paths": (
        [
            to("green", exact("/match/exact")),
            to("store", exact("/match/exact/one")),
            to("blue", exact("/match")),
            to("store", prefix("/match/")),
            to("blue", prefix("/match/prefix/")),
            to("green", prefix("/match/prefix/one")),
        ],
        [
            ("/match/exact/one", {}, "store"),
            ("/match/exact", {}, "green"),
            ("/match", {}, "blue"),
            ("/match/prefix/one/any", {}, "green"),
            ("/match/prefix/any", {}, "blue"),
            ("/match/any", {}, "store"),
            ("/match/", {}, "store"),
            ("/matching", {}, "404"),
        ],
    ),
    "fields": (
        [
            to("blue", fields(version="one")),
            to("green", fields(version="two")),
            to("blue", fields(version="two", color="orange")),
            to("blue", fields(color="blue"), fields(color="green")),
            to("green", fields(color="red"), fields(color="yellow")),
        ],
        [
            ("/", {"Version": "one"}, "blue"),
            ("/", {"vERSION": "two"}, "green"),
            ("/", {"Version": "two", "Color": "orange"}, "blue"),
            ("/", {"Version": "two", "Color": "blue"}, "green"),
            ("/", {"Color": "blue"}, "blue"),
            ("/", {"Color": "green"}, "blue"),
            ("/", {"Color": "red"}, "green"),
            ("/", {"Color": "yellow"}, "green"),
            ("/", {"Color": "purple"}, "404"),
            ("/", {"Some-Other-Header": "one"}, "404"),
            ("/", {"Color": "Blue"}, "404"),
            ("/", {}, "404"),
        ],
    ),
    "methods": (
        [
            to("blue", {"method": "POST"}),
            to("green", {"method": "GET"}),
            to("blue", prefix("/path1", method="GET")),
            to("green", {"method": "PUT", **fields(version="one")}),
            to("store", prefix("/path2", method="POST", **fields(version="two"))),
            to(
                "blue",
                prefix("/path3", method="PATCH"),
                prefix("/path4", method="DELETE", **fields(version="three")),
            ),
            to("blue", prefix("/path5")),
            to("green", {"method": "PATCH"}),
            to("store", fields(version="four")),
        ],
        [
            ("POST /", {}, "blue"),
            ("GET /", {}, "green"),
            ("HEAD /", {}, "404"),
            ("GET /path1", {}, "blue"),
            ("PUT /", {"version": "one"}, "green"),
            ("POST /path2", {"version": "two"}, "store"),
            ("PATCH /path3", {}, "blue"),
            ("DELETE /path4", {"version": "three"}, "blue"),
            ("PUT /", {}, "404"),
            ("DELETE /path4", {}, "404"),
            ("PATCH /path5", {}, "blue"),
            ("PATCH /", {"version": "four"}, "green"),
            ("PUT /", {"version": "four"}, "store"),
        ],
    ),
    "queries": (
        [
            to("blue", query(animal="whale")),
            to("green", query(animal="dolphin")),
            to("store", query(animal="dolphin", color="blue")),
            to("store", query(ANIMAL="Whale")),
            to("blue", {**prefix("/path1"), **query(animal="whale")}),
            to("green", {**fields(version="one"), **query(animal="whale")}),
            to("store", {**prefix("/path2"), **fields(version="two"), **query(animal="whale")}),
            to(
                "store",
                {**prefix("/path3"), **query(animal="shark")},
                {**prefix("/path4"), **query(animal="kraken"), **fields(version="three")},
            ),
            to("blue", {**prefix("/path5"), **query(animal="hydra")}),
            to("store", query(animal="hydra")),
            to("blue", fields(version="four")),
        ],
        [
            ("/?animal=whale", {}, "blue"),
            ("/?animal=dolphin", {}, "green"),
            ("/?animal=dolphin&color=blue", {}, "store"),
            ("/?color=blue&animal=dolphin", {}, "store"),
            ("/?animal=dolphin&color=yellow", {}, "green"),
            ("/?animal=dolphin&flag", {}, "green"),
            ("/?ANIMAL=Whale", {}, "store"),
            ("/?animal=Whale", {}, "404"),
            ("/?ANIMAL=whale", {}, "404"),
            ("/?animal=whaledolphin", {}, "404"),
            ("/?animal=shark", {}, "404"),
            ("/?animal=whale&animal=dolphin", {}, "blue"),
            ("/path1?animal=whale", {}, "blue"),
            ("/?animal=whale", {"version": "one"}, "green"),
            ("/path2?animal=whale", {"version": "two"}, "store"),
            ("/path3?animal=shark", {}, "store"),
            ("/path4?animal=kraken", {"version": "three"}, "store"),
            ("/path4?animal=kraken", {}, "404"),
            ("/path5?animal=hydra", {"version": "four"}, "blue"),
            ("/?animal=hydra", {"version": "four"}, "blue"),
            ("/?animal=hydra", {}, "store"),
            ("/", {}, "404"),
        ],
    ),
    # Of equal matches the first rule wins, however its fields are ordered, and also when it is
    # broken.
    "order of rules": (
        [
            to("blue", exact("/equal", headers=headers(a="1", b="2"))),
            to("green", exact("/equal", headers=headers(b="2", a="1"))),
            to("nowhere", exact("/broken")),
            to("green", exact("/broken")),
        ],
        [
            ("/equal", {"A": "1", "B": "2"}, "blue"),
            ("/equal", {"B": "2", "A": "1"}, "blue"),
            ("/broken", {}, "500"),
        ],
    ),
    # Of conditions on one field the first counts.
    "repeated conditions": (
        [to("green", {"headers": [{"name": "a", "value": "1"}, {"name": "A", "value": "2"}]})],
        [("/", {"A": "1"}, "green"), ("/", {"A": "2"}, "404")],
    ),
    "names of rules": (
        [
            {"name": "first", **to("blue", prefix("/named"))},
            {"name": "second", **to("green", prefix("/named/too"))},
            to("store"),
        ],
        [("/named", {}, "blue"), ("/named/too", {}, "green"), ("/unnamed", {}, "store")],
    ),
}


@pytest.fixture
def sluice(make_sluice, backends):
    running = make_sluice(workers=1)
    running.port = free_port()
    running.write("backends.yaml", documents(*(backend(n, p) for n, p in backends.ports.items())))
    return running


def host_of(table: str) -> str:
    return f"{table.replace(' ', '-')}.example.com"


def test_rules_are_chosen_by_what_they_ask(sluice):
    routes = [
        route(f"r{index}", rules, [host_of(name)])
        for index, (name, (rules, _)) in enumerate(TABLES.items())
    ]
    sluice.write("routes.yaml", documents(gateway(sluice.port), *routes))
    sluice.start()
    wrong = []
    for name, (_, cases) in TABLES.items():
        for target, sent, wanted in cases:
            method, _, path = target.rpartition(" ")
            more = {"method": method or "GET", "headers": sent}
            got = answered(sluice.port, host_of(name), path, **more)
            if got != wanted:
                wrong.append((name, target, sent, wanted, got))
    assert wrong == []


def test_of_equal_matches_the_older_route_answers_then_the_first_by_name(sluice):
    web = {"name": "web"}

    def write(*routes: str) -> None:
        sluice.write("all.yaml", documents(gateway(sluice.port), *routes))

    def answers() -> list[str]:
        paths = ("/equal", "/equal/deeper", "/a")
        return [answered(sluice.port, path=path) for path in paths]

    rules = {name: [to(name, prefix("/equal"), exact("/a"))] for name in ("blue", "green")}
    write(
        attached("a", rules["blue"], web, created=2), attached("z", rules["green"], web, created=1)
    )
    sluice.start()
    assert answers() == ["green"] * 3
    write(
        attached("a", rules["blue"], web, created=1), attached("z", rules["green"], web, created=1)
    )
    sluice.wait()
    assert answers() == ["blue"] * 3
    write(attached("z", rules["green"], web, created=1))
    sluice.wait()
    assert answers() == ["green"] * 3


def test_routes_of_one_host_are_one(sluice):
    sluice.write(
        "routes.yaml",
        documents(
            gateway(sluice.port),
            route(
                "part1",
                [to("blue", prefix("/"), fields(version="one"))],
                ["example.com", "example.net"],
            ),
            route(
                "part2",
                [to("green", prefix("/v2"), fields(version="two"))],
                ["example.com"],
            ),
        ),
    )
    sluice.start()
    cases = [
        ("example.com", "/", {}, "blue"),
        ("example.com", "/example", {}, "blue"),
        ("example.net", "/example", {}, "blue"),
        ("example.com", "/example", {"Version": "one"}, "blue"),
        ("example.com", "/v2", {}, "green"),
        ("example.com", "/v2/example", {}, "green"),
        ("example.com", "/", {"Version": "two"}, "green"),
        ("example.net", "/v2", {}, "blue"),
        ("example.net", "/v2/example", {}, "blue"),
        ("example.net", "/", {"Version": "two"}, "blue"),
        ("example.org", "/", {}, "404"),
    ]
    got = [answered(sluice.port, host, path, headers=sent) for host, path, sent, _ in cases]
    assert got == [wanted for *_, wanted in cases]
