"""Backends and clients of UDP."""

import contextlib
import socket
import threading
from collections import Counter
from typing import ClassVar

WAIT_S = 2.0  # for an answer; on one machine a datagram is there or it is lost


class UdpEcho:
    """Answers "NAME TEXT" to every datagram "TEXT", from 127.0.0.1."""

    def __init__(self, name: str):
        self.name = name
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.clients: Counter = Counter()
        self.ended = False
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        self.socket.settimeout(0.1)
        while not self.ended:
            with contextlib.suppress(TimeoutError):
                text, client = self.socket.recvfrom(65535)
                self.clients[client] += 1
                self.socket.sendto(self.name.encode() + b" " + text, client)

    def stop(self) -> None:
        self.ended = True
        self.thread.join()
        self.socket.close()


class UdpClient:
    """Of a port that no client had before; it hears only what comes from the address it asks.

    A port that came again would go on with the session that it had, and with its backend.
    """

    used: ClassVar[set[int]] = set()

    def __init__(self, port: int, address: str = "127.0.0.1"):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        while True:
            self.socket = socket.socket(family, socket.SOCK_DGRAM)
            self.socket.connect((address, port))
            own = self.socket.getsockname()[1]
            if own not in self.used:
                break
            self.socket.close()
        self.used.add(own)

    def __enter__(self) -> "UdpClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def say(self, text: str = "x") -> None:
        self.socket.send(text.encode())

    def hear(self, seconds: float = WAIT_S) -> str | None:
        """None: nothing came."""
        self.socket.settimeout(seconds)
        with contextlib.suppress(TimeoutError, ConnectionRefusedError):
            return self.socket.recv(65535).decode()
        return None

    def ask(self, text: str = "x", seconds: float = WAIT_S) -> str | None:
        self.say(text)
        return self.hear(seconds)


def answering(port: int, address: str = "127.0.0.1", seconds: float = WAIT_S) -> str | None:
    """Who answers a client that is new."""
    with UdpClient(port, address) as client:
        told = client.ask(seconds=seconds)
    return told.split()[0] if told else None
