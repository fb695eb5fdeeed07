"""Requests as the protocol has them: fields of connections, methods, framing, limits of nginx."""

import socket
import socketserver
from contextlib import closing

import pytest
from harness.curl import curl
from harness.h2_client import H2Client
from harness.manifests import backend, backend_ref, documents, gateway, route, rule
from harness.net import free_port, wait_until_taken
from harness.plain_nginx import nginx_version
from harness.raw_backend import RawBackend
from harness.raw_client import read_answer, read_head, send_raw
from harness.servers import TcpServer
from harness.waiting import until


@pytest.fixture
def raw(keep):
    return keep(RawBackend())


@pytest.fixture
def sluice(make_sluice, raw):
    running = make_sluice()
    running.port = free_port()
    running.write(
        "all.yaml",
        documents(
            gateway(running.port),
            backend("raw", raw.port),
            route("r", [rule(backend_ref("raw"))]),
        ),
    )
    running.start()
    return running


def test_fields_of_the_clients_connection_are_not_forwarded(sluice, raw):
    answer = send_raw(
        sluice.port,
        b"GET / HTTP/1.1\r\nHost: example.com\r\n"
        b"Connection: keep-alive, X-Hop\r\nconnection: x-Other-Hop,close\r\n"
        b"X-Hop: 1\r\nx-other-hop: 2\r\nX-End-To-End: 3\r\n"
        b"Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nTE: trailers\r\n"
        b"Trailer: X-Checksum\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
    )
    assert answer.status == 200
    seen = raw.last()
    for name in ["X-Hop", "X-Other-Hop", "Keep-Alive", "Proxy-Connection", "Trailer"] + [
        "HTTP2-Settings",
        "Upgrade",
    ]:
        assert seen.all(name) == [], name
    assert seen.all("X-End-To-End") == ["3"]


