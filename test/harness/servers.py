"""Servers in the test's own process. Their threads end before their sockets are closed: a thread
that waits in a closed socket takes what comes for the next one of the same number.
"""

import socket
import socketserver
import threading
from collections.abc import Callable

STEP_S = 0.02  # how often a server looks whether it shall end


class _Server(socketserver.ThreadingMixIn):
    """Serves from now on until `stop`, each request in a thread of its own."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, handler: Callable, port: int = 0, address: str = "127.0.0.1"):
        self.lock = threading.Lock()
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        super().__init__((address, port), handler)
        self.port = self.server_address[1]
        self._thread = threading.Thread(target=self.serve_forever, args=(STEP_S,), daemon=True)
        self._thread.start()

    def handle_error(self, request, client_address) -> None:
        pass

    def stop(self) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class UdpServer(_Server, socketserver.UDPServer):
    """A request is a datagram."""


class TcpServer(_Server, socketserver.TCPServer):
    """A request is a connection; `connections` counts them, where the handler asks for a number."""

    allow_reuse_address = True
    connections = 0

    def next_connection(self) -> int:
        """The number of a connection that has just come, from 1 on."""
        with self.lock:
            self.connections += 1
            return self.connections
