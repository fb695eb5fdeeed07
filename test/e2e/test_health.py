"""The port for probes and for a monitoring system."""

import http.client

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


def numbers(port: int) -> dict[str, float]:
    status, text = ask(port, "/metrics")
    assert status == 200
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


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
    (scratch / "m").mkdir()
    controller = Process(
        [str(binaries / "sluice-controller"), "--dir", str(scratch / "m")]
        + ["--state-dir", str(scratch / "state"), "--table-dir", str(scratch / "table")]
        + ["--health-address", f"127.0.0.1:{health}"],
        scratch / "controller.log",
    )
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
    (scratch / "m").mkdir()

    def start(name: str) -> Process:
        return Process(
            [str(binaries / "sluice-controller"), "--dir", str(scratch / "m")]
            + ["--state-dir", str(scratch / name), "--table-dir", str(scratch / f"{name}-table")]
            + ["--health-address", f"127.0.0.1:{health}"],
            scratch / f"{name}.log",
        )

    first = start("first")
    try:
        until(lambda: listening(health), "the port")
        second = start("second")
        until(lambda: second.popen.poll() is not None, "the end of the second")
        assert second.popen.returncode == 1
        text = (scratch / "second.log").read_text()
        assert f"--health-address: cannot listen on 127.0.0.1 port {health}" in text
    finally:
        first.stop()
