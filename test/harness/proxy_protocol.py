"""Headers of the PROXY protocol, and a client that sends one before it speaks."""

import ipaddress
import socket
import struct

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
