"""Time limits of rules: of the whole request, of each try, and none."""

import contextlib
import hashlib
import http.client
import socket
import threading
import time

import pytest
from harness.client import ask
from harness.curl import curl
from harness.h2_client import H2Client
from harness.longlived import WebSockets
from harness.manifests import backend, backend_ref, documents, gateway, route, rule
from harness.net import free_port
from harness.scripted_backend import ScriptedBackend, Step
from harness.versions import gateway_for
from harness.waiting import until

EXACTLY_S = 0.05  # how far from a limit an answer may come, on a machine that is not busy
BUSY_S = 0.5  # on one that is


@pytest.fixture
def slow(keep):
    return keep(ScriptedBackend())


@pytest.fixture
def sluice(make_sluice, slow):
    running = make_sluice(workers=1)
    running.port = free_port()
    running.write("gateway.yaml", gateway(running.port))
    running.write("backends.yaml", backend("slow", slow.port))
    return running


def serve(sluice, timeouts: dict | None = None, **fields) -> None:
    if timeouts:
        fields["timeouts"] = timeouts
    sluice.write("route.yaml", route("r", [rule(backend_ref("slow"), **fields)]))
    sluice.start()


def in_time(seconds: float, limit: float = 0.4) -> bool:
    """Never early; late only because the machine is busy."""
    return limit - 0.01 < seconds < limit + BUSY_S


def timed(ask_it) -> tuple[object, float]:
    started = time.monotonic()
    result = ask_it()
    return result, time.monotonic() - started


@pytest.mark.parametrize("limit", ["request", "backendRequest"])
def test_a_late_backend_is_answered_504_in_time(sluice, slow, limit):
    serve(sluice, {limit: "400ms"})
    late = []
    while not late or (min(late) >= EXACTLY_S and len(late) < 10):
        slow.script(Step(silent=True))
        answer, seconds = timed(lambda: ask(sluice.port))
        assert answer.status == 504
        assert in_time(seconds)
        late.append(seconds - 0.4)
        slow.wait_abandoned()
    assert min(late) < EXACTLY_S
    slow.script(Step(delay_s=0.1))
    assert ask(sluice.port).status == 200


def test_the_request_limit_is_kept_over_http2(sluice, slow):
    serve(sluice, {"request": "400ms"})
    client = H2Client(sluice.port)
    with contextlib.closing(client):
        late = []
        while not late or (min(late) >= EXACTLY_S and len(late) < 10):
            slow.script(Step(silent=True))
            answer, seconds = timed(lambda: client.ask("GET", "/"))
            assert answer.status == 504
            assert in_time(seconds)
            late.append(seconds - 0.4)
            slow.wait_abandoned()
        assert min(late) < EXACTLY_S
        assert client.ask("GET", "/").status == 200


def test_the_request_limit_is_kept_over_tls(make_sluice, slow):
    sluice = make_sluice(workers=1)
    port = free_port()
    rules = [rule(backend_ref("slow"), timeouts={"request": "400ms"})]
    objects = [gateway_for("https-h2", port), backend("slow", slow.port), route("r", rules)]
    sluice.write("all.yaml", documents(*objects))
    sluice.start()
    slow.script(Step(silent=True))
    assert curl(port, version="https-h2").status == 504
    slow.wait_abandoned()
    assert curl(port, version="https-h2").status == 200


def test_a_connection_serves_on_after_a_504(sluice, slow):
    serve(sluice, {"request": "200ms"})
    slow.script(Step(silent=True), Step())
    connection = http.client.HTTPConnection("127.0.0.1", sluice.port, timeout=10)
    with contextlib.closing(connection):
        statuses = []
        for _ in range(2):
            connection.request("GET", "/")
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
    assert statuses == [504, 200]


def test_a_limit_beats_the_nginx_limits_of_silence(operator_nginx, slow):
    port = free_port()
    operator_nginx.write(
        "all.yaml",
        documents(
            gateway(port),
            backend("slow", slow.port),
            route(
                "r",
                [
                    rule(backend_ref("slow")),
                    rule(backend_ref("slow"), path="/off", timeouts={"request": "0s"}),
                    rule(backend_ref("slow"), path="/try", timeouts={"backendRequest": "0s"}),
                    rule(backend_ref("slow"), path="/long", timeouts={"request": "5s"}),
                ],
            ),
        ),
    )
    operator_nginx.start(edits={"proxy_read_timeout 60s": "proxy_read_timeout 300ms"})
    for path in ("/off", "/try", "/long"):
        slow.script(Step(delay_s=0.7))
        assert ask(port, path=path).status == 200, path
    slow.script(Step(silent=True))
    answer, seconds = timed(lambda: ask(port, path="/"))
    assert answer.status == 504
    assert in_time(seconds, 0.3)
    until(lambda: len(operator_nginx.access_log()) == 4, "the log")
    assert operator_nginx.access_log()[3] == "/ 504 [504] backend_timeout"


