"""What is counted of connections and sessions: by route, and by listening socket."""

import contextlib
import os
import signal
import socket

import pytest
from harness.certificates import TlsClient, certificate, gateway_of, secret, tls_listener
from harness.client_hello import client_hello
from harness.counters import Counters
from harness.datagrams import UdpClient, UdpEcho, answering
from harness.manifests import (
    backend,
    backend_ref,
    documents,
    parameters,
    parameters_ref,
    service,
    service_ref,
    stream_route,
)
from harness.net import free_port, free_ports
from harness.stream_backend import StreamBackend, StreamClient, closes, greeting
from harness.waiting import until

NAME = "ended.example.com"
GREETING = len(b"blue\n")
BYE = len(b"bye 6\n")


@pytest.fixture
def blue(keep):
    return keep(StreamBackend("blue"))


@pytest.fixture
def echo(keep):
    return keep(UdpEcho("one"))


def world(port: int, tls_port: int, blue: StreamBackend, echo: UdpEcho) -> str:
    """A TCP and a UDP listener on one port number, and a TLS listener."""
    return documents(
        secret("ended", certificate(NAME)),
        gateway_of(
            {"name": "tcp", "protocol": "TCP", "port": port},
            {"name": "udp", "protocol": "UDP", "port": port},
            tls_listener("tls", tls_port, NAME, "ended"),
        ),
        backend("blue", blue.port),
        backend("one", echo.port),
        stream_route("UDPRoute", "u", backend_ref("one"), listener="udp"),
        stream_route("TLSRoute", "s", backend_ref("blue"), listener="tls", hostnames=[NAME]),
    )


def mail(*refs: dict) -> str:
    return stream_route("TCPRoute", "mail", *refs, listener="tcp")


@pytest.fixture
def served(make_sluice, blue, echo):
    sluice = make_sluice(workers=1)
    sluice.port, sluice.tls_port = free_ports(2)
    sluice.write("all.yaml", world(sluice.port, sluice.tls_port, blue, echo))
    sluice.write("mail.yaml", mail(backend_ref("blue")))
    sluice.counters = Counters(sluice.state)
    sluice.start()
    return sluice


def expect(read, what: str, **numbers: int) -> None:
    """Waits until `read()` says so much of each."""
    seen: dict = {}

    def is_so() -> bool:
        seen.update(read())
        return {name: seen.get(name) for name in numbers} == numbers

    try:
        until(is_so, what)
    except TimeoutError:
        raise AssertionError(f"{what}: {seen}, not {numbers}") from None


def tcp(sluice) -> dict[str, int]:
    return sluice.counters.route("TCPRoute", "mail")


def test_nothing_is_counted_before_it_happens(served):
    zeroes = {"relayed": 0, "refused": 0, "active": 0, "from_clients": 0, "to_clients": 0}
    for kind, name in (("TCPRoute", "mail"), ("UDPRoute", "u"), ("TLSRoute", "s")):
        assert served.counters.route(kind, name) == zeroes
    none = {"accepted": 0, "too_slow": 0, "malformed": 0, "no_route": 0}
    assert served.counters.socket_of(served.port) == none
    assert served.counters.socket_of(served.port, "udp") == none
    assert served.counters.socket_of(served.tls_port) == none


def test_connections_and_their_bytes(served):
    with contextlib.ExitStack() as ending:
        clients = [ending.enter_context(StreamClient(served.port)) for _ in range(3)]
        for client in clients:
            assert client.line() == "blue"
        expect(lambda: tcp(served), "while they run", relayed=3, active=3, to_clients=0)
        for client in clients:
            assert client.echo("hello") == "hello"
            client.socket.shutdown(socket.SHUT_WR)
            assert client.line() == "bye 6"
            assert client.reader.read() == b""
    expect(
        lambda: tcp(served),
        "after their end",
        relayed=3,
        refused=0,
        active=0,
        from_clients=3 * 6,
        to_clients=3 * (GREETING + 6 + BYE),
    )
    assert served.counters.socket_of(served.port)["accepted"] == 3


def test_connections_that_no_endpoint_has_are_refused(served):
    served.write("more.yaml", documents(backend("dead", free_port()), service("none")))
    for number, ref in enumerate(
        (backend_ref("dead"), backend_ref("missing"), service_ref("none")), start=1
    ):
        served.write("mail.yaml", mail(ref))
        served.wait()
        assert greeting(served.port) == "closed"
        expect(lambda: tcp(served), f"{ref}", refused=number, relayed=0, active=0)


