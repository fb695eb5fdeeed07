"""UDPRoutes: sessions by client address, weights, workers that come and go."""

import contextlib
import os
import signal
from collections import Counter

import pytest
from harness.certificates import gateway_of
from harness.datagrams import UdpClient, UdpEcho, answering
from harness.manifests import backend, backend_ref, documents, stream_route
from harness.net import free_port
from harness.waiting import until

SESSIONS = 400


def udp(name: str, port: int) -> dict:
    return {"name": name, "protocol": "UDP", "port": port}


def udp_route(name: str, *refs: dict, **more: object) -> str:
    return stream_route("UDPRoute", name, *refs, **more)


def only(port: int, one: UdpEcho) -> str:
    """One listener, one route, one backend."""
    return documents(
        gateway_of(udp("dns", port)), backend("one", one.port), udp_route("r", backend_ref("one"))
    )


@pytest.fixture
def echo(keep):
    return lambda name: keep(UdpEcho(name))


@pytest.fixture
def serve(make_sluice):
    """A Sluice that serves what is told."""

    def start(*texts: str, workers: int = 2, arguments: tuple[str, ...] = ()):
        sluice = make_sluice(*arguments, workers=workers)
        sluice.write("all.yaml", documents(*texts))
        sluice.start()
        return sluice

    return start


def condition(sluice, name: str, kind: str) -> dict:
    (parent,) = sluice.get("udproutes", name)["status"]["parents"]
    return next(each for each in parent["conditions"] if each["type"] == kind)


def test_a_session_keeps_its_backend_and_weights_hold_over_sessions(serve, echo):
    port, one, two = free_port(), echo("one"), echo("two")
    sluice = serve(
        gateway_of(udp("dns", port)),
        backend("one", one.port),
        backend("two", two.port),
        udp_route("r", backend_ref("one", 7), backend_ref("two", 3)),
        workers=4,
    )
    seen: Counter = Counter()
    for _ in range(SESSIONS):
        with UdpClient(port) as client:
            told = {client.ask(str(i)) for i in range(3)}
        names = {each.split()[0] for each in told}
        assert len(told) == 3 and len(names) == 1
        seen[names.pop()] += 1
    expected = SESSIONS * 0.7
    sigma = (SESSIONS * 0.7 * 0.3) ** 0.5
    assert abs(seen["one"] - expected) < 4 * sigma, seen
    assert condition(sluice, "r", "Accepted")["status"] == "True"


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.9", "::1"])
def test_replies_come_from_the_address_that_was_asked(serve, echo, address):
    port, one = free_port(), echo("one")
    serve(only(port, one), arguments=("--address", "::" if ":" in address else "0.0.0.0"))
    assert answering(port, address) == "one"


def test_tcp_and_udp_listeners_share_a_port_number(serve, echo):
    port, one = free_port(), echo("one")
    sluice = serve(
        gateway_of(udp("dns", port), {"name": "dns-tcp", "protocol": "TCP", "port": port}),
        backend("one", one.port),
        udp_route("r", backend_ref("one")),
    )
    assert answering(port) == "one"
    for listener in sluice.get("gateways", "web")["status"]["listeners"]:
        states = {each["type"]: each["status"] for each in listener["conditions"]}
        assert states["Programmed"] == "True" and states["Conflicted"] == "False"


def test_the_oldest_route_serves_and_the_next_one_takes_over(serve, echo):
    port, one, two = free_port(), echo("one"), echo("two")
    sluice = serve(
        gateway_of(udp("dns", port)),
        backend("one", one.port),
        backend("two", two.port),
        udp_route("old", backend_ref("one"), created="2020-01-01T00:00:00Z"),
    )
    sluice.write("new.yaml", udp_route("new", backend_ref("two"), created="2021-01-01T00:00:00Z"))
    sluice.wait("UDPRoute/default/new")
    assert {answering(port) for _ in range(20)} == {"one"}
    (listener,) = sluice.get("gateways", "web")["status"]["listeners"]
    assert listener["attachedRoutes"] == 2
    sluice.write(
        "all.yaml",
        documents(gateway_of(udp("dns", port)), backend("one", one.port), backend("two", two.port)),
    )
    sluice.wait()
    assert {answering(port) for _ in range(20)} == {"two"}


