"""When a Pod is ready: somebody in it listens, and nobody new has begun to for a moment."""

import threading
import time
from pathlib import Path

LISTENING = {"tcp": "0A", "tcp6": "0A", "udp": "07", "udp6": "07"}  # states in /proc/PID/net
MOMENT_S = 0.05
PATIENCE_S = 2.0  # after which a Pod that listens nowhere counts as ready


def of_network(pid: int) -> set[tuple[str, str]]:
    """(protocol, address and port) of all listening sockets in the network of a process."""
    found = set()
    for protocol, state in LISTENING.items():
        table = Path(f"/proc/{pid}/net/{protocol}")
        rows = (
            [line.split() for line in table.read_text().splitlines()[1:]] if table.exists() else []
        )
        found |= {(protocol, row[1]) for row in rows if row[3] == state}
    return found


def wait(pid: int, leaving: threading.Event) -> None:
    deadline = time.monotonic() + PATIENCE_S
    before: set[tuple[str, str]] = set()
    while time.monotonic() < deadline:
        present = of_network(pid)
        if present and present == before:
            return
        before = present
        if leaving.wait(MOMENT_S):
            return
