"""One HTTP/1.1 request on a connection of its own."""

import http.client
import json
from dataclasses import dataclass


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    @property
    def word(self) -> str:
        """The first word: the name of the backend that answered."""
        return self.text.split(" ", 1)[0].strip()

    @property
    def json(self) -> dict:
        return json.loads(self.body)

    def header_of_request(self, name: str) -> list[str]:
        """What an echo backend saw under `name`."""
        return [value for key, value in self.json["headers"] if key == name.lower()]


def ask(
    port: int,
    host: str = "example.com",
    path: str = "/",
    method: str = "GET",
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
    address: str = "127.0.0.1",
    seconds: float = 10,
) -> Answer:
    connection = http.client.HTTPConnection(address, port, timeout=seconds)
    try:
        connection.request(method, path, body=body, headers={"Host": host, **(headers or {})})
        answer = connection.getresponse()
        names = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, names, answer.read())
    finally:
        connection.close()


def answered(port: int, host: str = "example.com", path: str = "/", **more) -> str:
    """The backend that answered; the status when none did."""
    answer = ask(port, host, path, **more)
    return answer.word if answer.status == 200 else str(answer.status)
