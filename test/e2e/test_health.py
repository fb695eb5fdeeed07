"""The port for probes and for a monitoring system."""

import http.client
import random
import socket
from pathlib import Path

import pytest
from harness.counters import read_numbers
from harness.manifests import backend, backend_ref, documents, gateway, route, rule
from harness.net import free_port
from harness.processes import Process
from harness.waiting import until


def ask(port: int, path: str, method: str = "GET") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def listening(port: int) -> bool:
    try:
        return ask(port, "/healthz") == (200, "ok\n")
    except OSError:
        return False


def start(binaries: Path, place: Path, health: int) -> Process:
    """A controller without nginx; all of it is in `place`."""
    (place / "m").mkdir(parents=True)
    return Process(
        [str(binaries / "sluice-controller"), "--dir", str(place / "m")]
        + ["--state-dir", str(place / "state"), "--table-dir", str(place / "table")]
        + ["--health-address", f"127.0.0.1:{health}"],
        place / "controller.log",
    )


def numbers(port: int) -> dict[str, float]:
    status, text = ask(port, "/metrics")
    assert status == 200
    return read_numbers(text)


def test_a_controller_is_ready_when_workers_answer_by_its_table(operator_nginx, backends):
    port, health = free_port(), free_port()
    operator_nginx.write(
        "all.yaml",
        documents(
            gateway(port),
            backend("blue", backends.ports["blue"]),
            route("r", [rule(backend_ref("blue"))]),
        ),
    )
    operator_nginx.start(options=("--health-address", f"127.0.0.1:{health}"))
    assert ask(health, "/readyz") == (200, "ok\n")
    known = numbers(health)
    assert known['sluice_objects{kind="Gateway"}'] == 1
    assert known['sluice_objects{kind="HTTPRoute"}'] == 1
    assert known['sluice_workers{state="current"}'] == 1
    assert known['sluice_sockets{state="open"}'] == 1
    assert known["sluice_problems"] == 0
    assert known["sluice_table_pending"] == 0
    operator_nginx.write("bad.yaml", "kind: [")
    until(lambda: numbers(health)["sluice_problems"] == 1, "the problem's number")
    operator_nginx.processes[-1].stop()
    until(lambda: numbers(health)['sluice_workers{state="current"}'] == 0, "no worker")
    assert ask(health, "/readyz") == (200, "ok\n"), "it was ready once"


def test_without_workers_it_is_healthy_and_not_ready(scratch, binaries):
    health = free_port()
    controller = start(binaries, scratch, health)
    try:
        until(lambda: listening(health), "the port")
        missing = (503, "no worker of nginx is here yet\n")
        until(lambda: ask(health, "/readyz") == missing, "what is missing")
        assert ask(health, "/v1/objects?kind=gateway")[0] == 404, "the control socket only"
        assert ask(health, "/v1/wait", "POST")[0] == 404
    finally:
        controller.stop()


def test_a_port_that_is_taken_is_named(scratch, binaries):
    health = free_port()
    first = start(binaries, scratch / "first", health)
    try:
        until(lambda: listening(health), "the port")
        second = start(binaries, scratch / "second", health)
        until(lambda: second.popen.poll() is not None, "the end of the second")
        assert second.popen.returncode == 1
        text = (scratch / "second/controller.log").read_text()
        assert f"--health-address: cannot listen on 127.0.0.1 port {health}" in text
    finally:
        first.stop()


ODD_BYTES = {
    "random": random.Random(1).randbytes(65536),
    "no-end": b"GET /" + b"a" * 1_000_000,
    "many-headers": b"GET /healthz HTTP/1.1\r\n" + b"a: b\r\n" * 10_000 + b"\r\n",
    "large-body": b"POST /healthz HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n" + b"a" * 99_999,
    "hello-of-tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    "nothing": b"",
}


@pytest.mark.parametrize("odd", ODD_BYTES.values(), ids=ODD_BYTES)
def test_odd_bytes_and_silent_connections_keep_no_answer_from_others(scratch, binaries, odd):
    health = free_port()
    controller = start(binaries, scratch, health)
    try:
        until(lambda: listening(health), "the port")
        silent = []
        for _ in range(20):
            connection = socket.create_connection(("127.0.0.1", health), 5)
            silent.append(connection)
            try:
                connection.sendall(odd)
            except (ConnectionError, TimeoutError):
                continue  # the other side has heard enough
        until(lambda: listening(health), "an answer")
        for connection in silent:
            connection.close()
    finally:
        assert controller.stop() == 0
