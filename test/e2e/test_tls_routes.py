"""TLSRoute: the ClientHello's server name chooses who answers, on ports shared with HTTPS."""

import json
import socket

import pytest
from harness.authority import Authority
from harness.certificates import (
    TlsClient,
    certificate,
    gateway_of,
    https_listener,
    secret,
    tls_listener,
)
from harness.client_hello import ManualTls, client_hello, in_records
from harness.manifests import (
    backend,
    backend_ref,
    config_map,
    documents,
    parameters,
    parameters_ref,
    route,
    rule,
    service,
    service_ref,
    stream_route,
)
from harness.net import free_port, wait_until_taken
from harness.proxy_protocol import connect, version1
from harness.stream_backend import StreamBackend, StreamClient, closes
from harness.tls_backend import TlsBackend
from harness.waiting import until

PASSED = "passed.example.com"
ENDED = "ended.example.com"
WEB = "web.example.com"


def tls_route(name: str, hostname: str, *backends: dict, **more) -> str:
    return stream_route("TLSRoute", name, *backends, hostnames=[hostname], **more)


def policy() -> str:
    """How the Backend "secured" is verified."""
    target = {"group": "sluice.dev", "kind": "Backend", "name": "secured"}
    bundle = {"group": "", "kind": "ConfigMap", "name": "ca"}
    validation = {"hostname": "inside.example.com", "caCertificateRefs": [bundle]}
    return json.dumps(
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "BackendTLSPolicy",
            "metadata": {"name": "secure"},
            "spec": {"targetRefs": [target], "validation": validation},
        }
    )


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def secured(authority):
    issued = authority.issue(PASSED, "inside.example.com")
    running = TlsBackend(issued.certificate, issued.key, name="secured")
    running.der = issued.pair.der
    yield running
    running.stop()


@pytest.fixture
def plain(keep):
    return keep(StreamBackend("plain"))


@pytest.fixture
def sluice(make_sluice, echo, secured, plain):
    """HTTPS, Passthrough and Terminate listeners on one port, a route for each."""
    running = make_sluice("--address", "::1")
    running.port = free_port()
    running.write(
        "secrets.yaml",
        documents(secret("web", certificate(WEB)), secret("ended", certificate(ENDED))),
    )
    running.write(
        "backends.yaml",
        documents(
            backend("echo", echo.port),
            backend("secured", secured.port),
            backend("plain", plain.port),
        ),
    )
    running.write(
        "web.yaml",
        gateway_of(
            https_listener("https", running.port, "web", hostname=WEB),
            tls_listener("passed", running.port, PASSED),
            tls_listener("ended", running.port, ENDED, "ended"),
        ),
    )
    running.write(
        "routes.yaml",
        documents(
            route("web", [rule(backend_ref("echo"))], [WEB]),
            tls_route("passed", PASSED, backend_ref("secured")),
            tls_route("ended", ENDED, backend_ref("plain")),
        ),
    )
    return running


@pytest.fixture
def port(sluice):
    sluice.start()
    return sluice.port


def test_a_name_goes_through_to_the_backend_and_its_certificate(port, secured):
    with TlsClient(port, PASSED) as client:
        assert client.der == secured.der
        assert client.word(PASSED) == "secured"
    assert secured.handshakes[0].server_name == PASSED


def test_a_handshake_ends_here_and_plain_bytes_go_on(port):
    with TlsClient(port, ENDED) as tls, StreamClient(port, sock=tls.socket) as client:
        assert tls.der == certificate(ENDED).der
        assert client.line() == "plain"
        assert client.echo("hello") == "hello"
        assert client.echo("x" * 100_000) == "x" * 100_000


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_three_modes_share_one_port(port, secured, address):
    for _ in range(3):
        with TlsClient(port, WEB, address) as client:
            assert client.der == certificate(WEB).der
            assert client.ask(WEB)[0] == 200
        with TlsClient(port, PASSED, address) as client:
            assert client.der == secured.der
            assert client.word(PASSED) == "secured"
        with TlsClient(port, ENDED, address) as tls:
            assert tls.der == certificate(ENDED).der
            with StreamClient(port, sock=tls.socket) as client:
                assert client.line() == "plain"