def test_tls_that_ends_here(served):
    port = served.tls_port
    with TlsClient(port, NAME) as tls, StreamClient(port, sock=tls.socket) as client:
        assert client.line() == "blue"
        assert client.echo("hello") == "hello"
        expect(lambda: of_tls(served), "while it runs", relayed=1, active=1)
    expect(lambda: of_tls(served), "after its end", active=0, from_clients=6)
    with socket.create_connection(("127.0.0.1", served.tls_port), timeout=10) as sock:
        sock.sendall(client_hello(NAME))
        assert sock.recv(1), "the server's part of the handshake"
    expect(lambda: of_tls(served), "a handshake that ends", relayed=1, refused=1, active=0)


def of_tls(sluice) -> dict[str, int]:
    return sluice.counters.route("TLSRoute", "s")


def test_tls_that_goes_through(served, blue):
    served.write(
        "more.yaml",
        documents(
            gateway_of(tls_listener("through", served.tls_port, "through.example.com"), name="b"),
            stream_route(
                "TLSRoute",
                "t",
                backend_ref("blue"),
                hostnames=["through.example.com"],
                gateway="b",
            ),
        ),
    )
    served.wait()
    hello = client_hello("through.example.com")
    with socket.create_connection(("127.0.0.1", served.tls_port), timeout=10) as sock:
        sock.sendall(hello)
        assert sock.recv(GREETING, socket.MSG_WAITALL) == b"blue\n"
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(65536):
            pass
    expect(
        lambda: served.counters.route("TLSRoute", "t"),
        "the connection",
        relayed=1,
        active=0,
        from_clients=len(hello),
    )
    assert of_tls(served)["relayed"] == 0


def test_sessions_of_udp(served):
    with UdpClient(served.port) as one, UdpClient(served.port) as two:
        assert one.ask("ab") == "one ab"
        assert one.ask("c") == "one c"
        assert two.ask("d") == "one d"
        expect(lambda: of_udp(served), "while they last", relayed=2, active=2, from_clients=0)
    assert served.counters.socket_of(served.port, "udp")["accepted"] == 2
    os.kill(served.master_pid(), signal.SIGHUP)
    expect(
        lambda: of_udp(served),
        "after their worker's end",
        relayed=2,
        active=0,
        from_clients=4,
        to_clients=len("one ab" + "one c" + "one d"),
    )


def of_udp(sluice) -> dict[str, int]:
    return sluice.counters.route("UDPRoute", "u")


def test_what_comes_to_no_route_is_counted_at_the_socket(served):
    def close_after(first: bytes) -> None:
        with socket.create_connection(("127.0.0.1", served.tls_port), timeout=10) as sock:
            sock.sendall(first)
            assert closes(sock)

    def tls_socket() -> dict[str, int]:
        return served.counters.socket_of(served.tls_port)

    close_after(b"SSH-2.0-client\r\n")
    expect(tls_socket, "no ClientHello", accepted=1, malformed=1)
    close_after(client_hello("other.example.org"))
    expect(tls_socket, "an unknown name", accepted=2, malformed=1, no_route=1, too_slow=0)
    assert of_tls(served)["refused"] == 0
    served.remove("mail.yaml")
    served.wait()
    assert greeting(served.port) == "closed"
    expect(lambda: served.counters.socket_of(served.port), "TCP", accepted=1, no_route=1)
    served.write("all.yaml", gateway_of({"name": "udp", "protocol": "UDP", "port": served.port}))
    served.wait()
    assert answering(served.port, seconds=0.2) is None
    expect(lambda: served.counters.socket_of(served.port, "udp"), "UDP", accepted=1, no_route=1)
    assert tls_socket() == {}, "no listener has that socket any more"


def test_a_proxy_that_is_none_is_counted(served, blue):
    port = free_port()
    served.write(
        "more.yaml",
        documents(
            gateway_of(
                {"name": "tcp", "protocol": "TCP", "port": port},
                name="b",
                infrastructure={"parametersRef": parameters_ref()},
            ),
            parameters("edge", {"proxyProtocolPorts": [port]}),
            stream_route("TCPRoute", "p", backend_ref("blue"), gateway="b"),
        ),
    )
    served.wait()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.sendall(b"no header\r\n" * 3)
        assert closes(sock)
    expect(lambda: served.counters.socket_of(port), "no header", accepted=1, malformed=1)


