"""The PROXY protocol towards backends: who the client is, before any byte that is relayed."""

import socket
import ssl

import pytest
from harness.authority import Authority, Issued
from harness.certificates import TlsClient, certificate, gateway_of, secret, tls_listener
from harness.client_hello import ManualTls
from harness.datagrams import UdpClient, UdpEcho
from harness.manifests import (
    backend,
    backend_ref,
    backend_tls_policy,
    config_map,
    documents,
    parameters,
    parameters_ref,
    route,
    rule,
    stream_route,
)
from harness.net import free_port, free_ports
from harness.proxy_protocol import HeaderBackend, connect, local, version1, version2
from harness.raw_backend import RawBackend
from harness.stream_backend import StreamClient
from harness.waiting import until

PASSED = "passed.example.com"
ENDED = "ended.example.com"
INSIDE = "inside.example.com"


def header_of(sock: socket.socket) -> str:
    """What tells a backend of this connection."""
    own, other = sock.getsockname(), sock.getpeername()
    word = "TCP6" if ":" in own[0] else "TCP4"
    return f"PROXY {word} {own[0]} {other[0]} {own[1]} {other[1]}"


def tls_context(issued: Issued) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    return context


def tcp(port: int) -> dict:
    return {"name": "tcp", "protocol": "TCP", "port": port}


def tls_route(name: str, hostname: str, target: str) -> str:
    return stream_route("TLSRoute", name, backend_ref(target), hostnames=[hostname])


def tcp_route(target: str) -> str:
    return stream_route("TCPRoute", "tcp", backend_ref(target))


def use(sluice, *ports: int, **client_address) -> None:
    relay = {"proxyProtocolPorts": list(ports)}
    sluice.write("parameters.yaml", parameters("edge", client_address, relay=relay))


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def plain(keep):
    return keep(HeaderBackend("plain"))


@pytest.fixture(scope="module")
def inside(authority):
    return authority.issue(PASSED, INSIDE)


@pytest.fixture
def secured(inside, keep):
    return keep(HeaderBackend("secured", tls_context(inside)))


@pytest.fixture
def stranger(tmp_path, keep):
    """Behind TLS, of an authority that no policy names."""
    return keep(HeaderBackend("stranger", tls_context(Authority(tmp_path, "else").issue(INSIDE))))


@pytest.fixture
def web(keep):
    return keep(RawBackend("web"))


@pytest.fixture
def dns(keep):
    return keep(UdpEcho("dns"))


@pytest.fixture
def sluice(make_sluice, authority, plain, secured, stranger):
    """A listener for TCP on `tcp`, for TLS in both modes on `tls`; headers on both ports."""
    running = make_sluice("--address", "::1")
    running.tcp, running.tls = free_ports(2)
    running.write("secret.yaml", secret("ended", certificate(ENDED)))
    running.write(
        "backends.yaml",
        documents(
            backend("plain", plain.port),
            backend("secured", secured.port),
            backend("half", free_port(), plain.port),
            backend("strange", stranger.port, secured.port),
        ),
    )
    running.write(
        "web.yaml",
        gateway_of(
            tcp(running.tcp),
            tls_listener("passed", running.tls, PASSED),
            tls_listener("ended", running.tls, ENDED, "ended"),
            infrastructure={"parametersRef": parameters_ref()},
        ),
    )
    use(running, running.tcp, running.tls)
    running.write(
        "routes.yaml",
        documents(
            tcp_route("plain"),
            tls_route("passed", PASSED, "secured"),
            tls_route("ended", ENDED, "plain"),
        ),
    )
    return running


@pytest.fixture
def secure(sluice, authority):
    """Has a policy secure the connections to a Backend."""

    def write(name: str) -> None:
        text = documents(config_map("ca", authority.pem), backend_tls_policy(name, INSIDE, "ca"))
        sluice.write("policy.yaml", text)

    return write


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_header_comes_before_the_client_speaks(sluice, plain, address):
    sluice.start()
    with StreamClient(sluice.tcp, address) as client:
        assert client.line() == "plain"
        assert plain.headers == [header_of(client.socket)]
        assert client.echo("hello") == "hello"
        assert client.echo("x" * 100_000) == "x" * 100_000


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_client_hello_that_passes_through_follows_untouched(sluice, secured, inside, address):
    sluice.start()
    client = ManualTls(PASSED)
    hello = client.hello()
    with socket.create_connection((address, sluice.tls), timeout=10) as sock:
        sock.sendall(hello)
        assert client.finish(sock) == inside.pair.der
        assert secured.headers == [header_of(sock)]
    assert secured.records == [hello]


def test_plain_bytes_follow_where_tls_ends(sluice, plain):
    sluice.start()
    with TlsClient(sluice.tls, ENDED) as tls, StreamClient(0, sock=tls.socket) as client:
        assert client.line() == "plain"
        assert plain.headers == [header_of(tls.socket)]
        assert client.echo("hello") == "hello"


def test_the_handshake_with_a_secured_backend_follows(sluice, secured, secure):
    secure("secured")
    sluice.write("routes.yaml", documents(tcp_route("secured"), tls_route("e", ENDED, "secured")))
    sluice.start()
    expected = []
    with StreamClient(sluice.tcp) as client:
        assert client.line() == "secured"
        assert client.echo("hello") == "hello"
        expected.append(header_of(client.socket))
    with TlsClient(sluice.tls, ENDED) as tls, StreamClient(0, sock=tls.socket) as client:
        assert client.line() == "secured"
        assert client.echo("hello") == "hello"
        expected.append(header_of(tls.socket))
    assert secured.headers == expected
    assert [INSIDE.encode() in record for record in secured.records] == [True, True]


