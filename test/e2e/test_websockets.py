"""WebSockets: TLS on either side, on both or on none, and connections on which nobody speaks."""

import contextlib
import http.client

import pytest
from harness.authority import Authority
from harness.certificates import certificate, gateway_of, https_listener, secret
from harness.longlived import WebSockets
from harness.manifests import (
    backend,
    backend_ref,
    backend_tls_policy,
    config_map,
    documents,
    route,
    rule,
    service,
    service_ref,
)
from harness.net import free_ports
from harness.policies import service_tls_policy
from harness.waiting import until
from harness.websocket_backend import WebSocketBackend

HOST = "ws.example.com"
INNER = "inner.example.com"


@pytest.fixture
def authority(scratch):
    return Authority(scratch)


@pytest.fixture
def running(authority):
    """The plain backend and the one behind TLS."""
    both = {"plain": WebSocketBackend(), "secured": WebSocketBackend(authority.issue(INNER))}
    yield both
    for one in both.values():
        one.stop()


def manifests(authority, running, plain_port: int, secured_port: int) -> str:
    secured = running["secured"].port
    rules = [
        rule(service_ref("ws"), path="/ws"),
        rule(service_ref("wss"), path="/wss"),
        rule(backend_ref("secured"), path="/policy"),
    ]
    return documents(
        secret("cert", certificate(HOST)),
        gateway_of(
            {"name": "http", "protocol": "HTTP", "port": plain_port},
            https_listener("https", secured_port, "cert"),
        ),
        service("ws", running["plain"].port, app_protocol="kubernetes.io/ws"),
        service("wss", secured, app_protocol="kubernetes.io/wss"),
        backend("secured", secured),
        config_map("ca", authority.pem),
        service_tls_policy("wss", INNER, "ca"),
        backend_tls_policy("secured", INNER, "ca"),
        route("r", rules),
    )


PATHS = {"/ws": "plain", "/wss": "secured", "/policy": "secured"}


def test_either_side_may_be_secured(make_sluice, authority, running):
    sluice = make_sluice(workers=1)
    plain, secured = free_ports(2)
    sluice.write("all.yaml", manifests(authority, running, plain, secured))
    sluice.start()
    for port, with_tls in ((plain, False), (secured, True)):
        for path, name in PATHS.items():
            target = f"{path}/a%2Fb?q=1"
            sockets = WebSockets("127.0.0.1", port, HOST, target, count=2, secured=with_tls)
            assert sockets.echo() == 2
            assert sockets.echo() == 2
            sockets.close()
            opened = running[name].opened[-1]
            assert opened.path == target
            assert opened.server_name == (INNER if name == "secured" else None)
            scheme = "wss" if with_tls else "ws"
            assert opened.all("origin") == [f"{scheme}://{HOST}"]
            assert opened.all("x-forwarded-proto") == ["https" if with_tls else "http"]
    assert [len(one.opened) for one in running.values()] == [4, 8]


def test_a_silent_connection_outlives_the_limits_of_silence(operator_nginx, authority, running):
    plain, secured = free_ports(2)
    operator_nginx.write("all.yaml", manifests(authority, running, plain, secured))
    operator_nginx.start(
        settings="client_body_timeout 300ms; send_timeout 300ms; keepalive_timeout 300ms;",
        edits={
            "proxy_send_timeout 60s": "proxy_send_timeout 300ms",
            "proxy_read_timeout 60s": "proxy_read_timeout 300ms",
        },
    )
    sides = [(plain, False), (secured, True)]
    opened = [
        WebSockets("127.0.0.1", port, HOST, path, secured=with_tls)
        for port, with_tls in sides
        for path in PATHS
    ]
    try:
        for _ in range(2):
            assert [sockets.echo() for sockets in opened] == [1] * 6
            with contextlib.suppress(TimeoutError):
                until(lambda: operator_nginx.access_log(), "the end of a connection", 0.9)
            assert operator_nginx.access_log() == []
        assert [sockets.echo() for sockets in opened] == [1] * 6
    finally:
        for sockets in opened:
            sockets.close()


def test_a_handshake_that_the_backend_refuses_is_passed_on(make_sluice, authority, running):
    sluice = make_sluice(workers=1)
    plain, secured = free_ports(2)
    sluice.write("all.yaml", manifests(authority, running, plain, secured))
    sluice.start()
    asked = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "1"}
    for path in PATHS:
        connection = http.client.HTTPConnection("127.0.0.1", plain, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", path, headers={"Host": HOST, **asked})
            assert connection.getresponse().status == 400, path
