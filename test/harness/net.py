"""Addresses and ports that nobody else uses, and what the kernel knows of connections."""

import array
import fcntl
import socket

from harness.processes import asleep
from harness.waiting import until

SIOCOUTQNSD = 0x894B  # of Linux: bytes that wait to be sent


def free_port(address: str = "127.0.0.1", kind: int = socket.SOCK_STREAM) -> int:
    """A port that the kernel just gave out; `kind` is TCP's or UDP's."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, kind) as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]


def free_ports(count: int, address: str = "127.0.0.1") -> list[int]:
    """`count` different free ports."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    probes = [socket.socket(family, socket.SOCK_STREAM) for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((address, 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def accepts(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=1):
            return True
    except OSError:
        return False


def wait_until_taken(sock: socket.socket, pids: list[int]) -> None:
    """Returns when the peer, one of `pids`, waits for more: what follows is a packet of its own."""
    left = array.array("i", [0])

    def taken() -> bool:
        fcntl.ioctl(sock, SIOCOUTQNSD, left)
        return left[0] == 0 and all(asleep(pid) for pid in pids)

    until(taken, "the peer to take what was sent", step_s=0.0005)