# Before 1.27.2 nginx drops the trailers of HTTP/1.1 backends.
def test_trailers_of_http1_backends_reach_clients_where_nginx_passes_them(sluice, raw, nginx):
    passed = nginx_version(nginx or "/usr/sbin/nginx") >= (1, 27, 2)
    raw.trailers = [("X-Checksum", "abc")]
    asked = b"GET / HTTP/1.1\r\nHost: a\r\nTE: trailers, deflate\r\nConnection: TE\r\n\r\n"
    answer = send_raw(sluice.port, asked)
    assert (answer.status, answer.body) == (200, b"raw")
    assert answer.trailers == ([("X-Checksum", "abc")] if passed else [])
    assert raw.last().all("TE") == (["trailers"] if passed else [])
    assert raw.last().all("Connection") == (["te"] if passed else [])
    with closing(H2Client(sluice.port)) as client:
        answer = client.ask("GET", "/", [("te", "trailers")])
    assert (answer.status, answer.body) == (200, b"raw")
    assert answer.trailers == ([("x-checksum", "abc")] if passed else [])
    send_raw(sluice.port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert raw.last().all("TE") == []


def test_connection_cannot_take_away_what_the_proxy_says(sluice, raw):
    fields = b"Connection: Host, X-Forwarded-For, X-Request-Id, Content-Length, Cookie\r\n"
    request = b"POST / HTTP/1.1\r\nHost: example.com\r\nCookie: a=b\r\nContent-Length: 2\r\n"
    assert send_raw(sluice.port, request + fields + b"\r\nok").status == 200
    seen = raw.last()
    assert seen.all("Host") == ["example.com"]
    assert seen.all("X-Forwarded-For") == ["127.0.0.1"]
    assert len(seen.all("X-Request-Id")) == 1
    assert seen.all("Cookie") == []
    assert seen.body == b"ok"


def test_fields_of_the_backends_connection_are_not_forwarded(sluice, raw):
    raw.fields = [("Keep-Alive", "timeout=5"), ("Connection", "keep-alive"), ("X-Kept", "1")]
    reply = curl(sluice.port)
    assert reply.all("Keep-Alive") == []
    assert reply.all("Connection") == ["keep-alive"]  # of this connection
    assert reply.all("X-Kept") == ["1"]
    reply = curl(sluice.port, version="h2c")
    assert reply.all("Keep-Alive") == reply.all("Connection") == []


def test_a_body_is_asked_for_when_the_client_expects_that(sluice, raw):
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    with socket.create_connection(("127.0.0.1", sluice.port), timeout=10) as sock:
        sock.sendall(head)
        reader = sock.makefile("rb")
        assert read_head(reader).status == 100
        sock.sendall(b"hello")
        assert read_answer(reader).status == 200
    assert raw.last().body == b"hello"
    assert raw.last().all("Expect") == []


@pytest.mark.parametrize("version", ["http1", "h2c"])
@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PATCH", "DELETE", "PROPFIND"])
def test_methods_pass(sluice, raw, method, version):
    reply = curl(sluice.port, method=method, version=version)
    assert reply.status == 200
    assert reply.body == (b"" if method == "HEAD" else b"raw")
    assert reply.all("Content-Length") == ["3"]
    assert raw.last().method == method


class Interim(socketserver.StreamRequestHandler):
    """Says 100 and 103, in pieces, before each answer."""

    def handle(self) -> None:
        while self.rfile.readline():
            while self.rfile.readline().strip():
                pass
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a")
            self.wfile.flush()
            wait_until_taken(self.connection, self.server.workers)
            self.wfile.write(
                b">\r\nContent-Length: 7\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
            )
            self.wfile.write(b"X-Final: 1\r\n\r\nfinal")


def test_interim_answers_of_a_backend_are_not_taken_for_the_answer(sluice, keep):
    """A backend's 103 was the answer that the client got."""
    server = keep(TcpServer(Interim))
    server.workers = sluice.worker_pids()
    sluice.write("hints.yaml", documents(backend("hints", server.port)))
    sluice.write("route.yaml", route("hints", [rule(backend_ref("hints"), path="/hints")]))
    sluice.wait()
    for _ in range(3):
        reply = curl(sluice.port, "/hints")
        assert (reply.status, reply.body) == (200, b"final")
        assert reply.all("X-Final") == ["1"]
        assert reply.all("Link") == []


def test_options_of_the_whole_server_are_no_path(sluice, raw):
    assert send_raw(sluice.port, b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").status == 400


def test_connect_is_refused(sluice, raw):
    request = b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n"
    answer = send_raw(sluice.port, request)
    assert answer.status in (400, 405)
    assert raw.requests == []


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("version", ["http1", "h2c"])
def test_answers_without_a_body_leave_the_connection_usable(sluice, raw, version, status):
    raw.status, raw.body, raw.fields = status, b"", [("ETag", '"1"')]
    reply = curl(sluice.port, version=version)
    assert (reply.status, reply.body, reply.all("ETag")) == (status, b"", ['"1"'])
    with socket.create_connection(("127.0.0.1", sluice.port), timeout=10) as sock:
        reader = sock.makefile("rb")
        for _ in range(2):
            sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert read_answer(reader).status == status


def test_chunks_end_where_they_end(sluice, raw):
    with socket.create_connection(("127.0.0.1", sluice.port), timeout=10) as sock:
        reader = sock.makefile("rb")
        for _ in range(2):
            sock.sendall(
                b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: 1\r\n\r\n"
            )
            assert read_answer(reader).status == 200
            assert raw.last().body == b"abcde"
            assert raw.last().all("X-Trailer") == []


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 3\r\nContent-Length: 4\r\n",
        b"Transfer-Encoding: gzip\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: x\r\n",
    ],
)
def test_framing_that_could_be_read_in_two_ways_is_refused(sluice, raw, framing):
    request = b"POST / HTTP/1.1\r\nHost: a\r\n" + framing + b"\r\n0\r\n\r\n"
    assert send_raw(sluice.port, request).status in (400, 501)
    assert raw.requests == []


def test_a_request_line_that_nginx_cannot_hold_is_414(sluice, raw):
    request = b"GET /?" + b"x" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"
    assert send_raw(sluice.port, request).status == 414
    assert raw.requests == []


def test_a_path_that_is_too_long_to_match_is_414(sluice, raw):
    assert curl(sluice.port, "/" + "x" * 4094).status == 200
    assert curl(sluice.port, "/" + "x" * 4096).status == 414


@pytest.mark.parametrize("fields", [b"X: " + b"x" * 9000 + b"\r\n", b"X: " + b"x" * 8000 + b"\r\n"])
def test_header_fields_that_nginx_cannot_hold_are_431(sluice, raw, fields):
    # 5 * 8 KiB are too many, as is one of more than 8 KiB.
    many = fields if len(fields) > 9000 else fields * 5
    answer = send_raw(sluice.port, b"GET / HTTP/1.1\r\nHost: a\r\n" + many + b"\r\n")
    assert (answer.status, answer.body) == (431, b"the header fields are too large\n")
    assert raw.requests == []


def test_http_2_header_fields_that_nginx_cannot_hold_end_the_connection(sluice, raw):
    client = H2Client(sluice.port)
    stream = client.begin("GET", "/", [("x", "x" * 20000)], end=True)
    with pytest.raises(ConnectionError):
        client.answer(stream)
    client.close()
    assert raw.requests == []


def test_answers_of_sluice_itself_keep_their_text_beside_error_pages(sluice, raw):
    """A 404 showed nginx's page once the template had an error_page for something else."""
    sluice.write("all.yaml", documents(gateway(sluice.port)))
    sluice.wait()
    until(lambda: curl(sluice.port).status == 404, "the route to be gone")
    assert curl(sluice.port).body == b"no route for this request\n"
