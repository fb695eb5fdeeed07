"""Headers of the PROXY protocol: clients that begin with one, and a backend that reads them."""

import contextlib
import ipaddress
import socket
import ssl
import struct

from harness.stream_backend import StreamBackend

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def version1(client: str, port: int = 4711, server: str | None = None) -> bytes:
    family = ipaddress.ip_address(client).version
    other = server or ("127.0.0.1" if family == 4 else "::1")
    word = "TCP4" if family == 4 else "TCP6"
    return f"PROXY {word} {client} {other} {port} 80\r\n".encode()


def version2(client: str, port: int = 4711, extensions: bytes = b"") -> bytes:
    address = ipaddress.ip_address(client)
    other = ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")
    rest = address.packed + other.packed + struct.pack("!HH", port, 80) + extensions
    family = 0x11 if address.version == 4 else 0x21
    return SIGNATURE + struct.pack("!BBH", 0x21, family, len(rest)) + rest


def local() -> bytes:
    """Of the proxy's own connections, such as health checks."""
    return SIGNATURE + struct.pack("!BBH", 0x20, 0, 0)


def connect(port: int, header: bytes, address: str = "127.0.0.1") -> socket.socket:
    sock = socket.create_connection((address, port), timeout=10)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(header)
    return sock


PEEK_WHOLE = socket.MSG_PEEK | socket.MSG_WAITALL
RECORD_HEAD = 5  # of TLS


def read_version1(sock: socket.socket) -> str | None:
    """The header at the beginning, without its end of line, and no byte behind it. None: no one."""
    if sock.recv(6, PEEK_WHOLE) != b"PROXY ":
        return None
    line = b""
    while not line.endswith(b"\r\n"):
        line += sock.recv(1)
        assert len(line) <= 107, line
    return line[:-2].decode()


def read_record(sock: socket.socket) -> bytes:
    """The first record of TLS, which stays to be read."""
    head = sock.recv(RECORD_HEAD, PEEK_WHOLE)
    return sock.recv(RECORD_HEAD + int.from_bytes(head[3:], "big"), PEEK_WHOLE)


class HeaderBackend(StreamBackend):
    """Keeps the header of each connection, of TLS its first record too; it speaks after both.

    Without a header (None) it needs something from the client first.
    """

    def __init__(self, name: str, tls: ssl.SSLContext | None = None):
        self.headers: list[str | None] = []
        self.records: list[bytes] = []
        self._tls = tls
        super().__init__(name)

    def finish_request(self, request, client_address) -> None:
        with contextlib.suppress(OSError):  # the client went away, or broke the handshake off
            self.headers.append(read_version1(request))
            if self._tls:
                self.records.append(read_record(request))
                with self._tls.wrap_socket(request, server_side=True) as secured:
                    super().finish_request(secured, client_address)
            else:
                super().finish_request(request, client_address)
