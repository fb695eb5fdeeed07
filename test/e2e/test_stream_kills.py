"""Connections and sessions of stream routes while processes are killed, reloaded and upgraded."""

import contextlib
import os
import re
import signal
import subprocess

import pytest
from harness.certificates import gateway_of
from harness.datagrams import UdpEcho, answering
from harness.manifests import backend, backend_ref, documents, stream_route
from harness.net import free_port
from harness.operator_nginx import OperatorNginx
from harness.processes import alive, worker_pids
from harness.stream_backend import StreamBackend, StreamClient, greeting
from harness.waiting import until

AT_ONCE = 64
CONNECTIONS = 10 * AT_ONCE  # at most: until both workers have some


@pytest.fixture
def blue(keep):
    return keep(StreamBackend("blue"))


@pytest.fixture
def echo(keep):
    return keep(UdpEcho("one"))


def world(port: int, blue: StreamBackend, echo: UdpEcho) -> str:
    """A TCP and a UDP listener on one port number."""
    return documents(
        gateway_of(
            {"name": "tcp", "protocol": "TCP", "port": port},
            {"name": "udp", "protocol": "UDP", "port": port},
        ),
        backend("blue", blue.port),
        backend("one", echo.port),
        stream_route("TCPRoute", "t", backend_ref("blue"), listener="tcp"),
        stream_route("UDPRoute", "u", backend_ref("one"), listener="udp"),
    )


@pytest.fixture
def served(make_sluice, blue, echo):
    sluice = make_sluice(workers=2)
    sluice.port = free_port()
    sluice.write("all.yaml", world(sluice.port, blue, echo))
    sluice.start()
    return sluice


def worker_of(client: StreamClient) -> int:
    """The one that relays it."""
    local, port = client.socket.getsockname()[1], client.socket.getpeername()[1]
    command = ["ss", "-Htnp", f"sport = :{port} and dport = :{local}"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return int(re.search(r"pid=(\d+)", told).group(1))


def echoes(client: StreamClient) -> bool:
    with contextlib.suppress(OSError):
        return client.echo("alive") == "alive"
    return False


@pytest.mark.log("exited on signal 9")
def test_a_killed_worker_takes_only_its_own_connections(served):
    victim, other = served.worker_pids()
    with contextlib.ExitStack() as ending:
        workers: dict[StreamClient, int] = {}
        while {*workers.values()} != {victim, other} and len(workers) < CONNECTIONS:
            # One after another they would all go to the same worker.
            clients = [ending.enter_context(StreamClient(served.port)) for _ in range(AT_ONCE)]
            assert {client.line() for client in clients} == {"blue"}
            workers |= {client: worker_of(client) for client in clients}
        assert {*workers.values()} == {victim, other}
        os.kill(victim, signal.SIGKILL)
        until(lambda: victim not in served.worker_pids(), "its end")
        for client, worker in workers.items():
            assert echoes(client) == (worker == other)
    until(lambda: len(served.worker_pids()) == 2, "the next worker")
    assert {greeting(served.port) for _ in range(20)} == {"blue"}
    assert {answering(served.port) for _ in range(20)} == {"one"}


def test_a_killed_controller_is_not_missed_by_connections(served):
    with StreamClient(served.port) as client:
        assert client.line() == "blue"
        before = served.controller_pid()
        os.kill(before, signal.SIGKILL)
        assert client.echo("without it") == "without it"
        assert greeting(served.port) == "blue"
        until(lambda: served.controller_pid() not in (0, before), "the next controller")
        served.wait()
        assert client.echo("with the next") == "with the next"
    assert greeting(served.port) == "blue" and answering(served.port) == "one"


def master_of(operator_nginx: OperatorNginx) -> int:
    """0: none, also for the moment in which SIGUSR2 gives the file another name."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        return int((operator_nginx.dir / "nginx.pid").read_text())
    return 0


def become_daemon(operator_nginx: OperatorNginx) -> int:
    """nginx upgrades itself only as a daemon. Its master's pid."""
    operator_nginx.processes.pop().stop(signal.SIGQUIT)
    conf = operator_nginx.dir / "nginx.conf"
    conf.write_text(conf.read_text().replace("daemon off;", "daemon on;"))
    words = ["-p", operator_nginx.dir, "-e", operator_nginx.dir / "boot.log", "-c", conf]
    subprocess.run([operator_nginx.nginx, *words], check=True)
    return until(lambda: master_of(operator_nginx), "the daemon")


def test_a_binary_upgrade_keeps_connections_and_sockets(operator_nginx, blue, echo):
    port = free_port()
    operator_nginx.write("all.yaml", world(port, blue, echo))
    operator_nginx.start(streams=True)
    masters = [become_daemon(operator_nginx)]
    try:
        until(lambda: answering(port, seconds=0.5) == "one", "the daemon's workers")
        with StreamClient(port) as client:
            assert client.line() == "blue"
            os.kill(masters[0], signal.SIGUSR2)
            until(lambda: master_of(operator_nginx) not in (0, masters[0]), "the upgrade", 20)
            masters.append(master_of(operator_nginx))
            until(lambda: worker_pids(masters[1]), "its worker")
            os.kill(masters[0], signal.SIGQUIT)
            assert {greeting(port) for _ in range(20)} == {"blue"}
            assert client.echo("old worker") == "old worker"
        until(lambda: not alive(masters[0]), "the end of the old master", 20)
        assert {greeting(port) for _ in range(20)} == {"blue"}
        assert {answering(port) or answering(port) for _ in range(20)} == {"one"}
    finally:
        for master in masters:
            with contextlib.suppress(ProcessLookupError):
                os.kill(master, signal.SIGTERM)
            until(lambda pid=master: not alive(pid), "the end of a master")
