"""Backends behind TLS that speak something else than HTTP/1.1."""

import asyncio
import contextlib
import ssl
import threading

import websockets

from harness.authority import Issued
from harness.h2_backend import H2Backend
from harness.net import free_port


def server_context(issued: Issued, *protocols: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


class TlsH2Backend(H2Backend):
    """`protocols` lists what each connection agreed on by ALPN."""

    def __init__(self, issued: Issued):
        self.protocols: list[str | None] = []
        self._context = server_context(issued, "h2", "http/1.1")
        super().__init__()

    def finish_request(self, request, client_address) -> None:
        try:
            secured = self._context.wrap_socket(request, server_side=True)
        except (ssl.SSLError, OSError):
            return
        self.protocols.append(secured.selected_alpn_protocol())
        with contextlib.suppress(OSError), secured:
            super().finish_request(secured, client_address)


class WssBackend:
    """Sends back every message; `server_names` has one name per connection."""

    def __init__(self, issued: Issued):
        self.server_names: list[str | None] = []
        self.port = free_port()
        context = server_context(issued, "http/1.1")
        context.sni_callback = lambda socket, name, context: self.server_names.append(name)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._call(self._serve(context))

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _serve(self, context: ssl.SSLContext):
        return await websockets.serve(self._echo, "127.0.0.1", self.port, ssl=context)

    async def _echo(self, connection) -> None:
        with contextlib.suppress(websockets.ConnectionClosed):
            async for message in connection:
                await connection.send(message)

    async def _close(self) -> None:
        self._server.close()
        await self._server.wait_closed()

    def stop(self) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
