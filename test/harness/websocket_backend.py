"""A WebSocket server that says back what it hears, behind TLS if it has a certificate."""

import asyncio
import ssl
import threading
from dataclasses import dataclass

import websockets

from harness.authority import Issued


@dataclass
class Opened:
    """One handshake."""

    path: str
    fields: list[tuple[str, str]]
    server_name: str | None  # of TLS

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key.lower() == name.lower()]


class WebSocketBackend:
    def __init__(self, issued: Issued | None = None):
        self.opened: list[Opened] = []
        self._server_name: str | None = None
        self._context = None
        if issued:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(issued.certificate, issued.key)
            self._context.sni_callback = self._note_server_name
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result(10)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _serve(self):
        return await websockets.serve(
            self._echo, "127.0.0.1", 0, ping_interval=None, ssl=self._context
        )

    def _note_server_name(self, connection, server_name, context) -> None:
        self._server_name = server_name

    async def _echo(self, connection) -> None:
        request = getattr(connection, "request", None)  # since websockets 13
        headers = request.headers if request else connection.request_headers
        path = request.path if request else connection.path
        self.opened.append(Opened(path, list(headers.raw_items()), self._server_name))
        async for message in connection:
            await connection.send(message)

    async def _close(self) -> None:
        self._server.close()
        await self._server.wait_closed()

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
