"""Load: threads that count answers by their first word and keep every failure."""

import collections
import http.client
import ssl
import threading
import time


class Load:
    """Asks `address:port` for `path` with `host` until stop(), `clients` requests at a time.

    A failure is an answer that is not 200, or a connection that breaks before its answer. A kept
    connection that the server had closed before we asked is opened again, as HTTP/1.1 clients do.
    """

    def __init__(
        self,
        address: str,
        port: int,
        host: str,
        path: str = "/",
        clients: int = 4,
        pause_s: float = 0.0,
        tls: ssl.SSLContext | None = None,
    ):
        self.target = (address, port, host, path, pause_s)
        self.tls = tls  # the server name is `host`
        self.answers: collections.Counter[str] = collections.Counter()
        self.failures: list[str] = []
        self.latencies: list[float] = []
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._client, daemon=True) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    @property
    def sent(self) -> int:
        with self._lock:
            return sum(self.answers.values()) + len(self.failures)

    def take(self) -> collections.Counter[str]:
        """The answers since the last take()."""
        with self._lock:
            taken, self.answers = self.answers, collections.Counter()
            self._taken = getattr(self, "_taken", 0) + sum(taken.values())
            return taken

    @property
    def total(self) -> int:
        with self._lock:
            return getattr(self, "_taken", 0) + sum(self.answers.values()) + len(self.failures)

    def stop(self) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join(15)

    def _open(self) -> http.client.HTTPConnection:
        address, port, host, _, _ = self.target
        connection = http.client.HTTPConnection(address, port, timeout=10)
        if self.tls:
            connection.connect()
            connection.sock = self.tls.wrap_socket(connection.sock, server_hostname=host)
        return connection

    def _client(self) -> None:
        _, _, host, path, pause_s = self.target
        connection = None
        while not self._ending.is_set():
            started = time.monotonic()
            fresh = connection is None
            try:
                if connection is None:
                    connection = self._open()
                connection.request("GET", path, headers={"Host": host})
                answer = connection.getresponse()
                body = answer.read().decode(errors="replace")
            except (OSError, http.client.HTTPException) as problem:
                if connection is not None:
                    connection.close()
                connection = None
                closed_before = isinstance(
                    problem, http.client.RemoteDisconnected | ConnectionResetError
                )
                if fresh or not closed_before:
                    self._note(None, f"{type(problem).__name__}: {problem}", started)
                continue
            if answer.will_close:
                connection.close()
                connection = None
            if answer.status == 200:
                self._note(body.split(" ", 1)[0].strip(), None, started)
            else:
                self._note(None, f"{answer.status} {body.strip()[:80]}", started)
            if pause_s:
                self._ending.wait(pause_s)

    def _note(self, word: str | None, failure: str | None, started: float) -> None:
        with self._lock:
            if word is not None:
                self.answers[word] += 1
            else:
                self.failures.append(f"{failure} (after {time.monotonic() - started:.3f} s)")
            self.latencies.append(time.monotonic() - started)
