"""A backend in the test's own process that answers with what it was asked, as JSON."""

import hashlib
import http.server
import json
import time
from urllib.parse import parse_qs, urlsplit

from harness.servers import TcpServer


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments) -> None:
        pass

    def _body(self) -> tuple[int, str]:
        digest, length = hashlib.sha256(), 0

        def take(block: bytes) -> None:
            nonlocal length
            digest.update(block)
            length += len(block)

        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                take(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
        else:
            left = int(self.headers.get("Content-Length", 0))
            while left:
                block = self.rfile.read(min(left, 1 << 16))
                if not block:
                    break
                take(block)
                left -= len(block)
        return length, digest.hexdigest()

    def _answer(self) -> None:
        self.server.seen.append((self.command, self.path))
        query = parse_qs(urlsplit(self.path).query)
        length, digest = self._body()
        time.sleep(float(query.get("delay_s", ["0"])[0]))
        if "bytes" in query:
            body = b"x" * int(query["bytes"][0])
        else:
            body = json.dumps(
                {
                    "name": self.server.name,
                    "method": self.command,
                    "path": self.path,
                    "version": self.request_version,
                    "headers": [[name.lower(), value] for name, value in self.headers.items()],
                    "bodyBytes": length,
                    "bodySha256": digest,
                }
            ).encode()
        self.send_response(int(query.get("status", ["200"])[0]))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _answer


class EchoBackend(TcpServer):
    """Listens on `port` (default: a free one) of 127.0.0.1; `seen` lists (method, path)."""

    def __init__(self, name: str = "echo", port: int = 0):
        self.name = name
        self.seen: list[tuple[str, str]] = []
        super().__init__(_Handler, port)