def test_a_slow_upload_within_the_limit_is_fine(sluice, slow):
    serve(sluice, {"request": "5s", "backendRequest": "5s"})

    def blocks():
        for _ in range(8):
            time.sleep(0.05)  # the pace of this client
            yield b"x" * 10_000

    connection = http.client.HTTPConnection("127.0.0.1", sluice.port, timeout=10)
    with contextlib.closing(connection):
        connection.request("POST", "/", blocks(), {"Content-Length": "80000"})
        assert connection.getresponse().status == 200
    assert slow.asked[0].body_sha256 == hashlib.sha256(b"x" * 80_000).hexdigest()


@pytest.mark.parametrize("kept", [False, True], ids=["streamed", "kept for retries"])
def test_an_upload_beyond_the_limit_is_answered_504(sluice, slow, kept):
    retry = {"retry": {"codes": [500], "attempts": 1}} if kept else {}
    serve(sluice, {"request": "400ms"}, **retry)
    with socket.create_connection(("127.0.0.1", sluice.port), timeout=10) as client:
        started = time.monotonic()
        client.sendall(b"POST / HTTP/1.1\r\nHost: example.com\r\nContent-Length: 100\r\n\r\nabc")
        head = client.recv(4096)
        assert head.startswith(b"HTTP/1.1 504 ")
        assert in_time(time.monotonic() - started)
        with contextlib.suppress(ConnectionError):
            # What is left of the body must not be taken for a request.
            client.sendall(b"x" * 97 + b"GET /smuggled HTTP/1.1\r\nHost: example.com\r\n\r\n")
            while client.recv(4096):
                pass
    assert all(asked.target != "/smuggled" for asked in slow.asked)
    assert ask(sluice.port).status == 200


@pytest.mark.parametrize("kept", [False, True], ids=["streamed", "kept for retries"])
def test_an_upload_over_http2_beyond_the_limit_is_answered_504(sluice, slow, kept):
    serve(sluice, {"request": "400ms"}, **({"retry": {"codes": [500]}} if kept else {}))
    client = H2Client(sluice.port)
    with contextlib.closing(client):
        started = time.monotonic()
        stream = client.begin("POST", "/", [("content-length", "1000")])
        client.send(stream, b"abc")
        assert client.answer(stream).status == 504
        assert in_time(time.monotonic() - started)
        assert client.ask("GET", "/").status == 200


def test_a_slow_download_within_the_limit_is_fine(sluice, slow):
    serve(sluice, {"request": "5s", "backendRequest": "5s"})
    slow.script(Step(chunks=8, body=b"y" * 1000, pause_s=0.05))
    assert len(ask(sluice.port).body) == 8000


@pytest.mark.parametrize("limit", ["request", "backendRequest"])
def test_an_answer_that_has_begun_is_cut_at_the_limit(sluice, slow, limit):
    serve(sluice, {limit: "400ms"})
    slow.script(Step(chunks=100, body=b"y" * 1000, pause_s=0.05))
    started = time.monotonic()
    with pytest.raises(http.client.IncompleteRead):
        ask(sluice.port)
    assert in_time(time.monotonic() - started)
    slow.wait_abandoned()


def test_an_upgraded_connection_has_no_limit(sluice, live):
    sluice.write("backends.yaml", backend("slow", live.websocket_port))
    serve(sluice, {"request": "300ms", "backendRequest": "300ms"})
    sockets = WebSockets("127.0.0.1", sluice.port, "example.com")
    try:
        end = time.monotonic() + 0.8
        while time.monotonic() < end:
            assert sockets.echo() == 1
    finally:
        sockets.close()


def test_the_clock_starts_with_the_request_not_with_its_connection(sluice, slow):
    serve(sluice, {"request": "400ms"})
    slow.script(Step(delay_s=0.3))
    with socket.create_connection(("127.0.0.1", sluice.port), timeout=10) as client:
        end = time.monotonic() + 0.3
        until(lambda: time.monotonic() > end, "an idle connection")
        client.sendall(b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_many_requests_run_into_their_limits_at_once(sluice, slow):
    serve(sluice, {"request": "300ms"})
    slow.script(*[Step(silent=True)] * 40)
    statuses = []
    threads = [
        threading.Thread(target=lambda: statuses.append(ask(sluice.port).status)) for _ in range(40)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [504] * 40
