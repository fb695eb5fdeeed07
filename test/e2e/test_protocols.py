"""Bodies of any size, HTTP/2 by prior knowledge, WebSocket, and what the backend is told."""

import hashlib
import re
import subprocess

import pytest
from harness.client import ask
from harness.echo_backend import EchoBackend
from harness.longlived import WebSockets
from harness.manifests import backend, backend_ref, documents, gateway, route
from harness.net import free_port


@pytest.fixture
def sluice(make_sluice, echo, live):
    running = make_sluice()
    running.port = free_port()
    running.write(
        "all.yaml",
        documents(
            gateway(running.port),
            backend("echo", echo.port),
            backend("websocket", live.websocket_port),
            route(
                "r",
                [
                    {
                        "matches": [{"path": {"value": "/ws"}}],
                        "backendRefs": [backend_ref("websocket")],
                    },
                    {"backendRefs": [backend_ref("echo")]},
                ],
            ),
        ),
    )
    running.start()
    return running


def test_the_backend_sees_who_asked_and_for_what(sluice):
    answer = ask(
        sluice.port,
        "shop.example.com",
        "/a%2Fb?q=%20x&q=2",
        headers={"X-Forwarded-For": "10.9.8.7", "X-Request-Id": "forged", "X-Empty": ""},
    )
    seen = answer.json
    assert seen["path"] == "/a%2Fb?q=%20x&q=2"
    assert answer.header_of_request("host") == ["shop.example.com"]
    assert answer.header_of_request("x-forwarded-for") == ["127.0.0.1"]
    assert answer.header_of_request("x-forwarded-proto") == ["http"]
    assert answer.header_of_request("x-forwarded-host") == ["shop.example.com"]
    assert answer.header_of_request("x-forwarded-port") == [str(sluice.port)]
    assert re.fullmatch(r"[0-9a-f-]{32,36}", answer.header_of_request("x-request-id")[0])
    assert answer.header_of_request("x-empty") == [""]


def test_dot_segments_are_resolved_before_matching_and_forwarding(sluice):
    assert ask(sluice.port, path="/x/../y/%7Ez").json["path"] == "/y/~z"


@pytest.mark.parametrize("size", [0, 1, 100_000, 30_000_000])
def test_request_bodies_arrive_whole(sluice, size):
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    seen = ask(sluice.port, method="POST", body=body).json
    assert seen["bodyBytes"] == size
    assert seen["bodySha256"] == hashlib.sha256(body).hexdigest()


def test_chunked_request_bodies_arrive_whole(sluice):
    seen = ask(sluice.port, method="PUT", body=iter([b"a" * 1000] * 500)).json
    assert seen["bodyBytes"] == 500_000


def test_large_answers_arrive_whole(sluice):
    assert len(ask(sluice.port, path="/?bytes=50000000", seconds=60).body) == 50_000_000


def test_head_and_options_pass(sluice, echo):
    head = ask(sluice.port, method="HEAD")
    assert head.status == 200
    assert head.body == b""
    assert ask(sluice.port, method="OPTIONS").json["method"] == "OPTIONS"


@pytest.mark.parametrize("status", [201, 204, 304, 404, 503])
def test_statuses_of_the_backend_pass(sluice, status):
    assert ask(sluice.port, path=f"/?status={status}&bytes=0").status == status


def test_http_2_by_prior_knowledge_on_the_same_listener(sluice):
    result = subprocess.run(
        ["curl", "-s", "--http2-prior-knowledge", "-w", " %{http_version} %{response_code}"]
        + [f"http://127.0.0.1:{sluice.port}/h2", "-d", "hello", "-m", "10"],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert result.stdout.endswith(" 2 200"), result
    assert '"bodyBytes": 5' in result.stdout


def test_websockets_echo(sluice):
    sockets = WebSockets("127.0.0.1", sluice.port, "example.com", "/ws", count=3)
    assert sockets.echo() == 3
    sockets.close()


def test_a_refused_endpoint_is_passed_over(sluice, echo):
    sluice.write("two.yaml", "")
    sluice.write(
        "all.yaml",
        documents(
            gateway(sluice.port),
            backend("echo", echo.port, free_port()),
            route("r", [{"backendRefs": [backend_ref("echo")]}]),
        ),
    )
    sluice.wait()
    assert [ask(sluice.port).status for _ in range(40)] == [200] * 40
    assert [ask(sluice.port, method="POST", body=b"x").status for _ in range(40)] == [200] * 40


def test_a_kept_connection_that_the_backend_closed_is_not_an_error(sluice, echo):
    assert ask(sluice.port).status == 200
    echo.stop()
    again = EchoBackend(port=echo.port)
    try:
        assert [ask(sluice.port).status for _ in range(5)] == [200] * 5
    finally:
        again.stop()