def test_without_endpoints_datagrams_are_dropped_until_there_is_one(serve, echo):
    port, one = free_port(), echo("one")
    sluice = serve(
        gateway_of(udp("dns", port)), udp_route("r", backend_ref("one")), backend("other", one.port)
    )
    assert answering(port, seconds=0.2) is None
    assert condition(sluice, "r", "ResolvedRefs")["reason"] == "BackendNotFound"
    sluice.write("one.yaml", backend("one", one.port))
    sluice.wait()
    assert answering(port) == "one"


def test_a_session_outlives_a_change_of_its_route(serve, echo):
    port, one, two = free_port(), echo("one"), echo("two")
    sluice = serve(
        gateway_of(udp("dns", port)),
        backend("one", one.port),
        backend("two", two.port),
        udp_route("r", backend_ref("one")),
        workers=1,
    )
    with UdpClient(port) as client:
        assert client.ask() == "one x"
        sluice.write(
            "all.yaml",
            documents(
                gateway_of(udp("dns", port)),
                backend("one", one.port),
                backend("two", two.port),
                udp_route("r", backend_ref("two")),
            ),
        )
        sluice.wait()
        assert client.ask() == "one x"
        assert answering(port) == "two"


# Nobody answered a client that went on asking when its endpoint had gone without a word.
def test_a_session_ends_when_its_endpoint_has_left(serve, echo):
    port, one, two = free_port(), echo("one"), echo("two")
    sluice = serve(only(port, one), workers=1)
    with UdpClient(port) as client:
        assert client.ask() == "one x"
        sluice.write("all.yaml", only(port, two))
        sluice.wait()
        assert answering(port) == "two"
        until(lambda: client.ask() == "two x", "another endpoint")
        assert client.ask() == "two x"


# Clients got no answer when worker_connections had gone to sessions that waited for their end.
def test_more_clients_than_connections_are_answered(operator_nginx, echo):
    port, one = free_port(), echo("one")
    operator_nginx.write("all.yaml", only(port, one))
    operator_nginx.start(streams=True)
    assert {answering(port) for _ in range(1500)} == {"one"}


@pytest.mark.log("exited on signal 9")
def test_a_killed_worker_loses_no_queued_datagram(serve, echo):
    port, one = free_port(), echo("one")
    sluice = serve(only(port, one), workers=4)
    victim = sluice.worker_pids()[0]
    with contextlib.ExitStack() as ending:
        clients = [ending.enter_context(UdpClient(port)) for _ in range(200)]
        os.kill(victim, signal.SIGSTOP)
        for client in clients:
            client.say()
        os.kill(victim, signal.SIGKILL)
        assert [client.hear() for client in clients] == ["one x"] * len(clients)
    until(lambda: len(sluice.worker_pids()) == 4, "the next worker")
    assert {answering(port) for _ in range(50)} == {"one"}


def test_a_killed_controller_is_not_missed(serve, echo):
    port, one = free_port(), echo("one")
    sluice = serve(only(port, one))
    with UdpClient(port) as client:
        assert client.ask() == "one x"
        before = sluice.controller_pid()
        os.kill(before, signal.SIGKILL)
        assert {answering(port) for _ in range(20)} == {"one"}
        until(lambda: sluice.controller_pid() not in (0, before), "the next controller")
        sluice.wait()
        assert client.ask() == "one x"
    assert {answering(port) for _ in range(20)} == {"one"}


def test_a_reload_answers_every_client(serve, echo):
    port, one = free_port(), echo("one")
    sluice = serve(only(port, one))
    before = set(sluice.worker_pids())
    answers: list[str | None] = []

    def ask() -> None:
        # What is under way when a worker begins to exit may be lost, as with nginx's own listeners.
        answers.append(answering(port) or answering(port))

    def changed() -> bool:
        ask()
        return not before & set(sluice.worker_pids())

    os.kill(sluice.master_pid(), signal.SIGHUP)
    until(changed, "new workers", 40)
    for _ in range(50):
        ask()
    assert set(answers) == {"one"}
