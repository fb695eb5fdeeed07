"""A DNS server on 127.0.0.1, by UDP and TCP, that answers as a test tells it to."""

import contextlib
import ipaddress
import socket
import struct
import threading
import time
from dataclasses import dataclass, field

from harness.servers import TcpServer, UdpServer

ADDRESS = "127.0.0.1"
A, AAAA = 1, 28
NO_ERROR, SERVER_FAILURE, NO_SUCH_NAME = 0, 2, 3
MOST_OF_UDP = 512


@dataclass
class Script:
    addresses: list[str] = field(default_factory=list)
    ttl: int = 1
    code: int = NO_ERROR
    silent: bool = False
    delay_s: float = 0.0


class DnsServer:
    """Names that nothing was said about do not exist."""

    def __init__(self):
        self._scripts: dict[str, Script] = {}
        self._asked: dict[str, int] = {}
        self._over_tcp: dict[str, int] = {}
        self._lock = threading.Lock()
        self._udp, self._tcp = self._servers()
        self.port = self._udp.port
        self.address = f"{ADDRESS}:{self.port}"

    # -- what to say --

    def put(self, name: str, *addresses: str, ttl: int = 1, delay_s: float = 0.0) -> None:
        """What is too long for UDP is truncated there and whole by TCP."""
        self._set(name, Script(list(addresses), ttl, delay_s=delay_s))

    def fail(self, name: str, code: int = SERVER_FAILURE) -> None:
        self._set(name, Script(code=code))

    def silence(self, name: str) -> None:
        self._set(name, Script(silent=True))

    def asked(self, name: str, over_tcp: bool = False) -> int:
        with self._lock:
            return (self._over_tcp if over_tcp else self._asked).get(name, 0)

    def stop(self) -> None:
        for each in (self._udp, self._tcp):
            each.stop()

    # -- the wire --

    def _servers(self) -> tuple[UdpServer, TcpServer]:
        """On one port of both protocols."""
        while True:
            udp = UdpServer(self._answer_udp)
            try:
                return udp, TcpServer(self._answer_tcp, udp.port)
            except OSError:
                udp.stop()

    def _set(self, name: str, script: Script) -> None:
        with self._lock:
            self._scripts[name] = script

    def _answer_udp(self, datagram: tuple, client: tuple, _: UdpServer) -> None:
        query, sock = datagram
        reply = self._reply(query, self._asked)
        if reply is None:
            return
        if len(reply) > MOST_OF_UDP:
            end = len(_question(query)[2])
            flags = struct.unpack("!H", reply[2:4])[0] | 0x0200  # truncated
            reply = reply[:2] + struct.pack("!HHHHH", flags, 1, 0, 0, 0) + reply[12 : 12 + end]
        with contextlib.suppress(OSError):  # stopped meanwhile
            sock.sendto(reply, client)

    def _answer_tcp(self, connection: socket.socket, *_) -> None:
        with connection.makefile("rb") as stream:
            while prefix := stream.read(2):
                query = stream.read(struct.unpack("!H", prefix)[0])
                reply = self._reply(query, self._over_tcp)
                if reply is None:
                    return
                connection.sendall(struct.pack("!H", len(reply)) + reply)

    def _reply(self, query: bytes, counts: dict[str, int]) -> bytes | None:
        name, kind, question = _question(query)
        with self._lock:
            counts[name] = counts.get(name, 0) + 1
            script = self._scripts.get(name, Script(code=NO_SUCH_NAME))
        if script.silent:
            return None
        if script.delay_s:
            time.sleep(script.delay_s)
        addresses = [ipaddress.ip_address(text) for text in script.addresses]
        chosen = [each for each in addresses if (A if each.version == 4 else AAAA) == kind]
        records = b"".join(
            struct.pack("!HHHIH", 0xC00C, kind, 1, script.ttl, len(each.packed)) + each.packed
            for each in chosen
        )
        flags = 0x8180 | script.code
        return query[:2] + struct.pack("!HHHHH", flags, 1, len(chosen), 0, 0) + question + records


def _question(query: bytes) -> tuple[str, int, bytes]:
    """Name, type and the bytes of the only question."""
    labels, at = [], 12
    while length := query[at]:
        labels.append(query[at + 1 : at + 1 + length].decode())
        at += 1 + length
    kind = struct.unpack("!H", query[at + 1 : at + 3])[0]
    return ".".join(labels), kind, query[12 : at + 5]