def test_a_request_for_a_name_that_is_relayed_has_no_listener(port):
    with TlsClient(port, WEB) as client:
        assert client.ask(PASSED)[0] == 404
        assert client.ask(ENDED)[0] == 404
        assert client.ask(WEB)[0] == 200


@pytest.mark.parametrize(
    "first",
    [
        client_hello("other.org"),
        client_hello(None),
        b"GET / HTTP/1.1\r\nHost: web.example.com\r\n\r\n",
        b"SSH-2.0-client\r\n",
        b"\x16\x03\x01\x40\x01",
        client_hello(PASSED)[:3] + b"\x00\x00",
    ],
    ids=["unknown name", "no name", "http", "ssh", "long record", "empty record"],
)
def test_what_no_listener_is_for_is_closed_without_a_byte(port, first):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.sendall(first)
        assert closes(sock)


def test_a_name_without_a_route_is_closed_without_a_byte(sluice, port):
    sluice.write("routes.yaml", route("web", [rule(backend_ref("echo"))], [WEB]))
    sluice.wait()
    for name in (PASSED, ENDED):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
            sock.sendall(client_hello(name))
            assert closes(sock)


@pytest.mark.parametrize("name", [PASSED, ENDED])
def test_an_invalid_reference_or_no_endpoint_is_closed_without_a_byte(sluice, port, name):
    sluice.write("more.yaml", service("none"))
    for target in (backend_ref("missing"), service_ref("none")):
        sluice.write("routes.yaml", tls_route("broken", name, target))
        sluice.wait()
        with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
            sock.sendall(client_hello(name))
            assert closes(sock)


@pytest.mark.parametrize("name", [WEB, PASSED, ENDED])
def test_a_client_hello_may_come_byte_by_byte(sluice, port, name, secured):
    expected = {WEB: certificate(WEB).der, ENDED: certificate(ENDED).der, PASSED: secured.der}
    workers = sluice.worker_pids()
    client = ManualTls(name)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in client.hello():
            sock.sendall(bytes([byte]))
            wait_until_taken(sock, workers)
        assert client.finish(sock) == expected[name]


def test_a_client_hello_may_lie_in_many_records(port, secured):
    client = ManualTls(PASSED)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.sendall(in_records(client.hello(), 50))
        assert client.finish(sock) == secured.der


def test_a_client_that_stops_in_its_hello_is_closed(port):
    hello = client_hello(PASSED)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.sendall(hello[:-1])
        sock.shutdown(socket.SHUT_WR)
        assert closes(sock)


def test_an_endless_hello_is_closed(port):
    endless = b"\x16\x03\x01\x40\x00\x01\x00\x3f\xf0" + b"x" * 32768
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.sendall(endless)
        assert closes(sock)


def test_a_listener_without_hostname_serves_the_names_of_its_routes(sluice, port, secured):
    sluice.write("web.yaml", gateway_of(tls_listener("any", sluice.port)))
    sluice.write("routes.yaml", tls_route("any", "*.example.com", backend_ref("secured")))
    sluice.wait()
    with TlsClient(port, "any.example.com") as client:
        assert client.der == secured.der
    for name in ("example.com", "any.example.org", None):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
            sock.sendall(client_hello(name))
            assert closes(sock)


def test_the_most_specific_hostname_wins(sluice, port, secured, plain):
    sluice.write(
        "web.yaml",
        gateway_of(
            tls_listener("wide", sluice.port, "*.example.com"),
            tls_listener("exact", sluice.port, ENDED, "ended"),
        ),
    )
    sluice.write(
        "routes.yaml",
        documents(
            tls_route("wide", "*.example.com", backend_ref("secured"), listener="wide"),
            tls_route("exact", ENDED, backend_ref("plain"), listener="exact"),
        ),
    )
    sluice.wait()
    with TlsClient(port, "any.example.com") as client:
        assert client.der == secured.der
    with TlsClient(port, ENDED) as client:
        assert client.der == certificate(ENDED).der


