"""Endpoints of Services: slices of every kind, their conditions, and traffic while they change."""

import json
import threading

import pytest
from harness.client import ask
from harness.longlived import WebSockets
from harness.manifests import documents, gateway, route, rule
from harness.net import free_port
from harness.raw_backend import RawBackend
from harness.scripted_backend import ScriptedBackend, Step
from harness.waiting import until


def shop(*ports: dict, name: str = "shop", **spec) -> str:
    made = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}}
    return json.dumps({**made, "spec": {"ports": list(ports), **spec}})


def slice_of(
    index: int, ports: dict[str, int], *endpoints: dict, service: str = "shop", family: str = "IPv4"
) -> str:
    """An EndpointSlice; `ports`: the name of each port, and its number."""
    return json.dumps(
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": f"{service}-{index}",
                "labels": {"kubernetes.io/service-name": service},
            },
            "addressType": family,
            "ports": [{"name": n, "port": p, "protocol": "TCP"} for n, p in ports.items()],
            "endpoints": list(endpoints),
        }
    )


def endpoint(address: str = "127.0.0.1", **conditions: bool) -> dict:
    return {"addresses": [address], **({"conditions": conditions} if conditions else {})}


def reference(port: int = 80, name: str = "shop") -> dict:
    return {"name": name, "port": port}


@pytest.fixture
def sluice(make_sluice):
    running = make_sluice(workers=1)
    running.port = free_port()
    running.write("gateway.yaml", gateway(running.port))
    return running


def answers(sluice, count: int = 40, path: str = "/") -> set[str]:
    return {ask(sluice.port, path=path).word for _ in range(count)}


def test_every_kind_of_service_is_reached_by_its_slices(sluice, backends):
    port = backends.ports["blue"]
    services = {
        "no-selector": {"clusterIP": "192.0.2.1"},
        "headless": {"clusterIP": "None", "selector": {"app": "web"}},
        "headless-no-selector": {"clusterIP": "None"},
        "selector": {"clusterIP": "192.0.2.2", "selector": {"app": "web"}},
    }
    objects = []
    for name, spec in services.items():
        main = {"name": "first-port", "port": 8080, "targetPort": 3000}
        objects += [
            shop(main, name=name, **spec),
            slice_of(4, {"first-port": port}, endpoint(), service=name),
            # One that nobody filled.
            slice_of(6, {"first-port": port}, service=name, family="IPv6"),
        ]
    rules = [rule(reference(8080, name), path=f"/{name}") for name in services]
    sluice.write("all.yaml", documents(*objects, route("r", rules)))
    sluice.start()
    assert {name: answers(sluice, 3, f"/{name}") for name in services} == {
        name: {"blue"} for name in services
    }


def test_a_port_is_found_in_every_slice_by_its_name(sluice, backends):
    blue, green, store, red = (backends.ports[n] for n in ("blue", "green", "store", "red"))
    ports = [{"name": "web", "port": 80}, {"name": "admin", "port": 8080, "targetPort": "admin"}]
    sluice.write(
        "all.yaml",
        documents(
            shop(*ports),
            slice_of(1, {"web": blue, "admin": red}, endpoint()),
            slice_of(2, {"web": green, "metrics": red}, endpoint()),
            slice_of(3, {"admin": store}, endpoint()),
            slice_of(4, {"metrics": red}, endpoint()),
            route("r", [rule(reference(80)), rule(reference(8080), path="/admin")]),
        ),
    )
    sluice.start()
    assert answers(sluice) == {"blue", "green"}
    assert answers(sluice, path="/admin") == {"red", "store"}


def test_slices_of_both_families_are_one_service(sluice):
    four, six = RawBackend("four"), RawBackend("six", "::1")
    try:
        sluice.write(
            "all.yaml",
            documents(
                shop({"name": "web", "port": 80}, ipFamilyPolicy="PreferDualStack"),
                slice_of(1, {"web": four.port}, endpoint()),
                slice_of(2, {"web": six.port}, endpoint("::1"), family="IPv6"),
                route("r", [rule(reference())]),
            ),
        )
        sluice.start()
        assert answers(sluice) == {"four", "six"}
    finally:
        four.stop()
        six.stop()


def test_a_terminating_endpoint_finishes_what_it_has_and_gets_nothing_new(sluice, backends):
    leaving = ScriptedBackend()
    try:
        stays = slice_of(1, {"web": backends.ports["blue"]}, endpoint(ready=True))

        def write(*others: str) -> None:
            objects = [shop({"name": "web", "port": 80}), route("r", [rule(reference())])]
            sluice.write("all.yaml", documents(*objects, *others))

        def leaves(**conditions: bool) -> str:
            return slice_of(2, {"web": leaving.port}, endpoint(**conditions))

        write(leaves(ready=True))
        sluice.start()
        release = threading.Event()
        leaving.script(*[Step(body=b"y" * 20_000, held=release)] * 2)
        got: list[bytes] = []
        clients = [
            threading.Thread(target=lambda: got.append(ask(sluice.port, seconds=60).body))
            for _ in range(2)
        ]
        for client in clients:
            client.start()
        until(lambda: len(leaving.asked) == 2, "requests under way")
        write(stays, leaves(ready=False, serving=True, terminating=True))
        sluice.wait()
        assert answers(sluice, 50) == {"blue"}
        assert got == [], "still under way"
        write(stays)
        sluice.wait()
        assert answers(sluice, 10) == {"blue"}
        release.set()
        for client in clients:
            client.join(20)
        assert got == [b"y" * 20_000] * 2
        assert len(leaving.asked) == 2
        # One that is not serving any more, or not ready yet, gets nothing either.
        for conditions in ({"ready": False, "serving": False}, {"ready": False}):
            write(stays, leaves(**conditions))
            sluice.wait()
            assert answers(sluice, 20) == {"blue"}
        write(leaves(ready=True))
        sluice.wait()
        assert answers(sluice, 5) == {"fine"}
    finally:
        leaving.stop()


def test_a_websocket_outlives_the_end_of_its_endpoint(sluice, backends, live):
    leaving = slice_of(1, {"web": live.websocket_port}, endpoint(ready=True))
    stays = slice_of(2, {"web": backends.ports["blue"]}, endpoint(ready=True))

    def write(*slices: str) -> None:
        objects = [shop({"name": "web", "port": 80}), route("r", [rule(reference())])]
        sluice.write("all.yaml", documents(*objects, *slices))

    write(leaving)
    sluice.start()
    sockets = WebSockets("127.0.0.1", sluice.port, "example.com", count=2)
    try:
        gone = slice_of(1, {"web": live.websocket_port}, endpoint(ready=False, terminating=True))
        for slices in ((gone, stays), (stays,)):
            write(*slices)
            sluice.wait()
            assert answers(sluice, 10) == {"blue"}
            assert sockets.echo() == 2
    finally:
        sockets.close()


def test_a_service_without_ready_endpoints_is_503_until_it_has_one(sluice, backends):
    def write(**conditions: bool) -> None:
        sluice.write(
            "all.yaml",
            documents(
                shop({"name": "web", "port": 80}),
                slice_of(1, {"web": backends.ports["blue"]}, endpoint(**conditions)),
                route("r", [rule(reference())]),
            ),
        )

    write(ready=False)
    sluice.start()
    assert ask(sluice.port).status == 503
    write(ready=True)
    sluice.wait()
    assert ask(sluice.port).word == "blue"
    write(ready=False, serving=True, terminating=True)
    sluice.wait()
    assert ask(sluice.port).status == 503
