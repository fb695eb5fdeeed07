"""The PROXY protocol in front of HTTP/1.1, HTTP/2 and TLS on listeners opened at run time."""

import json
import socket
import ssl

import h2.config
import h2.connection
import h2.events
import pytest
from harness.certificates import gateway_of, https_listener, make_certificate, secret
from harness.manifests import backend, backend_ref, parameters, parameters_ref, route, rule
from harness.net import free_port, free_ports, wait_until_taken
from harness.proxy_protocol import SIGNATURE, connect, local, version1, version2
from harness.raw_client import read_answer, send_raw
from harness.waiting import until

GET = b"GET /asked HTTP/1.1\r\nHost: example.com\r\n\r\n"
HEADERS = {"v1": version1("192.0.2.1"), "v2": version2("192.0.2.1")}


@pytest.fixture
def sluice(make_sluice, echo):
    running = make_sluice()
    running.http, running.https, running.plain = free_ports(3)
    running.write("certificate.yaml", secret("cert", make_certificate("example.com")))
    running.write("backend.yaml", backend("echo", echo.port))
    running.write("route.yaml", route("r", [rule(backend_ref("echo"))]))
    running.write(
        "web.yaml",
        gateway_of(
            {"name": "http", "port": running.http, "protocol": "HTTP"},
            {"name": "plain", "port": running.plain, "protocol": "HTTP"},
            https_listener("https", running.https, "cert"),
            infrastructure={"parametersRef": parameters_ref()},
        ),
    )
    use(running, proxyProtocolPorts=[running.http, running.https])
    running.start()
    return running


def use(sluice, **client_address: list) -> None:
    sluice.write("parameters.yaml", parameters("edge", client_address))


def forwarded_for(body: bytes) -> str:
    return dict(json.loads(body)["headers"])["x-forwarded-for"]


def over_tls(sock: socket.socket, *protocols: str) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context.wrap_socket(sock, server_hostname="example.com")


def ask_h2(sock: socket.socket, scheme: str) -> tuple[int, bytes]:
    connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    connection.initiate_connection()
    fields = [(":method", "GET"), (":path", "/asked"), (":scheme", scheme)]
    connection.send_headers(1, [*fields, (":authority", "example.com")], end_stream=True)
    sock.sendall(connection.data_to_send())
    status, body = 0, b""
    while True:
        data = sock.recv(65536)
        assert data, "closed without an answer"
        for event in connection.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived):
                status = int(dict(event.headers)[":status"])
            elif isinstance(event, h2.events.DataReceived):
                body += event.data
            elif isinstance(event, h2.events.StreamEnded):
                return status, body


def closes(sock: socket.socket, seconds: float = 5.0) -> bool:
    sock.settimeout(seconds)
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_http_1_behind_a_proxy(sluice, header):
    with connect(sluice.http, header) as sock:
        reader = sock.makefile("rb")
        for _ in range(2):
            sock.sendall(GET)
            answer = read_answer(reader)
            assert answer.status == 200
            assert forwarded_for(answer.body) == "192.0.2.1"


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_http_2_behind_a_proxy(sluice, header):
    with connect(sluice.http, header) as sock:
        status, body = ask_h2(sock, "http")
    assert (status, forwarded_for(body)) == (200, "192.0.2.1")


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_https_behind_a_proxy(sluice, header):
    with over_tls(connect(sluice.https, header)) as sock:
        sock.sendall(GET)
        answer = read_answer(sock.makefile("rb"))
        assert (answer.status, forwarded_for(answer.body)) == (200, "192.0.2.1")
    with over_tls(connect(sluice.https, header), "h2") as sock:
        status, body = ask_h2(sock, "https")
    assert (status, forwarded_for(body)) == (200, "192.0.2.1")


def test_header_and_request_in_one_packet_and_byte_by_byte(sluice):
    workers = sluice.worker_pids()
    for header in (version1("2001:db8::1"), version2("2001:db8::1", extensions=b"\x04\0\1x")):
        answer = send_raw(sluice.http, GET, before=header)
        assert forwarded_for(answer.body) == "2001:db8::1"
        with connect(sluice.http, b"") as sock:
            for byte in header + GET[:5]:
                sock.sendall(bytes([byte]))
                wait_until_taken(sock, workers)
            sock.sendall(GET[5:])
            assert forwarded_for(read_answer(sock.makefile("rb")).body) == "2001:db8::1"


