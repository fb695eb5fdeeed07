"""HTTP/2 before a flaky API server: all requests at once on a connection."""

import asyncio

import h2.config
import h2.connection
import h2.events
from h2.errors import ErrorCodes
from hyperframe.frame import GoAwayFrame

from harness.flaky_exchange import Asked, Exchange


class Connection:
    def __init__(
        self, exchange: Exchange, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ):
        self.exchange, self.reader, self.writer = exchange, reader, writer
        config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        self.h2 = h2.connection.H2Connection(config)
        self.streams: dict[int, Stream] = {}
        self.room = asyncio.Event()  # there may be more
        self.leaving = False

    async def serve(self) -> None:
        self.h2.initiate_connection()
        self.flush()
        try:
            while data := await self.reader.read(1 << 16):
                for event in self.h2.receive_data(data):
                    if isinstance(event, h2.events.ConnectionTerminated):
                        return
                    self._on_event(event)
                self.flush()
        finally:
            for stream in self.streams.values():
                stream.cancel()

    def _on_event(self, event) -> None:
        if isinstance(event, h2.events.RequestReceived) and not self.leaving:
            self.streams[event.stream_id] = Stream(self, event.stream_id, dict(event.headers))
        elif isinstance(event, h2.events.WindowUpdated | h2.events.RemoteSettingsChanged):
            self.room.set()
        stream = self.streams.get(getattr(event, "stream_id", 0))
        if stream is None:
            return  # it came after we had said that we go, or is over
        if isinstance(event, h2.events.DataReceived):
            stream.asked.body += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            stream.task = asyncio.create_task(self.exchange.serve(stream.asked, stream))
        elif isinstance(event, h2.events.StreamReset):
            del self.streams[event.stream_id]
            stream.cancel()

    def flush(self) -> None:
        if data := self.h2.data_to_send():
            self.writer.write(data)

    def go_away(self) -> None:
        """Answers that are under way go on; `h2` would forbid that, so it does not know."""
        self.leaving = True
        frame = GoAwayFrame(0, last_stream_id=self.h2.highest_inbound_stream_id)
        self.flush()
        self.writer.write(frame.serialize())

    def forget(self, number: int) -> None:
        self.flush()
        self.streams.pop(number, None)
        if self.leaving and not self.streams:
            self.writer.close()


class Stream:
    """Is the Answer."""

    def __init__(self, connection: Connection, number: int, fields: dict[str, str]):
        self.connection, self.number = connection, number
        self.asked = Asked(fields.pop(":method"), fields.pop(":path"), fields)
        self.task: asyncio.Task | None = None

    def cancel(self) -> None:
        if self.task:
            self.task.cancel()

    @property
    def closed(self) -> bool:
        return self.connection.writer.is_closing()

    async def head(self, code: int, fields: dict[str, str]) -> None:
        head = {":status": str(code), "content-type": "application/json", **fields}
        self.connection.h2.send_headers(self.number, list(head.items()))
        self.connection.flush()

    async def data(self, data: bytes) -> None:
        sender = self.connection.h2
        while data:
            room = min(
                sender.local_flow_control_window(self.number), sender.max_outbound_frame_size
            )
            if not room:
                self.connection.room.clear()
                await self.connection.room.wait()
                continue
            sender.send_data(self.number, data[:room])
            data = data[room:]
            self.connection.flush()
            await self.connection.writer.drain()

    async def end(self) -> None:
        self.connection.h2.end_stream(self.number)
        self.connection.forget(self.number)

    def reset(self, refused: bool = False) -> None:
        if self.number in self.connection.streams:
            code = ErrorCodes.REFUSED_STREAM if refused else ErrorCodes.INTERNAL_ERROR
            self.connection.h2.reset_stream(self.number, code)
            self.connection.forget(self.number)

    def close(self) -> None:
        self.connection.writer.transport.abort()

    def go_away(self) -> None:
        self.connection.go_away()
