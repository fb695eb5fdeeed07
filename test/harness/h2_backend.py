"""A backend that speaks HTTP/2 with prior knowledge, and keeps what it was asked.

What comes as HTTP/1.1 is answered and counted: it should have been HTTP/2.
"""

import contextlib
import socket
import socketserver
import time
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions

from harness.servers import TcpServer


@dataclass
class H2Step:
    """How one request is answered."""

    status: int = 200
    fields: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b"fine"
    trailers: list[tuple[str, str]] = field(default_factory=list)
    refused: bool = False  # RST_STREAM with REFUSED_STREAM
    cancelled: bool = False  # RST_STREAM with CANCEL
    delay_s: float = 0.0


@dataclass
class H2Asked:
    connection: int
    stream: int
    fields: list[tuple[str, str]]  # with the pseudo header fields
    body: bytes = b""
    trailers: list[tuple[str, str]] = field(default_factory=list)
    whole: bool = False

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key == name]

    def one(self, name: str) -> str:
        (value,) = self.all(name)
        return value


class _Connection:
    def __init__(self, server: "H2Backend", sock: socket.socket, number: int):
        self.server, self.sock, self.number = server, sock, number
        config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        self.h2 = h2.connection.H2Connection(config)
        self.open: dict[int, H2Asked] = {}
        self.unsent: dict[int, tuple[bytes, list[tuple[str, str]]]] = {}

    def serve(self) -> None:
        self.h2.initiate_connection()
        while data := self.sock.recv(1 << 16):
            if data.startswith(b"GET "):
                self.server.http1_requests += 1
                self.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nh1")
                continue
            try:
                events = self.h2.receive_data(data)
            except h2.exceptions.ProtocolError as problem:
                self.server.problems.append(repr(problem))
                self._flush()
                return
            for event in events:
                self._on_event(event)
            self._flush()

    def _flush(self) -> None:
        if data := self.h2.data_to_send():
            self.sock.sendall(data)

    def _on_event(self, event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            asked = H2Asked(self.number, event.stream_id, list(event.headers))
            self.open[event.stream_id] = asked
            self.server.asked.append(asked)
        elif isinstance(event, h2.events.DataReceived):
            self.open[event.stream_id].body += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.TrailersReceived):
            self.open[event.stream_id].trailers = list(event.headers)
        elif isinstance(event, h2.events.StreamEnded):
            self.open[event.stream_id].whole = True
            self._answer(event.stream_id, self.server.next_step())
        elif isinstance(event, h2.events.WindowUpdated):
            for stream in list(self.unsent):
                self._send_body(stream)

    def _answer(self, stream: int, step: H2Step) -> None:
        time.sleep(step.delay_s)
        if step.refused:
            self.h2.reset_stream(stream, h2.errors.ErrorCodes.REFUSED_STREAM)
            return
        if step.cancelled:
            self.h2.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)
            return
        ends = not step.body and not step.trailers
        self.h2.send_headers(stream, [(":status", str(step.status)), *step.fields], ends)
        if not ends:
            self.unsent[stream] = (step.body, step.trailers)
            self._send_body(stream)

    def _send_body(self, stream: int) -> None:
        body, trailers = self.unsent.pop(stream)
        while body and (room := self.h2.local_flow_control_window(stream)):
            block = body[: min(room, self.h2.max_outbound_frame_size)]
            body = body[len(block) :]
            self.h2.send_data(stream, block, end_stream=not body and not trailers)
        if body:
            self.unsent[stream] = (body, trailers)
        elif trailers:
            self.h2.send_headers(stream, trailers, end_stream=True)


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError):
            _Connection(self.server, self.request, self.server.next_connection()).serve()


class H2Backend(TcpServer):
    """Answers by `script(...)`, request by request; 200 when the script is at its end. `problems`:
    what clients did against the protocol."""

    def __init__(self):
        self.asked: list[H2Asked] = []
        self.problems: list[str] = []
        self.http1_requests = 0
        self._steps: list[H2Step] = []
        super().__init__(_Handler)

    def script(self, *steps: H2Step) -> None:
        """Forgets what was asked before."""
        with self.lock:
            self._steps = list(steps)
            self.asked = []

    def next_step(self) -> H2Step:
        with self.lock:
            return self._steps.pop(0) if self._steps else H2Step()
