"""ListenerSets: their listeners beside those of the Gateway, and the routes that they take."""

import json

import pytest
from harness.certificates import TlsClient, certificate, gateway_of, https_listener, secret
from harness.client import answered
from harness.manifests import backend, documents, listener_set
from harness.matches import attached, http_listener, prefix, to
from harness.net import accepts, free_port
from harness.waiting import until


@pytest.fixture
def sluice(make_sluice, backends):
    running = make_sluice(workers=2)
    running.port = free_port()
    running.write("backends.yaml", documents(*(backend(n, p) for n, p in backends.ports.items())))
    return running


def of_set(name: str, section: str | None = None, **more) -> dict:
    ref = {"kind": "ListenerSet", "name": name, **more}
    return {**ref, "sectionName": section} if section else ref


def of_gateway(section: str | None = None) -> dict:
    return {"name": "web", "sectionName": section} if section else {"name": "web"}


def gateway(*listeners: dict, allowed: str = "All") -> str:
    return gateway_of(*listeners, allowedListeners={"namespaces": {"from": allowed}})


def conditions(part: dict) -> dict[str, tuple[str, str]]:
    return {c["type"]: (c["status"], c["reason"]) for c in part["conditions"]}


def accepted(sluice, name: str, namespace: str = "default") -> tuple[str, str]:
    return conditions(sluice.get("listenerset", name, namespace)["status"])["Accepted"]


def test_a_route_serves_the_listeners_of_the_parent_that_it_names(sluice):
    port = sluice.port
    sluice.write(
        "all.yaml",
        documents(
            gateway(http_listener("one", port, "g1.com"), http_listener("two", port, "g2.com")),
            listener_set(
                "first", http_listener("one", port, "f1.com"), http_listener("two", port, "f2.com")
            ),
            listener_set("second", http_listener("one", port, "s1.com")),
            attached(
                "all",
                [to("blue", prefix("/all"))],
                *map(of_set, ["first", "second"]),
                {"name": "web"},
            ),
            attached("web", [to("green", prefix("/web"))], of_gateway()),
            attached("web-one", [to("store", prefix("/web-one"))], of_gateway("one")),
            attached("first", [to("green", prefix("/first"))], of_set("first")),
            attached("first-one", [to("store", prefix("/first-one"))], of_set("first", "one")),
            attached("nobody", [to("red", prefix("/nobody"))], of_gateway("three")),
        ),
    )
    sluice.start()
    served = {
        "/all": ("blue", {"g1.com", "g2.com", "f1.com", "f2.com", "s1.com"}),
        "/web": ("green", {"g1.com", "g2.com"}),
        "/web-one": ("store", {"g1.com"}),
        "/first": ("green", {"f1.com", "f2.com"}),
        "/first-one": ("store", {"f1.com"}),
        "/nobody": ("red", set()),
    }
    hosts = served["/all"][1]
    wanted = {
        (host, path): name if host in where else "404"
        for path, (name, where) in served.items()
        for host in hosts
    }
    assert {place: answered(port, *place) for place in wanted} == wanted
    status = sluice.get("gateway", "web")["status"]
    assert status["attachedListenerSets"] == 2
    assert [one["attachedRoutes"] for one in status["listeners"]] == [3, 2]
    listeners = sluice.get("listenerset", "first")["status"]["listeners"]
    assert [one["attachedRoutes"] for one in listeners] == [3, 2]


def test_a_listenerset_opens_its_own_ports_and_closes_them(sluice):
    other = free_port()
    sluice.write("web.yaml", gateway(http_listener("http", sluice.port)))
    sluice.write("set.yaml", listener_set("extra", http_listener("http", other)))
    sluice.write(
        "routes.yaml",
        documents(
            attached("r", [to("blue")], of_set("extra")), attached("w", [to("green")], of_gateway())
        ),
    )
    sluice.start()
    sluice.wait("listenerset/default/extra")
    status = sluice.get("listenerset", "extra")["status"]
    assert conditions(status) == {
        "Accepted": ("True", "Accepted"),
        "Programmed": ("True", "Programmed"),
    }
    assert answered(other) == "blue" and answered(sluice.port) == "green"
    workers = sluice.worker_pids()
    sluice.remove("set.yaml")
    until(lambda: not accepts("127.0.0.1", other), "the port is closed")
    assert answered(sluice.port) == "green"
    assert sluice.worker_pids() == workers
    assert sluice.get("gateway", "web")["status"]["attachedListenerSets"] == 0


def test_a_gateway_that_allows_listenersets_no_more_takes_them_off(sluice):
    listeners = [http_listener("http", sluice.port, "web.com")]
    sluice.write("web.yaml", gateway(*listeners))
    sluice.write(
        "set.yaml",
        documents(
            listener_set("extra", http_listener("http", sluice.port, "extra.com")),
            attached("r", [to("blue")], of_set("extra"), of_gateway()),
        ),
    )
    sluice.start()
    assert answered(sluice.port, "extra.com") == "blue"
    sluice.write("web.yaml", gateway(*listeners, allowed="None"))
    sluice.wait()
    assert answered(sluice.port, "extra.com") == "404"
    assert answered(sluice.port, "web.com") == "blue"
    assert accepted(sluice, "extra") == ("False", "NotAllowed")
    parents = sluice.get("httproute", "r")["status"]["parents"]
    assert [conditions(one)["Accepted"][1] for one in parents] == ["NoMatchingParent", "Accepted"]


def test_a_hostname_goes_to_the_next_listenerset_when_the_first_one_leaves(sluice):
    shared = http_listener("http", sluice.port, "shared.com")
    sluice.write("web.yaml", gateway(http_listener("http", sluice.port, "web.com")))
    for name, color in (("a", "blue"), ("b", "green")):
        sluice.write(
            f"{name}.yaml",
            documents(
                listener_set(name, shared), attached(f"to-{color}", [to(color)], of_set(name))
            ),
        )
    sluice.start()
    assert answered(sluice.port, "shared.com") == "blue"
    assert accepted(sluice, "b") == ("False", "ListenersNotValid")
    sluice.remove("a.yaml")
    sluice.wait()
    assert answered(sluice.port, "shared.com") == "green"
    assert accepted(sluice, "b") == ("True", "Accepted")


def test_a_listenerset_brings_certificates_of_its_own_namespace(sluice, backends):
    port = sluice.port
    ours, theirs = certificate("ours.com"), certificate("theirs.com")
    team = json.loads(attached("r", [to("blue")], of_set("extra")))
    team["metadata"]["namespace"] = "team"
    sluice.write(
        "all.yaml",
        documents(
            gateway(https_listener("https", port, "cert", hostname="ours.com")),
            secret("cert", ours),
            listener_set(
                "extra",
                https_listener("https", port, "cert", hostname="theirs.com"),
                namespace="team",
            ),
            secret("cert", theirs, namespace="team"),
            json.dumps(team),
            backend("blue", backends.ports["blue"], namespace="team"),
            attached("w", [to("green")], of_gateway()),
        ),
    )
    sluice.start()
    for name, held, word in (("ours.com", ours, "green"), ("theirs.com", theirs, "blue")):
        with TlsClient(port, name) as client:
            assert client.der == held.der
            assert client.word(name) == word
