"""Connections that stay open while the world changes: WebSockets and a slow download."""

import asyncio
import contextlib
import http.client
import ssl
import threading

import websockets


class WebSockets:
    """`count` open WebSockets on their own thread; echo() proves that each still works. `secured`:
    over TLS, trusting everybody."""

    def __init__(
        self,
        address: str,
        port: int,
        host: str,
        path: str = "/ws",
        count: int = 1,
        secured: bool = False,
    ):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._round = 0
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if secured else None
        if self._context:
            self._context.check_hostname = False
            self._context.verify_mode = ssl.CERT_NONE
        self._connections = self._call(self._open(address, port, host, path, count))

    def echo(self) -> int:
        """Sends a new text and its bytes over every connection and returns how many answered."""
        self._round += 1
        return self._call(self._echo_all(f"round {self._round}"))

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    async def _open(self, address, port, host, path, count):
        scheme = "wss" if self._context else "ws"
        return [
            await websockets.connect(
                f"{scheme}://{host}{path}",
                host=address,
                port=port,
                ping_interval=None,
                origin=f"{scheme}://{host}",
                ssl=self._context,
            )
            for _ in range(count)
        ]

    async def _echo_all(self, text: str) -> int:
        async def one(connection) -> bool:
            try:
                for message in (text, text.encode()):
                    await connection.send(message)
                    if await asyncio.wait_for(connection.recv(), 10) != message:
                        return False
                return True
            except (TimeoutError, websockets.ConnectionClosed):
                return False

        return sum(await asyncio.gather(*(one(connection) for connection in self._connections)))

    async def _close(self) -> None:
        await asyncio.gather(*(connection.close() for connection in self._connections))


class SlowDownload:
    """One download that takes its time; finished() tells whether every byte came."""

    def __init__(self, address: str, port: int, host: str, chunks: int, pause_ms: int):
        self._expected = chunks * 1024
        self.received = 0
        self.failure = ""
        self._thread = threading.Thread(
            target=self._read,
            args=(address, port, host, f"/slow?chunks={chunks}&pause_ms={pause_ms}"),
            daemon=True,
        )
        self._thread.start()

    def _read(self, address: str, port: int, host: str, path: str) -> None:
        try:
            connection = http.client.HTTPConnection(address, port, timeout=30)
            connection.request("GET", path, headers={"Host": host})
            answer = connection.getresponse()
            if answer.status != 200:
                self.failure = f"status {answer.status}"
                return
            while block := answer.read1(65536):
                self.received += len(block)
        except (OSError, http.client.HTTPException) as problem:
            self.failure = f"{type(problem).__name__}: {problem}"

    def running(self) -> bool:
        return self._thread.is_alive() and not self.failure

    def finished(self, seconds: float) -> bool:
        self._thread.join(seconds)
        return not self._thread.is_alive() and not self.failure and self.received == self._expected
