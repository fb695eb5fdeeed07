"""A client that speaks HTTP/2 with prior knowledge, frame by frame where a test wants that."""

import socket
import time
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.events


@dataclass
class H2Answer:
    status: int = 0
    fields: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    trailers: list[tuple[str, str]] = field(default_factory=list)
    reset: int | None = None  # the error code of RST_STREAM
    ended: bool = False
    ended_with_head: bool = False  # no frame of data and no trailers

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key == name]


class H2Client:
    def __init__(self, port: int, host: str = "example.com"):
        self.host = host
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.h2.initiate_connection()
        self.answers: dict[int, H2Answer] = {}

    def begin(self, method: str, path: str, fields: list[tuple[str, str]] = (), end=False) -> int:
        stream = self.h2.get_next_available_stream_id()
        pseudo = [(":method", method), (":path", path), (":scheme", "http")]
        self.h2.send_headers(stream, [*pseudo, (":authority", self.host), *fields], end)
        self.answers[stream] = H2Answer()
        self._flush()
        return stream

    def send(self, stream: int, data: bytes, end: bool = False) -> None:
        while data:
            while not (room := self.h2.local_flow_control_window(stream)):
                self._receive()
            block = data[: min(room, self.h2.max_outbound_frame_size)]
            data = data[len(block) :]
            self.h2.send_data(stream, block, end_stream=end and not data)
            self._flush()

    def cancel(self, stream: int) -> None:
        self.h2.reset_stream(stream, 8)
        self._flush()

    def answer(self, stream: int, seconds: float = 10.0) -> H2Answer:
        """The whole answer."""
        end = time.monotonic() + seconds
        answer = self.answers[stream]
        while not answer.ended:
            self.sock.settimeout(max(end - time.monotonic(), 0.001))
            self._receive()
        return answer

    def ask(self, method: str, path: str, fields=(), body: bytes = b"") -> H2Answer:
        stream = self.begin(method, path, fields, end=not body)
        if body:
            self.send(stream, body, end=True)
        return self.answer(stream)

    def close(self) -> None:
        self.sock.close()

    def _flush(self) -> None:
        if data := self.h2.data_to_send():
            self.sock.sendall(data)

    def _receive(self) -> None:
        data = self.sock.recv(1 << 16)
        if not data:
            raise ConnectionError("the connection was closed")
        for event in self.h2.receive_data(data):
            self._on_event(event)
        self._flush()

    def _on_event(self, event) -> None:
        answer = self.answers.get(getattr(event, "stream_id", None))
        if answer is None:
            return
        if isinstance(event, h2.events.ResponseReceived):
            answer.fields = list(event.headers)
            answer.status = int(answer.all(":status")[0])
            answer.ended_with_head = event.stream_ended is not None
        elif isinstance(event, h2.events.DataReceived):
            answer.body += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.TrailersReceived):
            answer.trailers = list(event.headers)
        elif isinstance(event, h2.events.StreamReset):
            answer.reset = event.error_code
            answer.ended = True
        elif isinstance(event, h2.events.StreamEnded):
            answer.ended = True
