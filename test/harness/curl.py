"""Requests by curl: HTTP/1.1 and HTTP/2, with every field of the answer in its order."""

import subprocess
from dataclasses import dataclass

from harness.versions import scheme_of

OPTIONS = {
    "http1": ["--http1.1"],
    "h2c": ["--http2-prior-knowledge"],
    "https-h2": ["--http2", "--insecure"],
}


@dataclass
class Reply:
    status: int
    fields: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for field, value in self.fields if field.lower() == name.lower()]

    def joined(self, name: str) -> str | None:
        """The values joined with a comma, as clients may do; None: there is no such field."""
        values = self.all(name)
        return ",".join(values) if values else None


def curl(
    port: int,
    path: str = "/",
    version: str = "http1",
    host: str | None = "example.com",
    method: str = "GET",
    headers: list[tuple[str, str]] = (),
    body: bytes | None = None,
    more: list[str] = (),
    address: str = "127.0.0.1",
) -> Reply:
    command = ["curl", "-s", "-S", "-i", "-m", "20", "--path-as-is", *OPTIONS[version]]
    command += ["--head"] if method == "HEAD" else ["-X", method]
    command += ["-H", f"Host: {host}" if host else "Host:"]
    for name, value in headers:
        # That is how curl sends an empty one.
        command += ["-H", f"{name}: {value}" if value else f"{name};"]
    if body is not None:
        command += ["--data-binary", "@-", "-H", "Expect:"]
    command += [*more, f"{scheme_of(version)}://{address}:{port}{path}"]
    result = subprocess.run(command, input=body, capture_output=True, timeout=30)
    assert result.returncode == 0, f"{command}\n{result.stderr.decode()}"
    head, _, content = result.stdout.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    assert lines[0].startswith("HTTP/1." if version == "http1" else "HTTP/2 "), lines[0]
    fields = [tuple(line.partition(":")[::2]) for line in lines[1:]]
    status = int(lines[0].split(" ")[1])
    return Reply(status, [(name, value.strip()) for name, value in fields], content)
