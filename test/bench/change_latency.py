"""How long a change takes from the API server's answer to the writer until nginx answers by it."""

import contextlib
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cluster.api import MERGE, Api
from harness.kube_sluice import KubeSluice
from harness.waiting import until

CLIENT_S = 10
# Of nginx: a new connection to each worker takes a second, which is not the change's.
KEPT = "keepalive_requests 10000000;"
PAUSE_S = 0.0002  # between them: the worker is to have time for the change
AT_ONCE = 100  # connections: one after another they would go to the same few workers
TRIES = 20
WAIT_S = 30


@dataclass(frozen=True)
class Change:
    """Milliseconds since the API server answered the write."""

    event: float  # a watch of our own told of it; below 0: before the answer
    worker: float  # every worker answered by it


class Client:
    """A kept connection to one worker."""

    def __init__(self, address: str, host: str):
        self.socket = socket.create_connection((address, 80), CLIENT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.request = f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()

    def location(self) -> str:
        """Where the redirect points to."""
        self.socket.sendall(self.request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._receive(65536)
        head, _, body = answer.partition(b"\r\n\r\n")
        missing = int(re.search(rb"Content-Length: (\d+)", head, re.I)[1]) - len(body)
        while missing > 0:
            missing -= len(self._receive(missing))
        found = re.search(rb"Location: http://[^/]*/(\S*)", head, re.I)
        return found[1].decode() if found else ""

    def _receive(self, size: int) -> bytes:
        data = self.socket.recv(size)
        if not data:
            raise ConnectionError("the worker closed the connection")
        return data

    def inode(self) -> str:
        """Of the worker's end of the connection."""
        mine = self.socket.getsockname()[1]
        for line in Path("/proc/thread-self/net/tcp").read_text().splitlines()[1:]:
            words = line.split()
            if int(words[2].rpartition(":")[2], 16) == mine:
                return words[9]
        return ""


def has_socket(pid: int, inode: str) -> bool:
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            if str(link.readlink()) == f"socket:[{inode}]":
                return True
    return False


class Workers:
    """A connection to each of them; used in the cluster's network."""

    def __init__(self, address: str, host: str, pids: list[int]):
        self.address, self.host, self.pids = address, host, pids
        self.clients: dict[int, Client] = {}
        self.connect()

    def connect(self) -> None:
        self.clients = {}
        for _ in range(TRIES):
            clients = [Client(self.address, self.host) for _ in range(AT_ONCE)]
            for client in clients:
                client.location()
                inode = client.inode()
                self.clients.update((pid, client) for pid in self.pids if has_socket(pid, inode))
            if len(self.clients) == len(self.pids):
                return
        raise TimeoutError(f"{TRIES * AT_ONCE} connections reached {len(self.clients)} workers")

    def until_all_say(self, word: str) -> float:
        """When the last of them did."""
        for client in self.clients.values():
            until(lambda asked=client: asked.location() == word, word, WAIT_S, PAUSE_S)
        return time.monotonic()


class Events:
    """When a watch told of each `/metadata/resourceVersion` of one object."""

    def __init__(self, api: Api, collection: str, name: str):
        self.connection = api.connect(None)
        query = f"?watch=1&fieldSelector=metadata.name%3D{name}"
        self.connection.request("GET", collection + query, headers=api.headers)
        self.answer = self.connection.getresponse()
        self.at: dict[str, float] = {}
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            for line in self.answer:
                now = time.monotonic()
                self.at[json.loads(line)["object"]["metadata"]["resourceVersion"]] = now

    def stop(self) -> None:
        self.connection.sock.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.connection.close()


def changes(
    api: Api, sluice: KubeSluice, address: str, place: tuple[str, str], host: str, count: int
) -> Iterator[Change]:
    """Patches the redirect of the HTTPRoute `place` = (collection, name); runs inside."""
    collection, name = place
    workers = Workers(address, host, sluice.workers())
    events = Events(api, collection, name)
    writer = api.connect()
    try:
        for number in range(count):
            word = f"{sluice.worker_count}-{number}"
            patch = json.dumps({"spec": {"rules": [redirect(word)]}})
            headers = {**api.headers, "Content-Type": MERGE}
            writer.request("PATCH", f"{collection}/{name}", patch, headers)
            answer = writer.getresponse()
            written = time.monotonic()
            version = json.loads(answer.read())["metadata"]["resourceVersion"]
            answered = workers.until_all_say(word)
            told = until(lambda seen=version: events.at.get(seen), "the event", WAIT_S)
            yield Change(1000 * (told - written), 1000 * (answered - written))
    finally:
        events.stop()
        writer.close()


def redirect(word: str) -> dict:
    """A rule that answers with `word`, without a backend."""
    path = {"type": "ReplaceFullPath", "replaceFullPath": f"/{word}"}
    return {"filters": [{"type": "RequestRedirect", "requestRedirect": {"path": path}}]}
