"""UDP sessions: clients that come again, changes, kills and reloads in random order; their end."""

import os
import random
import signal
from pathlib import Path

import pytest
from harness.certificates import gateway_of
from harness.counters import Counters
from harness.datagrams import UdpClient, UdpEcho
from harness.manifests import backend, backend_ref, documents, stream_route
from harness.net import free_port
from harness.processes import worker_pids
from harness.waiting import until

STEPS = 100
WORKERS = 3
CURRENT = 'sluice_workers{state="current"}'
# How often, of all steps.
STEP_WEIGHTS = {"meet": 30, "return": 50, "change": 12, "kill": 4, "reload": 1, "controller": 3}
WEIGHTS = [(1, 0), (0, 1), (1, 1), (3, 1)]


@pytest.fixture
def echoes(keep):
    return [keep(UdpEcho(name)) for name in ("one", "two")]


def gateway_and_backends(port: int, echoes: list[UdpEcho]) -> str:
    listener = {"name": "udp", "protocol": "UDP", "port": port}
    return documents(gateway_of(listener), *(backend(each.name, each.port) for each in echoes))


class Story:
    """What happens to a Sluice, and what its clients may be told."""

    def __init__(self, sluice, port: int, seed: int):
        self.sluice, self.port, self.random = sluice, port, random.Random(seed)
        self.clients: list[UdpClient] = []
        self.told: dict[UdpClient, tuple[str, int]] = {}  # by whom, in which life of the workers
        self.life = 0
        self.number = 0
        self.change()

    def ask(self, client: UdpClient) -> str:
        self.number += 1
        answer = client.ask(str(self.number))
        assert answer is not None, f"question {self.number} has no answer"
        name, number = answer.split()
        assert number == str(self.number)
        return name

    def meet(self) -> None:
        client = UdpClient(self.port)
        self.clients.append(client)
        name = self.ask(client)
        assert name in self.serving
        self.told[client] = name, self.life

    def return_(self) -> None:
        if not self.clients:
            return
        client = self.random.choice(self.clients)
        before, life = self.told[client]
        name = self.ask(client)
        assert name == before or (life != self.life and name in self.serving)
        self.told[client] = name, self.life

    def change(self) -> None:
        pair = self.random.choice(WEIGHTS)
        refs = [
            backend_ref(name, weight) for name, weight in zip(("one", "two"), pair, strict=True)
        ]
        self.serving = [ref["name"] for ref in refs if ref["weight"]]
        self.sluice.write("route.yaml", stream_route("UDPRoute", "r", *refs))
        if self.sluice.process:
            self.sluice.wait()

    def kill(self) -> None:
        victim = self.random.choice(self.sluice.worker_pids())
        os.kill(victim, signal.SIGKILL)
        self.wait_for_workers({victim})

    def reload(self) -> None:
        before = set(self.sluice.worker_pids())
        os.kill(self.sluice.master_pid(), signal.SIGHUP)
        self.wait_for_workers(before)

    def wait_for_workers(self, before: set[int]) -> None:
        def renewed() -> bool:
            pids = set(self.sluice.worker_pids())
            return len(pids) == WORKERS and not pids & before

        until(renewed, "the next workers", 40)
        self.wait_until_shared()
        self.life += 1

    def wait_until_shared(self) -> None:
        """Until every worker reads its share of the clients."""
        self.sluice.wait()  # for a controller that answers
        counters = Counters(self.sluice.state)
        until(lambda: counters.all()[CURRENT] == WORKERS, "the greetings of all workers")
        self.sluice.wait()

    def controller(self) -> None:
        before = self.sluice.controller_pid()
        os.kill(before, signal.SIGKILL)
        if self.clients:
            self.return_()
        until(lambda: self.sluice.controller_pid() not in (0, before), "the next controller")
        self.wait_until_shared()

    def step(self) -> None:
        (name,) = self.random.choices(list(STEP_WEIGHTS), list(STEP_WEIGHTS.values()))
        {
            "meet": self.meet,
            "return": self.return_,
            "change": self.change,
            "kill": self.kill,
            "reload": self.reload,
            "controller": self.controller,
        }[name]()

    def end(self) -> None:
        for client in self.clients:
            client.socket.close()


@pytest.mark.log("exited on signal 9")
@pytest.mark.parametrize("seed", range(3))
def test_clients_keep_their_backends_while_their_workers_live(make_sluice, echoes, seed):
    port, sluice = free_port(), make_sluice(workers=WORKERS)
    sluice.write("web.yaml", gateway_and_backends(port, echoes))
    story = Story(sluice, port, seed)
    try:
        sluice.start()
        story.wait_until_shared()
        for _ in range(STEPS):
            story.step()
    finally:
        story.end()


def test_a_session_ends_when_nobody_is_heard_of(operator_nginx, echoes):
    port = free_port()
    operator_nginx.write(
        "all.yaml",
        documents(
            gateway_and_backends(port, echoes), stream_route("UDPRoute", "r", backend_ref("one"))
        ),
    )
    operator_nginx.start(streams=True, stream_edits={"proxy_timeout 30s;": "proxy_timeout 1s;"})
    (worker,) = worker_pids(operator_nginx.processes[1].pid)

    def descriptors() -> int:
        return len(list(Path(f"/proc/{worker}/fd").iterdir()))

    before = descriptors()
    clients = [UdpClient(port) for _ in range(50)]
    try:
        for _ in range(2):
            assert {client.ask() for client in clients} == {"one x"}
            assert descriptors() > before
            until(lambda: descriptors() == before, "the end of the sessions")
    finally:
        for client in clients:
            client.socket.close()