@pytest.mark.log("exited on signal 9")
def test_a_killed_workers_connections_are_not_active_any_more(served):
    with contextlib.ExitStack() as ending:
        for _ in range(5):
            client = ending.enter_context(StreamClient(served.port))
            assert client.line() == "blue"
        assert answering(served.port) == "one"
        expect(lambda: tcp(served), "while they run", relayed=5, active=5)
        expect(lambda: of_udp(served), "the session", active=1)
        (victim,) = served.worker_pids()
        os.kill(victim, signal.SIGKILL)
        expect(lambda: tcp(served), "after its end", relayed=5, active=0)
        expect(lambda: of_udp(served), "the session's end", relayed=1, active=0)
    until(lambda: greeting(served.port) == "blue", "the next worker")
    expect(lambda: tcp(served), "by the next worker", relayed=6, active=0)


def test_totals_go_on_when_a_controller_is_killed(served):
    with StreamClient(served.port) as client:
        assert client.line() == "blue"
        assert greeting(served.port) == "blue"
        expect(lambda: tcp(served), "before", relayed=2, active=1)
        before = served.controller_pid()
        os.kill(before, signal.SIGKILL)
        assert greeting(served.port) == "blue"
        until(lambda: served.controller_pid() not in (0, before), "the next controller")
        served.wait()
        expect(lambda: tcp(served), "by the next controller", relayed=3, active=1)
        client.socket.shutdown(socket.SHUT_WR)
        assert client.reader.read() == b"bye 0\n"
    expect(lambda: tcp(served), "after the end of all", relayed=3, active=0, refused=0)
    assert served.counters.socket_of(served.port)["accepted"] == 3


def test_a_route_that_is_made_anew_begins_at_zero(served):
    with StreamClient(served.port) as client:
        assert client.line() == "blue"
        expect(lambda: tcp(served), "before", relayed=1, active=1)
        served.write("mail.yaml", mail(backend_ref("blue", 7)))
        served.wait()
        assert tcp(served)["relayed"] == 1, "a change is no end"
        served.remove("mail.yaml")
        served.wait()
        assert tcp(served) == {}
        served.write("mail.yaml", mail(backend_ref("blue")))
        served.wait()
        assert (tcp(served)["relayed"], tcp(served)["active"]) == (0, 0)
        assert client.echo("still here") == "still here"
        assert greeting(served.port) == "blue"
        expect(lambda: tcp(served), "the new one", relayed=1, active=0)
    assert greeting(served.port) == "blue"
    expect(lambda: tcp(served), "without the former one's", relayed=2, active=0)


def half_open(port: int, count: int) -> list[socket.socket]:
    """Connections that sent nothing, or half a ClientHello."""
    half = client_hello(NAME)[:100]
    made = []
    for number in range(count):
        made.append(socket.create_connection(("127.0.0.1", port), timeout=30))
        if number % 2:
            made[-1].sendall(half)
    return made


def serves(port: int) -> bool:
    with TlsClient(port, NAME) as tls, StreamClient(port, sock=tls.socket) as client:
        return client.line() == "blue" and client.echo("hello") == "hello"


@pytest.fixture
def flooded(operator_nginx, blue, echo):
    """Waits to be started."""
    operator_nginx.port, operator_nginx.tls_port = free_ports(2)
    ports = operator_nginx.port, operator_nginx.tls_port
    operator_nginx.write("all.yaml", world(*ports, blue, echo))
    operator_nginx.counters = Counters(operator_nginx.state)
    return operator_nginx


def test_a_flood_of_half_open_connections_ends_by_the_deadline(flooded):
    flooded.start(settings="client_header_timeout 5s;", streams=True)
    port = flooded.tls_port
    with contextlib.ExitStack() as ending:
        silent = []
        for _ in range(30):
            silent += [ending.enter_context(sock) for sock in half_open(port, 10)]
            assert serves(port)
        assert all(closes(sock) for sock in silent)
        assert serves(port)
    expect(
        lambda: flooded.counters.socket_of(port),
        "the flood",
        accepted=300 + 31,
        too_slow=300,
        malformed=0,
        no_route=0,
    )
    expect(lambda: of_tls(flooded), "the others", relayed=31, refused=0, active=0)


def test_a_flood_takes_no_connections_from_others(flooded):
    flooded.start(settings="client_header_timeout 10m;", streams=True, connections=256)
    port = flooded.tls_port
    with contextlib.ExitStack() as ending:
        for _ in range(40):
            for sock in half_open(port, 10):
                ending.enter_context(sock)
            assert serves(port)
        counted = flooded.counters.socket_of(port)
        assert counted["accepted"] == 400 + 40
        assert 400 - 256 < counted["too_slow"] < 400, "those that others needed"
    expect(lambda: of_tls(flooded), "the others", relayed=40, refused=0, active=0)
