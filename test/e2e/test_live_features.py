"""Thousands of changes of filters, certificates and policies under load: nothing fails or grows."""

import os
import ssl

import grpc
import pytest
from harness.authority import Authority
from harness.certificates import Certificate, gateway_of, https_listener, secret
from harness.grpc_server import Chat, GrpcServer
from harness.load import Load
from harness.manifests import (
    backend,
    backend_ref,
    backend_tls_policy,
    config_map,
    cors_filter,
    documents,
    grpc_route,
    header_filter,
    mirror_filter,
    path_edit,
    redirect_filter,
    rewrite_filter,
    route,
    rule,
)
from harness.memory import memory_of, open_files
from harness.net import free_port
from harness.tls_backend import TlsBackend
from harness.waiting import until

CHANGES = 2 * int(os.environ.get("SLUICE_LIVE_CHANGES", "5000"))
HOST = "a.example.com"
GRPC_HOST = "grpc.example.com"
LOADED = ["/headers", "/rewrite", "/cors", "/mirror", "/retry", "/tls"]
OWN_KIB = 8 * 1024  # that a process may have more after all changes than after a fifth of them
KEPT_OPEN = 1100  # files: connections to backends that are kept for a while, and a few


class Changes:
    """change(number) writes one object anew, each kind in turn; HOST is served all the time."""

    def __init__(self, sluice, authority: Authority):
        self.sluice = sluice
        self.ca = authority.pem
        self.held = []
        for _ in range(3):
            issued = authority.issue(HOST, GRPC_HOST)
            held = Certificate(issued.certificate.read_text(), issued.key.read_text())
            self.held.append(held)
        self.kinds = [
            self.headers,
            self.rewrite,
            self.cors,
            self.mirror,
            self.retry,
            self.tls,
            self.policy,
            self.certificate,
            self.grpc,
            self.redirect,
        ]
        for number in range(len(self.kinds)):
            self.change(number)

    def change(self, number: int) -> None:
        self.kinds[number % len(self.kinds)](number)

    def _route(self, name: str, *filters: dict, target: str = "blue", **more: object) -> None:
        fields = rule(backend_ref(target), path=f"/{name}", filters=list(filters), **more)
        self.sluice.write(f"{name}.yaml", route(name, [fields], [HOST]))

    def headers(self, number: int) -> None:
        self._route(
            "headers",
            header_filter("request", put={"X-Number": str(number)}, remove=["X-Gone"]),
            header_filter("response", add={"X-Number": str(number)}),
        )

    def rewrite(self, number: int) -> None:
        self._route(
            "rewrite",
            rewrite_filter(hostname=f"n{number}.example.com", path=path_edit(prefix=f"/n{number}")),
        )

    def cors(self, number: int) -> None:
        self._route(
            "cors", cors_filter(allowOrigins=[f"https://n{number}.example.com"], maxAge=number + 1)
        )

    def mirror(self, number: int) -> None:
        self._route("mirror", mirror_filter("green", percent=number % 101))

    def retry(self, number: int) -> None:
        times = {"request": f"{10 + number % 10}s", "backendRequest": f"{5 + number % 5}s"}
        retry = {"codes": [500 + number % 5], "attempts": 1 + number % 3, "backoff": "10ms"}
        self._route("retry", timeouts=times, retry=retry)

    def tls(self, number: int) -> None:
        self._route(
            "tls", header_filter("request", put={"X-Number": str(number)}), target="secured"
        )

    def policy(self, number: int) -> None:
        # Another text for the same trust, now and then one that no worker has met.
        comment = f"# {number if number % 100 == 6 else number % 3}\n"
        self.sluice.write("ca.yaml", config_map("ca", comment + self.ca))
        name = HOST if number % 20 < 10 else GRPC_HOST
        self.sluice.write("policy.yaml", backend_tls_policy("secured", name, "ca"))

    def certificate(self, number: int) -> None:
        self.sluice.write("certificate.yaml", secret("cert", self.held[number // 10 % 3]))

    def grpc(self, number: int) -> None:
        fields = {
            "backendRefs": [backend_ref("grpc")],
            "filters": [header_filter("request", put={"x-number": str(number)})],
        }
        self.sluice.write("grpc.yaml", grpc_route("grpc", [fields]))

    def redirect(self, number: int) -> None:
        filters = [redirect_filter(scheme="https", port=1 + number % 60000)]
        self.sluice.write(
            "redirect.yaml", route("redirect", [rule(path="/redirect", filters=filters)], [HOST])
        )


@pytest.fixture
def authority(scratch):
    return Authority(scratch)


@pytest.fixture
def grpc_server():
    running = GrpcServer("one")
    yield running
    running.stop()


@pytest.fixture
def secured(authority):
    issued = authority.issue(HOST, GRPC_HOST)
    running = TlsBackend(issued.certificate, issued.key, name="secured")
    yield running
    running.stop()


def talk(channel: grpc.Channel, chat: Chat, number: int) -> None:
    """A word on the stream that stays open, and a call of its own."""
    word = str(number).encode()
    assert chat.say(word) == word[::-1]
    assert channel.unary_unary("/echo.Echo/Unary")(word, timeout=10) == b"one:" + word


def memories(pids: list[int]) -> dict[int, object]:
    return {pid: memory_of(pid) for pid in pids}


def test_changes_of_every_feature_under_load_break_nothing(
    capsys, make_sluice, backends, authority, secured, grpc_server
):
    sluice = make_sluice()
    port = free_port()
    sluice.write(
        "fixed.yaml",
        documents(
            gateway_of(https_listener("s", port, "cert")),
            *(backend(name, number) for name, number in backends.ports.items()),
            backend("secured", secured.port),
            backend("grpc", grpc_server.port),
        ),
    )
    changes = Changes(sluice, authority)
    sluice.start()
    workers = sluice.worker_pids()
    processes = [sluice.controller_pid(), *workers]
    trust = ssl.create_default_context(cadata=authority.pem)
    loads = [Load("127.0.0.1", port, HOST, path, clients=1, tls=trust) for path in LOADED]
    credentials = grpc.ssl_channel_credentials(authority.pem.encode())
    options = [("grpc.ssl_target_name_override", GRPC_HOST)]
    channel = grpc.secure_channel(f"127.0.0.1:{port}", credentials, options)
    chat = Chat(channel, seconds=None)
    try:
        for number in range(CHANGES):
            changes.change(number)
            if number % 100 == 99:
                sluice.wait(seconds=30)
                talk(channel, chat, number)
            if number == CHANGES // 5:
                before = memories(processes)
        sluice.wait(seconds=60)
        talk(channel, chat, CHANGES)
        assert chat.rest() == []
        after = memories(processes)
    finally:
        for load in loads:
            load.stop()
        channel.close()
    assert [load.failures for load in loads] == [[]] * len(loads)
    assert all(load.total > 100 for load in loads), [load.total for load in loads]
    assert sluice.worker_pids() == workers
    until(lambda: all(open_files(pid) < KEPT_OPEN for pid in workers), "closed connections", 20)
    with capsys.disabled():
        print(f"\n{CHANGES} changes of filters, certificates and policies under load:")
        for pid, name in zip(processes, ["controller", "worker", "worker"], strict=True):
            print(f"  {name:10} after a fifth: {before[pid]}; after all: {after[pid]}")
    grown = {pid: after[pid].own - before[pid].own for pid in processes}
    assert all(more < OWN_KIB for more in grown.values()), grown