def test_a_policy_secures_the_way_to_the_backend(sluice, secured, authority):
    sluice.write("policy.yaml", documents(config_map("ca", authority.pem), policy()))
    sluice.write(
        "routes.yaml",
        documents(
            tls_route("ended", ENDED, backend_ref("secured")),
            tls_route("passed", PASSED, backend_ref("secured")),
        ),
    )
    sluice.start()
    for _ in range(3):
        with TlsClient(sluice.port, ENDED) as client:
            assert client.der == certificate(ENDED).der
            assert client.word(ENDED) == "secured"
    assert {shake.server_name for shake in secured.handshakes} == {"inside.example.com"}
    with TlsClient(sluice.port, PASSED) as client:
        assert client.der == secured.der
        assert client.word(PASSED) == "secured"
    until(lambda: secured.handshakes[-1].server_name == PASSED, "the handshake passed through")


@pytest.mark.log("SSL_do_handshake")
def test_a_backend_that_is_not_who_it_should_be_gets_nothing(sluice, secured, tmp_path):
    stranger = Authority(tmp_path, "stranger")
    sluice.write("policy.yaml", documents(config_map("ca", stranger.pem), policy()))
    sluice.write("routes.yaml", tls_route("ended", ENDED, backend_ref("secured")))
    sluice.start()
    with TlsClient(sluice.port, ENDED) as client:
        assert client.socket.recv(1) == b""
    until(lambda: secured.refused > 0, "the handshake")
    assert secured.requests == []


def test_a_connection_stays_while_its_route_goes(sluice, port):
    with TlsClient(port, ENDED) as tls, StreamClient(port, sock=tls.socket) as client:
        assert client.line() == "plain"
        sluice.write("routes.yaml", tls_route("passed", PASSED, backend_ref("secured")))
        sluice.wait()
        assert client.echo("still here") == "still here"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.sendall(client_hello(ENDED))
        assert closes(sock)


def test_a_session_is_resumed_with_its_own_listener_only(sluice, port):
    with TlsClient(port, ENDED) as first, StreamClient(port, sock=first.socket) as client:
        assert client.line() == "plain"
        session, context = first.socket.session, first.context
    with TlsClient(port, ENDED, session=session, context=context) as again:
        assert again.socket.session_reused
    with TlsClient(port, WEB, session=session, context=context) as other:
        assert not other.socket.session_reused
        assert other.der == certificate(WEB).der


def test_the_header_of_a_proxy_comes_before_the_hello(sluice, port, secured):
    sluice.write(
        "web.yaml",
        gateway_of(
            tls_listener("passed", port, PASSED),
            infrastructure={"parametersRef": parameters_ref()},
        ),
    )
    sluice.write("parameters.yaml", parameters("edge", {"proxyProtocolPorts": [port]}))
    sluice.wait()
    client = ManualTls(PASSED)
    with connect(port, version1("192.0.2.1")) as sock:
        wait_until_taken(sock, sluice.worker_pids())
        sock.sendall(client.hello())
        assert client.finish(sock) == secured.der
    log = sluice.state / "logs/streams.log"
    until(lambda: "192.0.2.1 " in log.read_text(), "the client's address")


def test_a_hello_has_a_deadline(operator_nginx, secured):
    port = free_port()
    operator_nginx.write("backends.yaml", backend("secured", secured.port))
    operator_nginx.write("web.yaml", gateway_of(tls_listener("passed", port, PASSED)))
    operator_nginx.write("routes.yaml", tls_route("passed", PASSED, backend_ref("secured")))
    operator_nginx.start("client_header_timeout 1s;", streams=True)
    client = ManualTls(PASSED)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.sendall(client.hello())
        assert client.finish(sock) == secured.der
    for first in (b"", client_hello(PASSED)[:40]):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
            sock.sendall(first)
            assert closes(sock)