def test_the_log_shows_the_proxys_client(sluice):
    assert send_raw(sluice.http, GET, before=version1("192.0.2.77")).status == 200

    def logged() -> bool:
        logs = sluice.state.rglob("*access*.log")
        lines = [line for path in logs for line in path.read_text().splitlines()]
        return any(line.startswith("192.0.2.77 ") and "/asked" in line for line in lines)

    until(logged, "a line of the access log")


def test_the_proxys_own_connections_keep_their_address(sluice):
    for header in (local(), b"PROXY UNKNOWN\r\n"):
        assert forwarded_for(send_raw(sluice.http, GET, before=header).body) == "127.0.0.1"


@pytest.mark.parametrize(
    "first",
    [
        GET,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"PROXY TCP4 192.0.2.1\r\n" + GET,
        b"PROXY TCP4 192.0.2.1 127.0.0.1 99999 80\r\n" + GET,
        SIGNATURE + b"\x31\x11\x00\x00" + GET,
        b"\x16\x03\x01\x02\x00",
    ],
)
def test_a_client_without_a_valid_header_is_refused(sluice, echo, first):
    before = len(echo.seen)
    for port in (sluice.http, sluice.https):
        with connect(port, first) as sock:
            assert closes(sock)
    assert len(echo.seen) == before


def test_only_the_ports_that_are_named_read_it(sluice):
    assert forwarded_for(send_raw(sluice.plain, GET).body) == "127.0.0.1"
    assert send_raw(sluice.plain, GET, before=version1("192.0.2.1")).status == 400
    use(sluice, proxyProtocolPorts=[sluice.plain])
    sluice.wait()
    assert forwarded_for(send_raw(sluice.http, GET).body) == "127.0.0.1"
    answer = send_raw(sluice.plain, GET, before=version1("192.0.2.1"))
    assert forwarded_for(answer.body) == "192.0.2.1"


def test_the_client_of_the_header_is_the_peer_that_is_trusted_or_not(sluice):
    use(sluice, proxyProtocolPorts=[sluice.http], trustedProxies=["192.0.2.0/24"])
    sluice.wait()
    asked = b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.5\r\n\r\n"
    trusted = send_raw(sluice.http, asked, before=version2("192.0.2.1"))
    assert forwarded_for(trusted.body) == "203.0.113.5, 192.0.2.1"
    other = send_raw(sluice.http, asked, before=version2("198.51.100.1"))
    assert forwarded_for(other.body) == "198.51.100.1"


def test_gateways_that_disagree_about_a_socket_conflict(sluice):
    listener = {"name": "http", "port": sluice.http, "protocol": "HTTP", "hostname": "b.org"}
    sluice.write("other.yaml", gateway_of(listener, name="zzz"))
    sluice.wait()
    status = sluice.get("gateway", "zzz")["status"]["listeners"][0]
    conflicted = next(each for each in status["conditions"] if each["type"] == "Conflicted")
    assert (conflicted["status"], conflicted["reason"]) == ("True", "ProtocolConflict")
    assert conflicted["message"].endswith("with the PROXY protocol")
    assert forwarded_for(send_raw(sluice.http, GET, before=version1("192.0.2.1")).body)


def test_ipv6_listeners_read_it_too(make_sluice, echo):
    sluice = make_sluice("--address", "::1")
    port = free_port()
    sluice.write("backend.yaml", backend("echo", echo.port))
    sluice.write("route.yaml", route("r", [rule(backend_ref("echo"))]))
    use(sluice, proxyProtocolPorts=[port])
    sluice.write(
        "web.yaml",
        gateway_of(
            {"name": "http", "port": port, "protocol": "HTTP"},
            addresses=[{"value": "::1"}],
            infrastructure={"parametersRef": parameters_ref()},
        ),
    )
    sluice.start()
    for client in ("192.0.2.1", "2001:db8::9"):
        with connect(port, version2(client) + GET, address="::1") as sock:
            assert forwarded_for(read_answer(sock.makefile("rb")).body) == client
