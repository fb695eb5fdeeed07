"""An API server that refuses, drops, repeats and forgets: a proxy in front of a real one."""

import contextlib
import http.client
import http.server
import json
import random
import socket
import socketserver
import ssl
import threading
import time
from collections import Counter

from cluster.api import Api

from harness.authority import Issued

REFUSALS = ((500, "InternalError"), (503, "ServiceUnavailable"), (429, "TooManyRequests"))
FAULTS = {"none": 60, "refuse": 15, "delay": 10, "drop": 5, "lose the answer": 10}
ENDINGS = {"end": 3, "cut": 3, "gone": 2, "repeat": 2}
LONGEST_WATCH_S = 5.0


def status(code: int, reason: str) -> dict:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": f"{reason} by the test",
    }


class Broken(Exception):
    """The connection is closed without another word."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "FlakyApi"

    def setup(self) -> None:
        self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def handle(self) -> None:
        try:
            super().handle()
        finally:  # the server knows only the socket below
            with contextlib.suppress(OSError):
                self.request.shutdown(socket.SHUT_RDWR)
            self.request.close()

    def forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = self.server.draw(FAULTS)
        if self.server.away.is_set() or fault == "drop":
            raise Broken
        if fault == "refuse":
            self.refuse(*self.server.random.choice(REFUSALS))
            return
        if fault == "delay":
            self.server.ending.wait(self.server.random.uniform(0, 0.5))
        with contextlib.closing(self.server.api.connect(None)) as upstream:
            upstream.request(self.command, self.path, body or None, self.passed_on())
            answer = upstream.getresponse()
            if fault == "lose the answer":
                raise Broken
            if "watch=true" in self.path and answer.status == 200:
                self.stream(answer)
            else:
                self.answer(answer.status, answer.read())

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = forward

    def passed_on(self) -> dict[str, str]:
        wanted = ("Authorization", "Accept", "Content-Type")
        return {name: self.headers[name] for name in wanted if self.headers[name]}

    def refuse(self, code: int, reason: str) -> None:
        self.answer(code, json.dumps(status(code, reason)).encode())

    def answer(self, code: int, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if code == 429:
            self.send_header("Retry-After", "1")
        self.end_headers()
        self.wfile.write(body)

    def stream(self, answer: http.client.HTTPResponse) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        watch = Watch(self.server)
        threading.Thread(target=self.cut_when_idle, args=(watch,), daemon=True).start()
        try:
            self.stream_lines(answer, watch)
        finally:
            watch.over.set()
        self.chunk(b"")

    def stream_lines(self, answer: http.client.HTTPResponse, watch: "Watch") -> None:
        for line in answer:
            fault = watch.fault()
            if fault == "cut":
                self.chunk(line[: len(line) // 2])
                raise Broken
            self.chunk(line)
            if fault == "repeat":
                self.chunk(line)
            if fault == "gone":
                error = {"type": "ERROR", "object": status(410, "Expired")}
                self.chunk(json.dumps(error).encode() + b"\n")
            if fault != "none":
                return

    def cut_when_idle(self, watch: "Watch") -> None:
        while not watch.over.wait(0.1) and not self.server.ending.is_set():
            if watch.is_late():
                with contextlib.suppress(OSError):
                    self.request.shutdown(socket.SHUT_RDWR)
                return

    def chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def log_message(self, *_) -> None:
        pass


class Watch:
    """How and when one ends, drawn as soon as there are faults."""

    def __init__(self, server: "FlakyApi"):
        self.server = server
        self.over = threading.Event()
        self.ending, self.until = "none", 0.0
        self.lock = threading.Lock()

    def fault(self, grace_s: float = 0.0) -> str:
        with self.lock:
            if self.ending == "none" and self.server.faults.is_set():
                self.ending = self.server.draw(ENDINGS)
                self.until = time.monotonic() + self.server.random.uniform(0.2, LONGEST_WATCH_S)
            due = time.monotonic() > self.until + grace_s or self.server.away.is_set()
            return self.ending if due and self.server.faults.is_set() else "none"

    def is_late(self) -> bool:
        """No line has come that it could have ended with."""
        return self.fault(LONGEST_WATCH_S) != "none"


class FlakyApi(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """`api` has no user of its own: who asks says who he is. Everything is well while `faults` is
    not set; while `away` is, every connection breaks."""

    daemon_threads = True

    def __init__(self, api: Api, issued: Issued, seed: int):
        super().__init__(("127.0.0.1", 0), Handler)
        self.api, self.random = api, random.Random(seed)
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(issued.certificate, issued.key)
        self.faults, self.away, self.ending = (threading.Event() for _ in range(3))
        self.drawn: Counter[str] = Counter()
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"https://localhost:{self.server_port}"

    def draw(self, weights: dict[str, int]) -> str:
        if not self.faults.is_set():
            return "none"
        (chosen,) = self.random.choices(list(weights), list(weights.values()))
        self.drawn[chosen] += 1
        return chosen

    def handle_error(self, request, client_address) -> None:
        request.close()  # broken on purpose, or by the client

    def stop(self) -> None:
        self.ending.set()
        self.shutdown()
        self.server_close()
