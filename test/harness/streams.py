"""Real servers of protocols over TCP, and programs that talk to them."""

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from harness.authority import Issued
from harness.net import free_port, free_ports
from harness.processes import Process
from harness.waiting import until


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def takes_datagrams(port: int) -> bool:
    """Whether a socket has the UDP port of 127.0.0.1."""
    return f" 0100007F:{port:04X} " in Path("/proc/net/udp").read_text()


class Talk:
    """A program that is asked by lines and answers by lines; what it says of itself is among them,
    or in the file `errors`.
    """

    def __init__(
        self, command: list, env: dict[str, str] | None = None, errors: IO | int = subprocess.STDOUT
    ):
        self.popen = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            bufsize=1,
            env={**os.environ, **(env or {})},
        )

    def ask(self, line: str) -> str:
        self.say(line)
        return self.line()

    def say(self, line: str) -> None:
        self.popen.stdin.write(line + "\n")

    def line(self) -> str:
        return self.popen.stdout.readline().strip()

    def stop(self) -> int:
        self.popen.stdin.close()
        self.popen.stdout.close()
        return self.popen.wait(20)


@contextlib.contextmanager
def ssh_server(place: Path) -> Iterator[tuple[int, list]]:
    """Its port, and the words of a client that may log in."""
    place.mkdir()
    for name in ("host", "user"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", place / name], check=True
        )
    shutil.copy(place / "user.pub", place / "authorized_keys")
    port = free_port()
    (place / "sshd_config").write_text(
        f"""ListenAddress 127.0.0.1:{port}
HostKey {place}/host
AuthorizedKeysFile {place}/authorized_keys
PidFile none
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
"""
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    server = Process(
        ["/usr/sbin/sshd", "-D", "-e", "-f", str(place / "sshd_config")], place / "log"
    )
    try:
        until(lambda: listens(port), "sshd")
        client = ["ssh", "-F", "none", "-T", "-i", place / "user", "-o", "BatchMode=yes"]
        client += ["-o", f"UserKnownHostsFile={place}/known", "-o", "StrictHostKeyChecking=no"]
        client += ["-o", "LogLevel=ERROR", f"{getpass.getuser()}@127.0.0.1"]
        yield port, client
    finally:
        server.stop()


@contextlib.contextmanager
def postgres_server(place: Path) -> Iterator[int]:
    """Its port; everybody may log in as postgres."""
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"))
    place.mkdir()
    user = []
    if os.geteuid() == 0:
        shutil.chown(place, "postgres")
        user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    data, port = place / "data", free_port()
    command = [*user, programs / "initdb", "-A", "trust", "-U", "postgres", "-N", "-D", data]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")
    words = ["-D", data, "-p", port, "-h", "127.0.0.1", "-k", place, "-F"]
    server = Process([str(word) for word in [*user, programs / "postgres", *words]], place / "log")
    try:
        until(lambda: listens(port), "postgres", 30)
        yield port
    finally:
        server.stop()


@contextlib.contextmanager
def redis_server(place: Path, issued: Issued) -> Iterator[tuple[int, int]]:
    """Its ports, without TLS and with it."""
    place.mkdir()
    port, secured = free_ports(2)
    words = ["--bind", "127.0.0.1", "--port", port, "--tls-port", secured, "--dir", place]
    words += ["--tls-cert-file", issued.certificate, "--tls-key-file", issued.key]
    words += ["--tls-auth-clients", "no", "--tls-ca-cert-file", issued.certificate]
    words += ["--save", "", "--daemonize", "no"]
    server = Process(["redis-server", *map(str, words)], place / "log")
    try:
        until(lambda: listens(port) and listens(secured), "redis")
        yield port, secured
    finally:
        server.stop()


@contextlib.contextmanager
def quic_server(documents: Path, issued: Issued, log: Path) -> Iterator[int]:
    """Its UDP port; it serves `documents` over HTTP/3."""
    port = free_port(kind=socket.SOCK_DGRAM)
    words = ["-q", "-d", documents, "127.0.0.1", port, issued.key, issued.certificate]
    server = Process(["/usr/sbin/gtlsserver", *map(str, words)], log)
    try:
        until(lambda: takes_datagrams(port), "gtlsserver")
        yield port
    finally:
        server.stop()
