"""The API server as a Python program sees it: single calls and endless watches."""

import contextlib
import http.client
import json
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from cluster.layout import API_PORT, NODE

JSON = "application/json"
MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"
WATCH_AGAIN_S = 0.2

Dial = Callable[[tuple[str, int], float], socket.socket]


class Refusal(Exception):
    """An answer of 300 or more."""

    def __init__(self, status: int, body: bytes):
        self.status = status
        try:
            self.document = json.loads(body)
            self.message = self.document["message"]
        except (ValueError, KeyError, TypeError):
            self.document, self.message = {}, body[:300].decode(errors="replace")
        super().__init__(f"{status}: {self.message}")

    @property
    def fields(self) -> list[str]:
        """The fields that the API server names, as paths."""
        causes = self.document.get("details", {}).get("causes", [])
        return [cause["field"] for cause in causes if "field" in cause]


class Connection(http.client.HTTPConnection):
    """HTTPS on a socket that the caller's way of dialling makes."""

    def __init__(self, tls: ssl.SSLContext, dial: Dial, seconds: float | None):
        super().__init__(NODE, API_PORT)
        self.tls, self.dial, self.seconds = tls, dial, seconds

    def connect(self) -> None:
        plain = self.dial((NODE, API_PORT), 10)
        plain.settimeout(self.seconds)
        self.sock = self.tls.wrap_socket(plain, server_hostname=NODE)


class Api:
    """One user of the API server. A connection for every call: kept ones die while nobody asks."""

    def __init__(
        self,
        certificates: Path,
        user: str | None = "admin",
        token: str | None = None,
        dial: Dial = socket.create_connection,
    ):
        self.tls = ssl.create_default_context(cafile=str(certificates / "ca.crt"))
        if user and not token:
            self.tls.load_cert_chain(certificates / f"{user}.crt", certificates / f"{user}.key")
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.dial = dial

    def connect(self, seconds: float | None = 30) -> Connection:
        return Connection(self.tls, self.dial, seconds)

    def read(self, method: str, path: str, body: object = None, **headers: str) -> bytes:
        with contextlib.closing(self.connect()) as connection:
            payload = None if body is None else json.dumps(body)
            connection.request(method, path, payload, {**self.headers, **headers})
            answer = connection.getresponse()
            content = answer.read()
        if answer.status >= 300:
            raise Refusal(answer.status, content)
        return content

    def call(
        self, method: str, path: str, body: object = None, kind: str = JSON, accept: str = JSON
    ) -> dict:
        headers = {"Content-Type": kind, "Accept": accept}
        return json.loads(self.read(method, path, body, **headers))

    def follow(self, path: str) -> Iterator[tuple[str, list | dict]]:
        """("LISTED", all objects), then (type, object) for ever; listed again when it breaks."""
        while True:
            try:
                listed = self.call("GET", path)
                yield "LISTED", listed["items"]
                version = listed["metadata"]["resourceVersion"]
                with contextlib.closing(self.connect(None)) as connection:
                    connection.request(
                        "GET", f"{path}?watch=1&resourceVersion={version}", headers=self.headers
                    )
                    for line in connection.getresponse():
                        event = json.loads(line)
                        if event["type"] == "ERROR":
                            break
                        yield event["type"], event["object"]
            except (OSError, http.client.HTTPException, Refusal, ValueError) as problem:
                print(f"watching {path}: {problem}", file=sys.stderr, flush=True)
            time.sleep(WATCH_AGAIN_S)
