"""Requests of HTTP/1.1 byte by byte, and all that comes back."""

import socket
from dataclasses import dataclass


@dataclass
class RawAnswer:
    status: int
    fields: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for field, value in self.fields if field.lower() == name.lower()]


def read_head(reader) -> RawAnswer:
    line = reader.readline()
    if not line:
        raise ConnectionError("closed without an answer")
    answer = RawAnswer(int(line.split()[1]), [], b"")
    while text := reader.readline().decode("latin-1").strip():
        name, _, value = text.partition(":")
        answer.fields.append((name, value.strip()))
    return answer


def read_answer(reader, method: str = "GET") -> RawAnswer:
    answer = read_head(reader)
    if answer.status < 200 or answer.status in (204, 304) or method == "HEAD":
        return answer
    if answer.all("Transfer-Encoding"):
        while size := int(reader.readline(), 16):
            answer.body += reader.read(size)
            reader.readline()
        reader.readline()
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
