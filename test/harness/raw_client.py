"""Requests of HTTP/1.1 byte by byte, and all that comes back."""

import socket
from dataclasses import dataclass, field


@dataclass
class RawAnswer:
    status: int
    fields: list[tuple[str, str]]
    body: bytes
    trailers: list[tuple[str, str]] = field(default_factory=list)

    def all(self, name: str) -> list[str]:
        return [value for each, value in self.fields if each.lower() == name.lower()]


def _read_fields(reader) -> list[tuple[str, str]]:
    fields = []
    while text := reader.readline().decode("latin-1").strip():
        name, _, value = text.partition(":")
        fields.append((name, value.strip()))
    return fields


def read_head(reader) -> RawAnswer:
    line = reader.readline()
    if not line:
        raise ConnectionError("closed without an answer")
    return RawAnswer(int(line.split()[1]), _read_fields(reader), b"")


def read_answer(reader, method: str = "GET") -> RawAnswer:
    answer = read_head(reader)
    if answer.status < 200 or answer.status in (204, 304) or method == "HEAD":
        return answer
    if answer.all("Transfer-Encoding"):
        while size := int(reader.readline(), 16):
            answer.body += reader.read(size)
            reader.readline()
        answer.trailers = _read_fields(reader)
    elif lengths := answer.all("Content-Length"):
        answer.body = reader.read(int(lengths[0]))
    else:
        answer.body = reader.read()
    return answer


def send_raw(port: int, request: bytes, before: bytes = b"", method: str = "GET") -> RawAnswer:
    """One answer to bytes on a connection of their own."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.sendall(before + request)
        with sock.makefile("rb") as reader:
            return read_answer(reader, method)
