"""TCPRoute: connections relayed byte by byte, by weight, and closed where nobody serves them."""

import os
import signal
import socket

import pytest
from harness.certificates import gateway_of
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
from harness.net import free_port
from harness.proxy_protocol import connect, version2
from harness.stream_backend import StreamBackend, StreamClient, closes, greeting
from harness.waiting import until


def tcp_route(name: str, *backends: dict, **more) -> str:
    return stream_route("TCPRoute", name, *backends, **more)


@pytest.fixture
def servers():
    running = {name: StreamBackend(name) for name in ("blue", "green")}
    yield running
    for server in running.values():
        server.stop()


@pytest.fixture
def sluice(make_sluice, servers):
    """A TCP listener on `port`, and Backends named as the servers."""
    running = make_sluice()
    running.port = free_port()
    running.write(
        "backends.yaml",
        documents(*(backend(name, server.port) for name, server in servers.items())),
    )
    running.write("web.yaml", gateway_of({"name": "tcp", "port": running.port, "protocol": "TCP"}))
    return running


@pytest.fixture
def serve(sluice):
    def start(*documents_of_routes: str) -> int:
        sluice.write("routes.yaml", documents(*documents_of_routes))
        sluice.start()
        return sluice.port

    return start


def stream_log(sluice) -> str:
    return (sluice.state / "logs/streams.log").read_text()


def test_the_backend_speaks_first_and_bytes_come_back(serve):
    port = serve(tcp_route("mail", backend_ref("blue")))
    with StreamClient(port) as client:
        assert client.line() == "blue"
        assert client.echo("hello") == "hello"
        assert client.echo("x" * 100_000) == "x" * 100_000


def test_a_half_closed_connection_is_answered(serve):
    port = serve(tcp_route("mail", backend_ref("blue")))
    with StreamClient(port) as client:
        assert client.line() == "blue"
        client.socket.sendall(b"four")
        client.socket.shutdown(socket.SHUT_WR)
        assert client.line() == "fourbye 4"
        assert client.reader.read() == b""


def test_connections_are_shared_by_weight(serve, servers):
    port = serve(tcp_route("mail", backend_ref("blue", 3), backend_ref("green", 1)))
    seen = [greeting(port) for _ in range(400)]
    assert set(seen) == {"blue", "green"}
    assert 240 <= seen.count("blue") <= 350


def test_another_endpoint_is_tried_when_one_refuses(serve, sluice, servers):
    dead = free_port()
    sluice.write("more.yaml", backend("half", dead, servers["blue"].port))
    port = serve(tcp_route("mail", backend_ref("half")))
    assert [greeting(port) for _ in range(50)] == ["blue"] * 50


def test_a_connection_that_no_endpoint_takes_is_closed(serve, sluice):
    sluice.write("more.yaml", backend("dead", free_port(), free_port()))
    port = serve(tcp_route("mail", backend_ref("dead")))
    assert greeting(port) == "closed"
    until(lambda: "reason=connect_failed" in stream_log(sluice), "the reason")


def test_without_endpoints_a_connection_is_closed(serve, sluice):
    sluice.write("more.yaml", service("none"))
    port = serve(tcp_route("mail", service_ref("none")))
    assert greeting(port) == "closed"
    until(lambda: "reason=no_endpoints" in stream_log(sluice), "the reason")


def test_an_invalid_reference_keeps_its_share_and_is_closed(serve):
    port = serve(tcp_route("mail", backend_ref("blue"), backend_ref("missing")))
    seen = [greeting(port) for _ in range(200)]
    assert set(seen) == {"blue", "closed"}
    assert 60 <= seen.count("closed") <= 140


def test_the_oldest_route_serves_and_the_next_one_follows_it(serve, sluice):
    newer = tcp_route("a", backend_ref("green"), created="2026-01-02T00:00:00Z")
    older = tcp_route("b", backend_ref("blue"), created="2026-01-01T00:00:00Z")
    port = serve(newer, older)
    assert [greeting(port) for _ in range(20)] == ["blue"] * 20
    sluice.write("routes.yaml", newer)
    sluice.wait()
    assert [greeting(port) for _ in range(20)] == ["green"] * 20


def test_without_a_route_a_connection_is_closed(serve, sluice):
    port = serve(tcp_route("elsewhere", backend_ref("blue"), gateway="other"))
    assert greeting(port) == "closed"
    until(lambda: "reason=no_rule" in stream_log(sluice), "the reason")


