"""A backend of HTTP/1.1 whose answers are written down beforehand, one step for each request."""

import contextlib
import hashlib
import socketserver
import threading
import time
from dataclasses import dataclass, field

from harness.servers import TcpServer
from harness.waiting import until


@dataclass
class Step:
    """How one request is answered. `silent`: not at all, until the other side gives up. `held`:
    when that is set."""

    status: int = 200
    delay_s: float = 0.0
    body: bytes = b"fine"
    silent: bool = False
    held: threading.Event | None = None
    close_unanswered: bool = False
    chunks: int = 0  # > 0: the body that often, each after `pause_s`
    pause_s: float = 0.0


@dataclass
class Asked:
    """One request that arrived."""

    method: str
    target: str
    fields: list[tuple[str, str]]
    connection: int
    at: float
    body_bytes: int = 0
    body_sha256: str = ""
    abandoned: bool = False  # the other side closed before it was answered
    answered: bool = False
    step: Step = field(default_factory=Step)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key.lower() == name.lower()]


class _Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self) -> None:
        number = self.server.next_connection()
        with contextlib.suppress(OSError, ValueError):
            while asked := self._read_head(number):
                asked.step = self.server.take(asked)
                self._read_body(asked)
                if not self._answer(asked, asked.step):
                    return

    def _read_head(self, number: int) -> Asked | None:
        line = self.rfile.readline().decode("latin-1").split(" ")
        if len(line) < 3:
            return None
        fields = []
        while text := self.rfile.readline().decode("latin-1").strip():
            fields.append(tuple(text.split(": ", 1)) if ": " in text else (text.rstrip(":"), ""))
        return Asked(line[0], line[1], fields, number, time.monotonic())

    def _read_body(self, asked: Asked) -> None:
        digest = hashlib.sha256()

        def take(wanted: int) -> None:
            while wanted:
                block = self.rfile.read1(min(wanted, 1 << 16))
                if not block:
                    raise ConnectionError
                digest.update(block)
                asked.body_bytes += len(block)
                wanted -= len(block)

        if asked.all("Transfer-Encoding"):
            while size := int(self.rfile.readline(), 16):
                take(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            take(int((asked.all("Content-Length") or ["0"])[0]))
        asked.body_sha256 = digest.hexdigest()

    def _other_side_closes_within(self, seconds: float) -> bool:
        self.connection.settimeout(seconds or 0.0001)
        try:
            return self.connection.recv(1) == b""
        except TimeoutError:
            return False
        except OSError:
            return True
        finally:
            self.connection.settimeout(None)

    def _answer(self, asked: Asked, step: Step) -> bool:
        if step.close_unanswered:
            return False
        if step.held and not step.held.wait(60):
            return False
        wait = 60.0 if step.silent else step.delay_s
        if wait and self._other_side_closes_within(wait):
            asked.abandoned = True
            return False
        length = len(step.body) * max(step.chunks, 1)
        head = f"HTTP/1.1 {step.status} Whatever\r\nContent-Length: {length}\r\n\r\n"
        if step.chunks == 0:
            asked.answered = True
            self.wfile.write(head.encode() + step.body)
            return True
        self.wfile.write(head.encode())
        for _ in range(step.chunks):
            if self._other_side_closes_within(step.pause_s):
                asked.abandoned = True
                return False
            self.wfile.write(step.body)
        asked.answered = True
        return True


class ScriptedBackend(TcpServer):
    """Answers by `script(...)`, request by request; 200 when the script is at its end."""

    def __init__(self):
        self.asked: list[Asked] = []
        self._steps: list[Step] = []
        super().__init__(_Handler)

    def script(self, *steps: Step) -> None:
        """Forgets what was asked before."""
        with self.lock:
            self._steps = list(steps)
            self.asked = []

    def take(self, asked: Asked) -> Step:
        with self.lock:
            self.asked.append(asked)
            return self._steps.pop(0) if self._steps else Step()

    def wait_abandoned(self, index: int = -1, seconds: float = 5.0) -> None:
        until(lambda: self.asked[index].abandoned, "the end of an abandoned try", seconds)
