"""The openssl program as a server and as a client of TLS and DTLS."""

import contextlib
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from harness.authority import Issued
from harness.net import free_port
from harness.streams import Talk, listens, takes_datagrams
from harness.waiting import until


@contextlib.contextmanager
def openssl_server(
    issued: Issued, *options: str, log: Path, datagrams: bool = False
) -> Iterator[tuple[int, Talk]]:
    """Its port, and the program: what it prints is received, what it reads is sent."""
    port = free_port(kind=socket.SOCK_DGRAM if datagrams else socket.SOCK_STREAM)
    command = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-quiet"]
    command += ["-cert", str(issued.certificate), "-key", str(issued.key), *options]
    with log.open("wb") as errors:
        server = Talk([*command, *(["-dtls"] if datagrams else [])], errors=errors)
    try:
        until(lambda: takes_datagrams(port) if datagrams else listens(port), "openssl s_server")
        yield port, server
    finally:
        server.popen.terminate()
        server.stop()


def client_command(port: int, *options: str) -> list[str]:
    return ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *options]


class OpensslTalk(Talk):
    """A connection; `log` has what the client says of the handshake."""

    def __init__(self, port: int, log: Path, *options: str):
        self.log = log
        with log.open("wb") as errors:
            super().__init__(client_command(port, "-brief", *options), errors=errors)

    def fact(self, name: str) -> str:
        """Of the handshake, when a line came already."""
        found = re.search(rf"^{name}: (.*)$", self.log.read_text(), re.M)
        assert found, self.log.read_text()
        return found[1]


def knows_group(name: str) -> bool:
    """Whether this openssl can agree on a key by that group."""
    command = client_command(1, "-groups", name)
    done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    return "SSL_CONF_cmd" not in done.stderr


def openssl_version() -> str:
    return subprocess.run(["openssl", "version"], capture_output=True, text=True).stdout.strip()
