"""An API server that refuses, drops, repeats and forgets: a proxy in front of a real one.

It speaks HTTP/1.1 or HTTP/2: ALPN offers only the one.
"""

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Iterator

from cluster.api import Api

from harness import flaky_http1, flaky_http2
from harness.api_faults import Faults
from harness.authority import Issued
from harness.flaky_exchange import Exchange
from harness.kubernetes import Namespace
from harness.waiting import until

CONNECTIONS = {"http/1.1": flaky_http1.Connection, "h2": flaky_http2.Connection}
HANDSHAKE_S = 5  # one that is under way when packets get lost ends then
NO_WORD = struct.pack("ii", 1, 0)  # SO_LINGER: closed by a reset
DROP = """table inet flaky {{
  chain input {{
    type filter hook input priority 0
    tcp dport {port} drop
    tcp sport {port} drop
  }}
}}
"""


class FlakyApi:
    """`api` has no user of its own: who asks says who he is. Everything is well until `faults.on`.
    `problems`: what clients did against the protocol, and what went wrong in here."""

    def __init__(self, api: Api, issued: Issued, protocol: str, seed: int):
        self.protocol, self.faults = protocol, Faults(protocol, seed)
        self._exchange = Exchange(api, self.faults)
        self._open: set[asyncio.StreamWriter] = set()
        self._is_away = False
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(issued.certificate, issued.key)
        self._tls.set_alpn_protocols([protocol])
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(ready)), daemon=True)
        self._thread.start()
        assert ready.wait(10)

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def problems(self) -> list[str]:
        return self._exchange.problems

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Every connection breaks."""
        self._is_away = True
        self._loop.call_soon_threadsafe(self._close_all)
        try:
            yield
        finally:
            self._is_away = False

    @contextlib.contextmanager
    def half_open(self, namespace: Namespace) -> Iterator[None]:
        """No packet comes through to or from here, and no connection is left here: clients have
        theirs, of which they will hear nothing more."""
        namespace.run("nft", "-f", "-", input=DROP.format(port=self.port), check=True)
        try:
            self._loop.call_soon_threadsafe(self._reset_all)
            until(lambda: not self._kept(namespace, "sport"), "the end of our ends", 10, 0.05)
            yield
            assert self._kept(namespace, "dport"), "clients have noticed: that was not half-open"
        finally:
            namespace.run("nft", "delete", "table", "inet", "flaky", check=True)

    def _kept(self, namespace: Namespace, side: str) -> str:
        """The connections of which a port is ours."""
        words = ("ss", "-tnH", "state", "established", f"{side} = :{self.port}")
        return namespace.run(*words, check=True).stdout

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join(10)

    async def _run(self, ready: threading.Event) -> None:
        self._loop, self._ending = asyncio.get_running_loop(), asyncio.Event()
        tls = {"ssl": self._tls, "ssl_handshake_timeout": HANDSHAKE_S}
        server = await asyncio.start_server(self._connected, sock=self._listener, **tls)
        ready.set()
        await self._ending.wait()
        server.close()  # nobody comes while the tasks of those who are here end

    def _close_all(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    def _reset_all(self) -> None:
        for writer in self._open:
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_WORD)
        self._close_all()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            if not self._is_away:
                await CONNECTIONS[self.protocol](self._exchange, reader, writer).serve()
        except (OSError, EOFError):
            pass  # broken, by us or by the client
        except Exception as problem:
            self.problems.append(repr(problem))
        finally:
            self._open.discard(writer)
            writer.transport.abort()