def test_a_connection_stays_while_backends_change(serve, sluice):
    port = serve(tcp_route("mail", backend_ref("blue")))
    with StreamClient(port) as client:
        assert client.line() == "blue"
        sluice.write("routes.yaml", tcp_route("mail", backend_ref("green")))
        sluice.wait()
        assert greeting(port) == "green"
        assert client.echo("still here") == "still here"


def test_a_reload_keeps_connections(serve, sluice):
    port = serve(tcp_route("mail", backend_ref("blue")))
    with StreamClient(port) as client:
        assert client.line() == "blue"
        before = set(sluice.worker_pids())
        os.kill(sluice.master_pid(), signal.SIGHUP)
        until(lambda: len(set(sluice.worker_pids()) - before) == 2, "new workers")
        assert client.echo("old worker") == "old worker"
        until(lambda: greeting(port) == "blue", "the new workers")
        assert client.echo("again") == "again"


def test_counts_go_back_when_connections_end(serve, sluice, servers):
    sluice.write("more.yaml", backend("both", servers["blue"].port, servers["green"].port))
    port = serve(tcp_route("mail", backend_ref("both")))
    for _ in range(3):
        clients, seen = [], []
        for _ in range(10):
            clients.append(StreamClient(port))
            seen.append(clients[-1].line())
        # Of two random endpoints the one with fewer connections: with two, they take turns.
        assert seen.count("blue") == 5
        for client in clients:
            client.__exit__()
        until(lambda: not any(server.running for server in servers.values()), "the end")


def test_the_log_says_what_became_of_a_connection(serve, sluice, servers):
    port = serve(tcp_route("mail", backend_ref("blue")))
    assert greeting(port) == "blue"
    line = until(lambda: stream_log(sluice), "a line")
    assert "listener=tcp route=default/mail rule=0" in line
    assert f"endpoint=127.0.0.1:{servers['blue'].port} reason=-" in line


def test_tls_passes_through_a_tcp_listener(serve):
    port = serve(tcp_route("mail", backend_ref("blue")))
    with StreamClient(port) as client:
        assert client.line() == "blue"
        assert client.echo("\x16\x03\x01") == "\x16\x03\x01"


def test_a_proxy_in_front_is_believed(serve, sluice):
    sluice.write(
        "web.yaml",
        gateway_of(
            {"name": "tcp", "port": sluice.port, "protocol": "TCP"},
            infrastructure={"parametersRef": parameters_ref()},
        ),
    )
    sluice.write("parameters.yaml", parameters("edge", {"proxyProtocolPorts": [sluice.port]}))
    port = serve(tcp_route("mail", backend_ref("blue")))
    with connect(port, version2("192.0.2.1")) as sock, StreamClient(port, sock=sock) as client:
        assert client.line() == "blue"
        assert client.echo("behind") == "behind"
    until(lambda: stream_log(sluice).startswith("192.0.2.1 "), "the client's address")
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.sendall(b"no header\r\n" * 3)
        assert closes(sock)


def test_connections_come_over_ipv6(make_sluice, servers):
    sluice = make_sluice("--address", "::1")
    port = free_port()
    sluice.write("backend.yaml", backend("blue", servers["blue"].port))
    sluice.write("web.yaml", gateway_of({"name": "tcp", "port": port, "protocol": "TCP"}))
    sluice.write("routes.yaml", tcp_route("mail", backend_ref("blue")))
    sluice.start()
    assert greeting(port, "::1") == "blue"
    assert greeting(port) == "blue"


def test_without_templates_the_socket_says_what_is_missing(operator_nginx, servers):
    web, tcp = free_port(), free_port()
    operator_nginx.write("backend.yaml", backend("blue", servers["blue"].port))
    operator_nginx.write(
        "web.yaml",
        gateway_of(
            {"name": "http", "port": web, "protocol": "HTTP"},
            {"name": "tcp", "port": tcp, "protocol": "TCP"},
        ),
    )
    operator_nginx.write("routes.yaml", tcp_route("mail", backend_ref("blue")))
    operator_nginx.start(wait=False)
    until(
        lambda: "include sluice-streams.conf in stream {}" in operator_nginx.gateway_status(),
        "the reason",
    )
    until(lambda: greeting_of_http(web) == "HTTP/1.1 404 Not Found", "HTTP")


def greeting_of_http(port: int) -> str:
    try:
        with StreamClient(port) as client:
            client.socket.sendall(b"GET / HTTP/1.1\r\nHost: a.org\r\n\r\n")
            return client.line().rstrip("\r")
    except OSError:
        return "refused"
