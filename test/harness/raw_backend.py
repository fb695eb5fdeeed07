"""A backend that keeps what it received, byte by byte, and answers with the fields it is told."""

import socketserver
import time
from dataclasses import dataclass

from harness.servers import TcpServer
from harness.waiting import until


@dataclass
class Received:
    """One request: its head as it came, and its body without chunks."""

    head: bytes
    body: bytes
    connection: int

    @property
    def line(self) -> str:
        return self.head.split(b"\r\n", 1)[0].decode("latin-1")

    @property
    def method(self) -> str:
        return self.line.split(" ")[0]

    @property
    def target(self) -> str:
        return self.line.split(" ")[1]

    @property
    def fields(self) -> list[tuple[str, str]]:
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        return [tuple(line.split(": ", 1)) for line in lines if line]

    def all(self, name: str) -> list[str]:
        return [value for field, value in self.fields if field.lower() == name.lower()]


def _chunked(body: bytes, trailers: list[tuple[str, str]]) -> bytes:
    end = "".join(f"{name}: {value}\r\n" for name, value in trailers)
    return b"%x\r\n%b\r\n0\r\n%b\r\n" % (len(body), body, end.encode("latin-1"))


class _Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self) -> None:
        number = self.server.next_connection()
        while received := self._read(number):
            self.server.requests.append(received)
            time.sleep(self.server.delay_s)
            fields = list(self.server.fields)
            closes = "close" in [value.lower() for value in received.all("Connection")]
            if closes:
                fields.append(("Connection", "close"))
            content = self.server.content(self.connection)
            body = b"" if received.method == "HEAD" else content
            if self.server.trailers:
                fields.append(("Transfer-Encoding", "chunked"))
                body = _chunked(body, self.server.trailers)
            else:
                fields.append(("Content-Length", str(len(content))))
            head = f"HTTP/1.1 {self.server.status} Whatever\r\n"
            head += "".join(f"{name}: {value}\r\n" for name, value in fields)
            self.wfile.write(head.encode("latin-1") + b"\r\n" + body)
            if closes:
                return

    def _read(self, number: int) -> Received | None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self.rfile.readline()
            if not line:
                return None
            head += line
        received = Received(head[:-4], b"", number)
        if received.all("Transfer-Encoding"):
            while size := int(self.rfile.readline(), 16):
                received.body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            received.body = self.rfile.read(int((received.all("Content-Length") or ["0"])[0]))
        return received


class RawBackend(TcpServer):
    """`fields` are sent in answers, after those that make one valid HTTP/1.1."""

    def __init__(self, name: str = "raw", address: str = "127.0.0.1"):
        self.name = name
        self.requests: list[Received] = []
        self.fields: list[tuple[str, str]] = []
        self.trailers: list[tuple[str, str]] = []  # if there are any, the answer is chunked
        self.status = 200
        self.body = name.encode()
        self.delay_s = 0.0
        super().__init__(_Handler, address=address)

    def content(self, connection) -> bytes:
        return self.body

    def last(self) -> Received:
        return self.requests[-1]

    def wait_for(self, count: int, seconds: float = 10.0) -> list[Received]:
        """The requests, once there are `count`."""
        until(
            lambda: len(self.requests) >= count,
            f"{count} requests at {self.name}, which has {len(self.requests)}",
            seconds,
        )
        return self.requests
