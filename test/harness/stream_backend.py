"""A backend of plain TCP that speaks first, echoes, and tells a half-closed peer goodbye."""

import contextlib
import socket
import socketserver

from harness.servers import TcpServer


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        with contextlib.suppress(OSError):
            self.request.sendall(self.server.name.encode() + b"\n")
            received = 0
            while data := self.request.recv(65536):
                received += len(data)
                self.request.sendall(data)
            self.request.sendall(f"bye {received}\n".encode())

    def setup(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server.count(1)

    def finish(self) -> None:
        self.server.count(-1)


class StreamBackend(TcpServer):
    """`running`: connections that did not end yet."""

    def __init__(self, name: str, port: int = 0):
        self.name, self.running = name, 0
        super().__init__(_Handler, port)

    def count(self, more: int) -> None:
        with self.lock:
            self.running += more


class StreamClient:
    """One connection, line by line."""

    def __init__(self, port: int, address: str = "127.0.0.1", sock: socket.socket | None = None):
        self.socket = sock or socket.create_connection((address, port), timeout=10)
        self.reader = self.socket.makefile("rb")

    def __enter__(self) -> "StreamClient":
        return self

    def __exit__(self, *_) -> None:
        self.reader.close()
        self.socket.close()

    def line(self) -> str:
        """The next one; ConnectionError when there is none."""
        line = self.reader.readline()
        if not line:
            raise ConnectionError("closed")
        return line.decode().rstrip("\n")

    def echo(self, text: str) -> str:
        self.socket.sendall(text.encode() + b"\n")
        return self.line()


def greeting(port: int, address: str = "127.0.0.1") -> str:
    """Which backend speaks; "closed" when the connection ends without a byte."""
    try:
        with StreamClient(port, address) as client:
            return client.line()
    except ConnectionError:
        return "closed"


def closes(sock: socket.socket, seconds: float = 10.0) -> bool:
    """Whether the peer ends the connection without a byte."""
    sock.settimeout(seconds)
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True
