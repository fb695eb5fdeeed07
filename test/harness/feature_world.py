"""A world in which every feature is served and changed, and the clients that must not notice."""

import ssl
from pathlib import Path

import grpc

from harness.authority import Authority
from harness.certificates import gateway_of, https_listener, secret
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
from harness.net import free_port
from harness.sluice import Sluice
from harness.tls_backend import TlsBackend

HOST = "a.example.com"
GRPC_HOST = "grpc.example.com"
LOADED = ["/headers", "/rewrite", "/cors", "/mirror", "/retry", "/tls"]


class FeatureWorld:
    """change(number) writes one object anew, each kind in turn; HOST is served all the time."""

    def __init__(self, sluice: Sluice, directory: Path, ports: dict[str, int]):
        self.sluice = sluice
        self.port = free_port()
        authority = Authority(directory)
        self.ca = authority.pem
        issued = authority.issue(HOST, GRPC_HOST)
        self.secured = TlsBackend(issued.certificate, issued.key, name="secured")
        self.grpc_server = GrpcServer("one")
        sluice.write(
            "fixed.yaml",
            documents(
                gateway_of(https_listener("s", self.port, "cert")),
                *(backend(name, number) for name, number in ports.items()),
                backend("secured", self.secured.port),
                backend("grpc", self.grpc_server.port),
            ),
        )
        self.held = [authority.issue(HOST, GRPC_HOST).pair for _ in range(3)]
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

    def stop(self) -> None:
        self.secured.stop()
        self.grpc_server.stop()

    def load(self, clients: int = 1) -> list[Load]:
        trust = ssl.create_default_context(cadata=self.ca)
        return [
            Load("127.0.0.1", self.port, HOST, path, clients=clients, tls=trust) for path in LOADED
        ]

    def channel(self) -> grpc.Channel:
        credentials = grpc.ssl_channel_credentials(self.ca.encode())
        options = [("grpc.ssl_target_name_override", GRPC_HOST)]
        return grpc.secure_channel(f"127.0.0.1:{self.port}", credentials, options)

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


def talk(channel: grpc.Channel, chat: Chat, number: int) -> None:
    """A word on the stream that stays open, and a call of its own."""
    word = str(number).encode()
    assert chat.say(word) == word[::-1]
    assert channel.unary_unary("/echo.Echo/Unary")(word, timeout=10) == b"one:" + word