@pytest.mark.parametrize(
    ("address", "header", "client", "told"),
    [
        ("127.0.0.1", version2("192.0.2.1"), "192.0.2.1", "TCP4 192.0.2.1 127.0.0.1"),
        ("::1", version1("2001:db8::1"), "2001:db8::1", "TCP6 2001:db8::1 ::1"),
        ("127.0.0.1", version1("2001:db8::1"), "2001:db8::1", "TCP6 2001:db8::1 ::ffff:127.0.0.1"),
        ("::1", version2("192.0.2.1"), "192.0.2.1", "TCP6 ::ffff:192.0.2.1 ::1"),
    ],
)
def test_the_client_that_a_header_named_is_told(sluice, plain, address, header, client, told):
    use(sluice, sluice.tcp, proxyProtocolPorts=[sluice.tcp])
    sluice.start()
    with connect(sluice.tcp, header, address) as sock, StreamClient(0, sock=sock) as stream:
        assert stream.line() == "plain"
        assert plain.headers == [f"PROXY {told} 4711 {sluice.tcp}"]
        assert stream.echo("behind") == "behind"
    log = sluice.state / "logs/streams.log"
    until(lambda: log.read_text().startswith(f"{client} "), "the client's address")


def test_a_connection_of_the_proxy_itself_is_told_as_its_own(sluice, plain):
    use(sluice, sluice.tcp, proxyProtocolPorts=[sluice.tcp])
    sluice.start()
    with connect(sluice.tcp, local()) as sock, StreamClient(0, sock=sock) as client:
        assert client.line() == "plain"
        assert plain.headers == [header_of(sock)]


def test_a_change_is_for_new_connections_of_the_same_workers(sluice, plain):
    sluice.start()
    processes = [sluice.master_pid(), *sluice.worker_pids()]
    expected = []
    with StreamClient(sluice.tcp) as before:
        assert before.line() == "plain"
        expected.append(header_of(before.socket))
        use(sluice, sluice.tls)
        sluice.wait()
        for _ in range(4):
            with StreamClient(sluice.tcp) as client:
                client.socket.sendall(b"no header\n")
                assert (client.line(), client.line()) == ("plain", "no header")
            expected.append(None)
        use(sluice, sluice.tcp)
        sluice.wait()
        for _ in range(4):
            with StreamClient(sluice.tcp) as client:
                assert client.line() == "plain"
                expected.append(header_of(client.socket))
        assert before.echo("still here") == "still here"
    assert plain.headers == expected
    assert [sluice.master_pid(), *sluice.worker_pids()] == processes


def test_the_endpoint_after_one_that_refuses_gets_a_header(sluice, plain):
    sluice.write("routes.yaml", tcp_route("half"))
    sluice.start()
    expected = []
    for _ in range(20):
        with StreamClient(sluice.tcp) as client:
            assert client.line() == "plain"
            expected.append(header_of(client.socket))
    assert plain.headers == expected
    assert "Connection refused" in sluice.nginx_log()


@pytest.mark.log("SSL_do_handshake")
def test_the_endpoint_after_a_failed_handshake_gets_a_header(sluice, secured, stranger, secure):
    secure("strange")
    sluice.write("routes.yaml", tcp_route("strange"))
    sluice.start()
    expected = []
    for _ in range(20):
        with StreamClient(sluice.tcp) as client:
            assert client.line() == "secured"
            expected.append(header_of(client.socket))
    assert secured.headers == expected
    assert stranger.headers, "the handshakes that failed"
    assert set(stranger.headers) <= set(expected)


def test_requests_and_datagrams_have_no_header(sluice, plain, web, dns):
    http = free_port()
    listeners = [
        {"name": "http", "protocol": "HTTP", "port": http},
        tcp(sluice.tcp),
        {"name": "udp", "protocol": "UDP", "port": sluice.tcp},
    ]
    sluice.write(
        "web.yaml", gateway_of(*listeners, infrastructure={"parametersRef": parameters_ref()})
    )
    use(sluice, http, sluice.tcp)
    sluice.write("more.yaml", documents(backend("web", web.port), backend("dns", dns.port)))
    sluice.write(
        "routes.yaml",
        documents(
            route("web", [rule(backend_ref("web"))]),
            tcp_route("plain"),
            stream_route("UDPRoute", "dns", backend_ref("dns")),
        ),
    )
    sluice.start()
    with StreamClient(http) as client:
        client.socket.sendall(b"GET /first HTTP/1.1\r\nHost: a.org\r\n\r\n")
        assert client.line().startswith("HTTP/1.1 200 ")
    assert web.last().head.startswith(b"GET /first ")
    with UdpClient(sluice.tcp) as client:
        assert client.ask("question") == "dns question"
    with StreamClient(sluice.tcp) as client:
        assert client.line() == "plain"
        assert plain.headers == [header_of(client.socket)]


def test_the_operators_own_setting_holds_and_is_no_second_header(operator_nginx, plain):
    port = free_port()
    operator_nginx.write("backends.yaml", backend("plain", plain.port))
    operator_nginx.write("routes.yaml", tcp_route("plain"))
    operator_nginx.write(
        "web.yaml", gateway_of(tcp(port), infrastructure={"parametersRef": parameters_ref()})
    )
    expected = []

    def speak() -> None:
        with StreamClient(port) as client:
            assert client.line() == "plain"
            assert client.echo("once") == "once"
            expected.append(header_of(client.socket))

    use(operator_nginx)
    passing = "  proxy_pass sluice_streams;\n"
    operator_nginx.start(streams=True, stream_edits={passing: passing + "  proxy_protocol on;\n"})
    speak()
    use(operator_nginx, port)
    operator_nginx.wait()
    speak()
    assert plain.headers == expected
